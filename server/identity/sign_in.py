"""Proving who one is: password, text message, WeChat.

Every step is the same for a phone that nobody has: same statements, same hash, same answer.
"""

from typing import Any

from server.core.call import Call
from server.core.errors import Refused, invalid
from server.identity import store
from server.identity.admission import Admission
from server.identity.commands import LogIn
from server.identity.passwords import Passwords
from server.identity.sms_codes import SmsCodes
from server.identity.store_codes import Slot
from server.identity.wechat_sign_in import WeChatSignIn
from server.storage.sql import Database
from server.storage.transaction import Transaction
from server.storage.unit_of_work import UnitOfWork


class SignIn:
    """POST login (contract.md §3)."""

    def __init__(
        self,
        *,
        database: Database,
        units: UnitOfWork,
        passwords: Passwords,
        codes: SmsCodes,
        admission: Admission,
        wechat: WeChatSignIn,
    ) -> None:
        self._database = database
        self._units = units
        self._passwords = passwords
        self._codes = codes
        self._admission = admission
        self._wechat = wechat

    async def log_in(self, call: Call, command: LogIn) -> dict[str, Any]:
        """Raises Refused `invalid`, `login_failed`, `wechat_unbound`, `too_many_attempts`, `forbidden`."""
        match command.way:
            case "password":
                return await self._by_password(call, phone=command.phone, password=command.password)
            case "sms_code":
                return await self._by_sms_code(call, phone=command.phone, code=command.sms_code)
            case "wechat":
                begun = (command.wechat_state, command.wechat_proof)
                return await self._wechat.log_in(call, code=command.wechat_code, app=command.wechat_app, begun=begun)
        raise invalid("phone", "请使用手机号加密码、手机号加验证码、微信授权码三种方式之一登录")

    async def _by_password(self, call: Call, *, phone: Any, password: Any) -> dict[str, Any]:
        slots = await self._database.write(lambda tx: self._admission.count(tx, call, phone=phone))
        async with self._database.read() as tx:
            user = await store.find_by_phone(tx, phone)
        stored = None if user is None else user["password_hash"]
        async with self._admission.uncounted_when_unavailable(slots):
            fits = await self._passwords.verify(stored, password)
            if user is None or stored is None or not fits:
                raise Refused("login_failed")
            newer = await self._passwords.hash(password) if self._passwords.is_outdated(stored) else None

        async def body(tx: Transaction) -> dict[str, Any]:
            locked = await store.lock_user(tx, user["user_id"])
            if locked is None or locked["password_hash"] != stored:  # a new one was set meanwhile
                raise Refused("login_failed")
            if newer is not None:
                await store.set_password(tx, user["user_id"], newer)
            return await self._admission.admit(tx, locked, slots=slots)

        return await self._units.run(call, body)

    async def _by_sms_code(self, call: Call, *, phone: Any, code: Any) -> dict[str, Any]:
        async def attempt(tx: Transaction) -> tuple[list[Slot], str | None]:
            slots = await self._admission.count(tx, call, phone=phone)
            return slots, await self._codes.spend_try(tx, phone, purpose="login", code=code)

        slots, code_id = await self._database.write(attempt)
        if code_id is None:
            raise Refused("login_failed")

        async def body(tx: Transaction) -> dict[str, Any]:
            if not await self._codes.use(tx, code_id):
                raise Refused("login_failed")
            return await self._admission.admit(tx, await self._admission.registered(tx, phone), slots=slots)

        return await self._units.run(call, body)
