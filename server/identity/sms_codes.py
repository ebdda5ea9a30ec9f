"""One-time codes by text message.

A code is 6 digits, lives 5 minutes, survives 5 tries and is used once. The answer is the same whether
or not anybody has the phone, and so is the work: a code is made and sent in either case.
"""

import secrets
from typing import Any, Protocol

from server.core.call import Call
from server.core.clock import server_now
from server.core.errors import Refused
from server.identity import store_codes
from server.identity.addresses import address_group, is_loopback
from server.identity.commands import RequestSmsCode
from server.identity.rules import IdentityRules
from server.storage.transaction import Transaction
from server.storage.unit_of_work import UnitOfWork

_PURPOSE_WORDS = {"register": "注册", "login": "登录", "reset": "重置密码", "bind": "绑定微信"}


class SendSms(Protocol):
    """Queues a text message with the transaction; the same `once_key` is sent once."""

    async def __call__(
        self, tx: Transaction, *, phone: str, template: str, text: str, code: str | None, once_key: str
    ) -> None: ...


class SmsCodes:
    """Codes for the purposes `register`, `login`, `reset` and `bind`, each for itself."""

    def __init__(self, *, units: UnitOfWork, send_sms: SendSms, rules: IdentityRules) -> None:
        self._units = units
        self._send_sms = send_sms
        self._rules = rules

    async def request(self, call: Call, command: RequestSmsCode) -> dict[str, Any]:
        """Send a code. Raises Refused `too_many_requests` with `retry_after_s`."""

        async def body(tx: Transaction) -> dict[str, Any]:
            await self._count(tx, call, command)
            await self._send(tx, command.phone, command.purpose)
            return {"resend_after_s": int(self._rules.resend_after.total_seconds())}

        return await self._units.run(call, body)

    async def _count(self, tx: Transaction, call: Call, command: RequestSmsCode) -> None:
        now, rules = server_now(), self._rules
        await store_codes.take(tx, rules.resends, f"{command.phone}/{command.purpose}", now=now)
        if rules.loopback_is_exempt and is_loopback(call.remote_address):
            return
        await store_codes.take(tx, rules.codes_of_number, command.phone, now=now)
        await store_codes.take(tx, rules.codes_of_address, address_group(call.remote_address), now=now)

    async def _send(self, tx: Transaction, phone: str, purpose: str) -> None:
        now, rules = server_now(), self._rules
        code = f"{secrets.randbelow(10**6):06d}"
        code_id = await store_codes.add_code(
            tx, phone, purpose=purpose, code=code, now=now, expires_at=now + rules.code_lifetime
        )
        minutes = int(rules.code_lifetime.total_seconds() // 60)
        await self._send_sms(
            tx,
            phone=phone,
            template=f"sms_code_{purpose}",
            text=f"【陪护】您的{_PURPOSE_WORDS[purpose]}验证码为 {code}，{minutes} 分钟内有效，请勿告诉他人。",
            code=code,
            once_key=f"sms_code/{code_id}",
        )

    async def spend_try(self, tx: Transaction, phone: str, *, purpose: str, code: str) -> str | None:
        """The `code_id` to be used up if the code is right. Commit it either way: the try has counted."""
        return await store_codes.spend_try(
            tx, phone, purpose=purpose, code=code, tries=self._rules.code_tries, now=server_now()
        )

    async def try_now(self, call: Call, phone: str, *, purpose: str, code: str) -> str:
        """As `spend_try`, in a transaction of its own. Raises Refused `sms_code_wrong`."""

        async def body(tx: Transaction) -> str | None:
            return await self.spend_try(tx, phone, purpose=purpose, code=code)

        code_id = await self._units.run(call, body)
        if code_id is None:
            raise Refused("sms_code_wrong")
        return code_id

    async def use(self, tx: Transaction, code_id: str) -> bool:
        """Use a right code up with what it allows; False when another request used it first."""
        return await store_codes.use_code(tx, code_id, now=server_now())
