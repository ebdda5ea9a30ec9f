"""Accounts: registered, looked at, given a new password."""

from typing import Any

from server.core.call import Call
from server.core.clock import server_now
from server.core.errors import Refused
from server.core.facts import Facts
from server.identity import store, store_codes
from server.identity.commands import CreateAdmin, ReadMe, RegisterUser, ResetPassword
from server.identity.facts import UserRegistered
from server.identity.logins import Logins
from server.identity.passwords import Passwords
from server.identity.rules import IdentityRules
from server.identity.sms_codes import SmsCodes
from server.identity.words import me_answer
from server.storage.sql import Database
from server.storage.transaction import Transaction
from server.storage.unit_of_work import UnitOfWork


class Accounts:
    """Passwords are hashed before a transaction begins, never inside one."""

    def __init__(
        self,
        *,
        database: Database,
        units: UnitOfWork,
        facts: Facts,
        passwords: Passwords,
        codes: SmsCodes,
        logins: Logins,
        rules: IdentityRules,
    ) -> None:
        self._database = database
        self._units = units
        self._facts = facts
        self._passwords = passwords
        self._codes = codes
        self._logins = logins
        self._rules = rules

    async def register(self, call: Call, command: RegisterUser) -> dict[str, Any]:
        """A new account. Raises Refused `sms_code_wrong`, `phone_taken` (only to who holds the phone)."""
        code_id = await self._codes.try_now(call, command.phone, purpose="register", code=command.sms_code)
        password_hash = await self._passwords.hash(command.password)

        async def body(tx: Transaction) -> dict[str, Any]:
            if not await self._codes.use(tx, code_id):
                raise Refused("sms_code_wrong")
            user_id = await self._add(
                tx,
                username=command.username,
                phone=command.phone,
                password_hash=password_hash,
                user_type=command.user_type,
            )
            return {"user_id": user_id}

        return await self._units.run(call, body)

    async def create_admin(self, command: CreateAdmin) -> str:
        """Make an administrator (`run.py admin create`); the `user_id`. Raises Refused `phone_taken`."""
        password_hash = await self._passwords.hash(command.password)

        async def body(tx: Transaction) -> str:
            return await self._add(
                tx,
                username=command.username,
                phone=command.phone,
                password_hash=password_hash,
                user_type="admin",
            )

        return await self._database.write(body)

    async def _add(
        self, tx: Transaction, *, username: str, phone: str, password_hash: str, user_type: str
    ) -> str:
        now = server_now()
        user_id = await store.add_user(
            tx, username=username, password_hash=password_hash, phone=phone, user_type=user_type, now=now
        )
        await store.add_consent(tx, user_id, purpose="terms", text_version=self._rules.terms_version, now=now)
        await self._facts.record(tx, UserRegistered(user_id, user_type, now))
        return user_id

    async def reset_password(self, call: Call, command: ResetPassword) -> dict[str, Any]:
        """A new password for who holds the phone; all logins end. Raises Refused `sms_code_wrong`."""
        code_id = await self._codes.try_now(call, command.phone, purpose="reset", code=command.sms_code)
        password_hash = await self._passwords.hash(command.password)

        async def body(tx: Transaction) -> dict[str, Any]:
            if not await self._codes.use(tx, code_id):
                raise Refused("sms_code_wrong")
            user = await store.lock_by_phone(tx, command.phone)
            if user is None:
                raise Refused("sms_code_wrong")
            await store.set_password(tx, user["user_id"], password_hash)
            await self._logins.end_all(tx, user["user_id"], reason="password_reset")
            await store_codes.forgive(tx, self._rules.failures_of_phone, command.phone)
            return {}

        return await self._units.run(call, body)

    async def me(self, call: Call, command: ReadMe) -> dict[str, Any]:
        """The caller's own account."""
        async with self._database.read() as tx:
            user = await store.user_with_career(tx, call.user.user_id)
        if user is None:
            raise Refused("unauthorized")
        return me_answer(user)
