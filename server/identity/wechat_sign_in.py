"""Logging in through WeChat, and binding it to an account."""

import json
from datetime import datetime
from typing import Any

from server.core.call import Call
from server.core.clock import server_now
from server.core.errors import CommittedRefusal, Refused, invalid
from server.identity import store, store_codes
from server.identity.admission import Admission
from server.identity.commands import BeginWeChat, BindWeChat
from server.identity.rules import IdentityRules
from server.identity.sms_codes import SmsCodes
from server.identity.wechat import WeChatLogin
from server.identity.wechat_states import LoginStates
from server.storage.sealed import SealBroken
from server.storage.sql import Database
from server.storage.transaction import Transaction
from server.storage.unit_of_work import UnitOfWork

_BIND_TOKEN = "wechat bind token"  # the seal's associated data: nothing else opens as one
_NOT_BEGUN_HERE = "登录已过期或不是从本页面发起，请重新登录"


class WeChatSignIn:
    """The wechat_code of POST login, what begins it, and POST wechat_bind. Only accounts that exist can be bound."""

    def __init__(
        self,
        *,
        database: Database,
        units: UnitOfWork,
        codes: SmsCodes,
        admission: Admission,
        wechat: WeChatLogin,
        states: LoginStates,
        rules: IdentityRules,
    ) -> None:
        self._database = database
        self._units = units
        self._codes = codes
        self._admission = admission
        self._wechat = wechat
        self._states = states
        self._rules = rules

    async def begin(self, call: Call, command: BeginWeChat) -> dict[str, Any]:
        """{"authorize_url", "proof", "expires_in"}: how a page inside WeChat gets a code that is its own.

        The page keeps the proof to itself and sends it with the code and the state that WeChat brings back.
        """
        begun = self._states.begin()
        lifetime_s = int(self._rules.state_lifetime.total_seconds())
        url = self._wechat.authorize_url(begun.state)
        return {"authorize_url": url, "proof": begun.proof, "expires_in": lifetime_s}

    async def log_in(self, call: Call, *, code: Any, app: Any, begun: tuple[str | None, str | None]) -> dict[str, Any]:
        """`begun` is the state and the proof of who began (None, None: neither was sent).

        Raises Refused `login_failed`, `too_many_attempts`, `forbidden`, `wechat_unbound` with
        `data.bind_token`.
        """
        slots = await self._database.write(lambda tx: self._admission.count(tx, call, phone=None))
        async with self._admission.uncounted_when_unavailable(slots):
            self._require_own(app, *begun)
            openid = await self._wechat.exchange(code, app)

        async def body(tx: Transaction) -> dict[str, Any]:
            user_id = await store.user_of_openid(tx, app, openid)
            user = None if user_id is None else await store.lock_user(tx, user_id)
            if user is None:
                await store_codes.give_back(tx, slots)
                raise CommittedRefusal("wechat_unbound", data={"bind_token": self._bind_token(app, openid)})
            return await self._admission.admit(tx, user, slots=slots)

        return await self._units.run(call, body)

    async def bind(self, call: Call, command: BindWeChat) -> dict[str, Any]:
        """Bind the identity behind `bind_token` to the phone's account and log in.

        Raises Refused `unauthorized` and `token_expired` (the bind token), `sms_code_wrong`, `login_failed`
        (nobody has the phone), `wrong_state` (bound to another account), `forbidden`.
        """
        app, openid = self._opened(command.bind_token)
        phone, code_id = await self._proven_phone(call, command)

        async def body(tx: Transaction) -> dict[str, Any]:
            if code_id is not None and not await self._codes.use(tx, code_id):
                raise Refused("sms_code_wrong")
            user = await self._admission.registered(tx, phone)
            await store.bind_openid(tx, user["user_id"], app=app, openid=openid, now=server_now())
            return await self._admission.admit(tx, user, slots=[])

        return await self._units.run(call, body)

    def _require_own(self, app: str, state: str | None, proof: str | None) -> None:
        """A code of the official account counts only for the page that began."""
        if app != "oa" or (state is None and proof is None and not self._wechat.requires_state):
            return
        if not self._states.fits(state or "", proof or ""):
            raise Refused("login_failed", _NOT_BEGUN_HERE)

    async def _proven_phone(self, call: Call, command: BindWeChat) -> tuple[Any, str | None]:
        match command.way:
            case "sms_code":
                code_id = await self._codes.try_now(
                    call, command.phone or "", purpose="bind", code=command.sms_code or ""
                )
                return command.phone, code_id
            case "phone_code":
                return await self._wechat.phone_of(command.phone_code or ""), None
        raise invalid("phone", "请提供手机号和验证码，或微信手机号授权码")

    def _bind_token(self, app: str, openid: str) -> str:
        until = server_now() + self._rules.bind_token_lifetime
        content = {"app": app, "openid": openid, "until": until.isoformat()}
        return self._database.keys.seal(json.dumps(content), _BIND_TOKEN)

    def _opened(self, bind_token: str) -> tuple[str, str]:
        try:
            content = json.loads(self._database.keys.open(bind_token, _BIND_TOKEN))
        except (SealBroken, ValueError):
            raise Refused("unauthorized") from None
        if datetime.fromisoformat(content["until"]) <= server_now():
            raise Refused("token_expired")
        return content["app"], content["openid"]
