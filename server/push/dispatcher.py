"""Hands over to the carriers what the outbox brings.

A parcel may come twice: a delivery that is settled is not sent again, and what crashed in between is
told apart by the carrier through the once key.
"""

import asyncio
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from server.core.clock import server_now
from server.core.errors import Unavailable
from server.push import store
from server.push.notices import queue_delivery
from server.push.senders.port import Rejected, Sender
from server.push.templates import SIGNATURE
from server.storage.outbox import Outbox
from server.storage.sql import Database
from server.storage.transaction import Transaction

SMS_TOPIC = "sms"
_log = logging.getLogger(__name__)


class Dispatcher:
    """Deliverer of the topics "push" and "sms"; `senders` by channel ("wechat", "sms")."""

    def __init__(
        self,
        *,
        database: Database,
        outbox: Outbox,
        senders: Mapping[str, Sender],
        send_within_s: float = 5.0,
        attempts_at_most: int = 40,  # with the outbox's pauses about three hours; later it is no news
        code_useless_after_s: float = 300.0,  # a one-time code has died by then
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._senders = senders
        self._send_within_s = send_within_s
        self._attempts_at_most = attempts_at_most
        self._code_useless_after = timedelta(seconds=code_useless_after_s)

    async def send_sms(
        self, tx: Transaction, *, phone: str, template: str, text: str, code: str | None, once_key: str
    ) -> None:
        """Queue a text message with the transaction; the same `once_key` (up to 128 characters) is sent once."""
        message = {"phone": phone, "template": template, "text": text, "code": code, "once_key": once_key}
        await self._outbox.put(tx, SMS_TOPIC, {**message, "at": server_now().isoformat()})

    async def deliver_sms(self, payload: dict[str, Any], _enclosed: Any) -> None:
        """Deliverer of "sms". Raises Unavailable: again later."""
        if server_now() - datetime.fromisoformat(payload["at"]) > self._code_useless_after:
            _log.warning("text message came too late", extra={"template": payload["template"]})
            return
        message = {name: payload[name] for name in ("template", "text", "code", "once_key")}
        try:
            await self._hand_over("sms", payload["phone"], message)
        except Rejected as rejected:
            _log.warning("text message rejected", extra={"template": payload["template"], "reason": rejected.code})

    async def deliver_notice(self, payload: dict[str, Any], _enclosed: Any) -> None:
        """Deliverer of "push". Raises Unavailable: again later."""
        delivery_id = payload["delivery_id"]
        async with self._database.read() as tx:
            delivery = await store.find_delivery(tx, delivery_id)
            if delivery is None or delivery["status"] != "waiting":
                return
            address = await store.address_of(tx, delivery["user_id"], delivery["channel"])
        try:
            await self._send(delivery, address)
        except Rejected as rejected:
            await self._fail(delivery, rejected.code)
        except Unavailable:
            if delivery["attempts"] + 1 >= self._attempts_at_most:
                await self._fail(delivery, "unavailable")
                return
            await self._database.write(lambda tx: store.count_attempt(tx, delivery_id))
            raise
        else:
            done = {"status": "sent", "failure_code": None, "at": server_now()}
            await self._database.write(lambda tx: store.settle_delivery(tx, delivery_id, **done))

    async def _send(self, delivery: dict[str, Any], address: str | None) -> None:
        if address is None:
            raise Rejected("no_address")
        text = SIGNATURE + delivery["content"] if delivery["channel"] == "sms" else delivery["content"]
        message = {"template": delivery["template"], "text": text, "code": None, "once_key": delivery["delivery_id"]}
        await self._hand_over(delivery["channel"], address, message)

    async def _hand_over(self, channel: str, recipient: str, message: dict[str, Any]) -> None:
        sender = self._senders.get(channel)
        if sender is None:
            raise Rejected("no_carrier")
        try:
            async with asyncio.timeout(self._send_within_s):
                await sender.send(recipient, **message)
        except TimeoutError:
            raise Unavailable() from None

    async def _fail(self, delivery: dict[str, Any], failure_code: str) -> None:
        """Settle as failed; what WeChat did not take goes out as a text message."""
        failed = {"status": "failed", "failure_code": failure_code, "at": server_now()}

        async def body(tx: Transaction) -> None:
            settled = await store.settle_delivery(tx, delivery["delivery_id"], **failed)
            if settled and delivery["channel"] == "wechat":
                await queue_delivery(tx, self._outbox, delivery["message_id"], "sms")

        await self._database.write(body)
