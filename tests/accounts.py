"""The identity area on a test store, with cheap passwords."""
from dataclasses import dataclass, field

from server.core.call import Actor, Call
from server.core.facts import Facts
from server.core.ids import new_id
from server.handlers.subjects.admin.accounts import account_operations
from server.handlers.subjects.identity import identity_operations
from server.identity import facts as identity_facts
from server.identity.accounts import Accounts
from server.identity.admission import Admission
from server.identity.authentication import Authenticator
from server.identity.bans import Bans
from server.identity.commands import LogIn, RegisterUser, RequestSmsCode
from server.identity.consents import Consents
from server.identity.directory import Directory
from server.identity.logins import Logins
from server.identity.measures import Measures
from server.identity.passwords import Passwords
from server.identity.rules import IdentityRules
from server.identity.sign_in import SignIn
from server.identity.sms_codes import SmsCodes
from server.identity.tokens import AccessTokens, SigningKeys
from server.identity.wechat import SandboxWeChat
from server.identity.wechat_sign_in import WeChatSignIn
from server.identity.wechat_states import LoginStates
from server.storage.sql import Database
from server.storage.unit_of_work import UnitOfWork
from tests.stores import some_phone

PASSWORD = "correct horse 电池"
SECRET = "s" * 32


@dataclass
class Told:
    """Everything that was recorded and sent, in order."""

    facts: list = field(default_factory=list)
    messages: list = field(default_factory=list)

    async def take_fact(self, tx, fact):
        self.facts.append(fact)

    async def send_sms(self, tx, *, phone, template, text, code, once_key):
        self.messages.append({"phone": phone, "template": template, "text": text, "code": code, "key": once_key})

    def code_for(self, phone):
        return next(m["code"] for m in reversed(self.messages) if m["phone"] == phone)


class Identity:
    """All use cases of the area on one database; `told` sees its facts and messages."""

    def __init__(self, database: Database, *, rules: IdentityRules | None = None, wechat=None) -> None:
        self.database = database
        self.rules = rules or IdentityRules()
        self.told = Told()
        self.passwords = Passwords(memory_kib=8, rounds=1)
        self.tokens = AccessTokens(keys=SigningKeys(SECRET))
        facts, units = Facts(), UnitOfWork(database=database)
        for kind in vars(identity_facts).values():
            if isinstance(kind, type) and kind.__module__ == identity_facts.__name__:
                facts.on(kind, self.told.take_fact)
        self.codes = SmsCodes(units=units, send_sms=self.told.send_sms, rules=self.rules)
        self.logins = Logins(database=database, units=units, facts=facts, tokens=self.tokens, rules=self.rules)
        self.admission = Admission(database=database, logins=self.logins, rules=self.rules)
        self.wechat = WeChatSignIn(
            database=database,
            units=units,
            codes=self.codes,
            admission=self.admission,
            wechat=wechat or SandboxWeChat(),
            states=LoginStates(secret=SECRET, lifetime=self.rules.state_lifetime),
            rules=self.rules,
        )
        self.sign_in = SignIn(
            database=database,
            units=units,
            passwords=self.passwords,
            codes=self.codes,
            admission=self.admission,
            wechat=self.wechat,
        )
        self.accounts = Accounts(
            database=database,
            units=units,
            facts=facts,
            passwords=self.passwords,
            codes=self.codes,
            logins=self.logins,
            rules=self.rules,
        )
        self.consents = Consents(units=units, rules=self.rules)
        self.bans = Bans(units=units, facts=facts, logins=self.logins)
        self.authenticator = Authenticator(database=database, tokens=self.tokens)
        self.operations = identity_operations(
            accounts=self.accounts,
            codes=self.codes,
            sign_in=self.sign_in,
            wechat=self.wechat,
            logins=self.logins,
            consents=self.consents,
        ) + account_operations(
            directory=Directory(database=database), measures=Measures(units=units, facts=facts), bans=self.bans
        )

    async def send_code(self, phone: str, purpose: str) -> str:
        await self.codes.request(a_call(), RequestSmsCode(phone=phone, purpose=purpose))
        return self.told.code_for(phone)

    async def register(self, phone: str | None = None, *, user_type: str = "patient", username="王小明") -> str:
        """An account with PASSWORD; returns its `user_id`."""
        phone = phone or some_phone()
        code = await self.send_code(phone, "register")
        command = RegisterUser(
            phone=phone,
            sms_code=code,
            username=username,
            password=PASSWORD,
            user_type=user_type,
            accept_terms=True,
        )
        return (await self.accounts.register(a_call(), command))["user_id"]

    async def log_in(self, phone: str, password: str = PASSWORD, *, address: str = "203.0.113.7") -> dict:
        return await self.sign_in.log_in(a_call(address), LogIn(phone=phone, password=password))

    async def call_with(self, token: str) -> Call:
        """A call by who holds the token, as the edge makes it."""
        return a_call(actor=await self.authenticator.authenticate(token))


def a_call(address: str = "203.0.113.7", *, actor: Actor | None = None) -> Call:
    return Call(actor=actor, request_id=new_id(), remote_address=address)


def other_than(code: str) -> str:
    """Six digits that are not this code."""
    return f"{(int(code) + 1) % 10**6:06d}"
