"""Somebody is typing: told to who is there, kept nowhere.

A message without an offset never touches the channel's position. The standing is looked up at most once
in a while, because a signal comes with every few key strokes.
"""

import json
import time
from collections.abc import Callable
from typing import Any

from server.care.commands import SignalTyping
from server.care.events import typing_event
from server.care.ports import Orders
from server.care.standing import require_may_chat, require_standing
from server.core.call import Actor, Call
from server.core.channels import order_channel
from server.core.clock import BusinessClock
from server.core.shared_reads import SharedReads
from server.storage.pubsub.port import Bus, ChannelMessage
from server.storage.sql import Database


class TypingSignals:
    """Publishes `chat.typing`; remembers for `trusted_for_s` who was allowed to."""

    def __init__(
        self,
        *,
        database: Database,
        orders: Orders,
        bus: Bus,
        clock: BusinessClock,
        trusted_for_s: float = 1.0,  # within the 2 s after which a replaced caregiver has no access
        remembered: int = 10_000,  # a bound, not a size: entries live a second
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._orders = orders
        self._bus = bus
        self._clock = clock
        self._trusted_for_s = trusted_for_s
        self._remembered = remembered
        self._monotonic = monotonic
        self._allowed_until: dict[tuple[str, str], float] = {}
        self._questions = SharedReads()

    async def typing(self, call: Call, command: SignalTyping) -> dict[str, Any]:
        """{}. Raises `not_found`, `forbidden`, `chat_closed`, Unavailable."""
        await self._require_allowed(call.user, command.order_id)
        event = typing_event(call.user.user_id, self._clock.now())
        data = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        await self._bus.publish(ChannelMessage(order_channel(command.order_id), "", None, data))
        return {}

    async def _require_allowed(self, actor: Actor, order_id: str) -> None:
        who = (order_id, actor.user_id)
        now = self._monotonic()
        if self._allowed_until.get(who, now) > now:
            return
        await self._questions.ask((who, actor.user_type), lambda: self._require_may_chat(actor, order_id))
        if len(self._allowed_until) >= self._remembered:
            self._allowed_until.clear()
        self._allowed_until[who] = now + self._trusted_for_s

    async def _require_may_chat(self, actor: Actor, order_id: str) -> None:
        async with self._database.glance() as tx:
            require_may_chat(await require_standing(self._orders, tx, order_id, actor))
