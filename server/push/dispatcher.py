"""Hands over to the carriers what the outbox brings.

A parcel may come twice, and to two instances at once: a delivery that is settled is not sent again, and one that
somebody has in hand is left to him. What crashed between the carrier and our commit is told apart by the
carrier through the once key, if it can.
"""

import asyncio
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from server.core.clock import server_now
from server.core.errors import Unavailable
from server.push import store
from server.push.notices import line_of, queue_delivery
from server.push.senders.port import Rejected, Sender
from server.push.templates import SIGNATURE
from server.storage.outbox import Outbox
from server.storage.sql import Database
from server.storage.transaction import Transaction

SMS_TOPICS = ("sms", "sms.1", "sms.2", "sms.3")  # lines, as those of notices
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a carrier that does not answer is asked again."""

    # With the outbox's pauses 40 attempts are about three hours; a notice that is older is no news. WeChat gets
    # half a minute: what is critical then goes out as a text message.
    sms_attempts: int = 40
    wechat_attempts: int = 5
    send_within_s: float = 5.0
    in_hand_s: float = 30.0  # longer than all attempts at one delivery take; then a dead process's is free again
    code_useless_after_s: float = 300.0  # a one-time code has died by then

    def attempts(self, channel: str) -> int:
        return self.wechat_attempts if channel == "wechat" else self.sms_attempts


class Dispatcher:
    """Deliverer of the topics "push…" and "sms…"; `senders` by way: "sms", "wechat_mini", "wechat_oa"."""

    def __init__(
        self,
        *,
        database: Database,
        outbox: Outbox,
        senders: Mapping[str, Sender],
        patience: Patience | None = None,
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._senders = senders
        self._patience = patience or Patience()

    async def send_sms(
        self, tx: Transaction, *, phone: str, template: str, text: str, code: str | None, once_key: str
    ) -> None:
        """Queue a text message with the transaction; the same `once_key` (up to 128 characters) is sent once."""
        message = {"phone": phone, "template": template, "text": text, "code": code, "once_key": once_key}
        await self._outbox.put(tx, line_of(once_key, SMS_TOPICS), {**message, "at": server_now().isoformat()})

    async def deliver_sms(self, payload: dict[str, Any], _enclosed: Any) -> None:
        """Deliverer of "sms…". Raises Unavailable: again later."""
        useless_after = timedelta(seconds=self._patience.code_useless_after_s)
        if server_now() - datetime.fromisoformat(payload["at"]) > useless_after:
            _log.warning("text message came too late", extra={"template": payload["template"]})
            return
        message = {name: payload[name] for name in ("template", "text", "code", "once_key")}
        try:
            await self._hand_over("sms", payload["phone"], message | {"params": {}})
        except Rejected as rejected:
            _log.warning("text message rejected", extra={"template": payload["template"], "reason": rejected.code})

    async def deliver_notice(self, payload: dict[str, Any], _enclosed: Any) -> None:
        """Deliverer of "push…". Raises Unavailable: again later."""
        async with self._database.read() as tx:
            delivery = await store.find_delivery(tx, payload["delivery_id"])
            if delivery is None or delivery["status"] != "waiting":
                return
            ways = await _ways_to(tx, delivery)
        await self._take(delivery, ways)
        try:
            receipt = await self._send(delivery, ways)
        except Rejected as rejected:
            await self._fail(delivery, rejected.code)
        except Unavailable:
            if delivery["attempts"] + 1 >= self._patience.attempts(delivery["channel"]):
                await self._fail(delivery, "unavailable")
                return
            await self._settle(delivery, status="waiting")
            raise
        else:
            await self._settle(delivery, status="sent", receipt=receipt)

    async def _take(self, delivery: dict[str, Any], ways: list[tuple[str, str]]) -> None:
        """Where a carrier cannot tell a second message from the first, only one of us may ask it."""
        senders = [self._senders[way] for way, _ in ways if way in self._senders]
        if all(sender.knows_once_key for sender in senders):
            return
        now = server_now()
        until = now + timedelta(seconds=self._patience.in_hand_s)
        if not await self._database.write(lambda tx: store.take_delivery(tx, delivery, now=now, until=until)):
            raise Unavailable()

    async def _send(self, delivery: dict[str, Any], ways: list[tuple[str, str]]) -> str | None:
        """By the first way that takes it. Raises Unavailable if one of them may take it later, else Rejected."""
        text = SIGNATURE + delivery["content"] if delivery["channel"] == "sms" else delivery["content"]
        message = {"template": delivery["template"], "text": text, "code": None, "once_key": delivery["delivery_id"]}
        message["params"] = json.loads(delivery["params"] or "{}")
        problem: Rejected | Unavailable = Rejected("no_address")
        for way, recipient in ways:
            try:
                return await self._hand_over(way, recipient, message)
            except Unavailable as found:
                problem = found
            except Rejected as found:
                problem = problem if isinstance(problem, Unavailable) else found
        raise problem

    async def _hand_over(self, way: str, recipient: str, message: dict[str, Any]) -> str | None:
        sender = self._senders.get(way)
        if sender is None:
            raise Rejected("no_carrier")
        try:
            async with asyncio.timeout(self._patience.send_within_s):
                return await sender.send(recipient, **message)
        except TimeoutError:
            raise Unavailable() from None

    async def _settle(self, delivery: dict[str, Any], **state: Any) -> None:
        await self._database.write(lambda tx: store.settle_delivery(tx, delivery, at=server_now(), **state))

    async def _fail(self, delivery: dict[str, Any], failure_code: str) -> None:
        """Settle as failed; what WeChat did not take goes out as a text message."""
        failed = {"status": "failed", "failure_code": failure_code[:64], "at": server_now()}

        async def body(tx: Transaction) -> None:
            if await store.settle_delivery(tx, delivery, **failed):
                await fall_back(tx, self._outbox, delivery)

        await self._database.write(body)


async def fall_back(tx: Transaction, outbox: Outbox, delivery: dict[str, Any]) -> None:
    """After a failure: a text message instead of WeChat. Only what is critical leaves the app, so all of it."""
    if delivery["channel"] == "wechat":
        await queue_delivery(tx, outbox, delivery["message_id"], "sms", params=delivery["params"])


async def _ways_to(tx: Transaction, delivery: dict[str, Any]) -> list[tuple[str, str]]:
    """(way, recipient), the best first."""
    if delivery["channel"] == "wechat":
        return [(f"wechat_{app}", openid) for app, openid in await store.openids_of(tx, delivery["user_id"])]
    phone = await store.phone_of(tx, delivery["user_id"])
    return [] if phone is None else [("sms", phone)]
