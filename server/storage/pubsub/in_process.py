"""The bus of one process: receivers are called at once.

Several buses may share an `Exchange`; then each is an instance of its own, as tests and benches of many
instances in one process need it.
"""

import logging
from collections import Counter
from collections.abc import Callable
from typing import Any

from server.storage.pubsub.port import ChannelMessage, ControlMessage

_log = logging.getLogger(__name__)


class Exchange:
    """Who follows what, over all instances that share it."""

    def __init__(self) -> None:
        self.followers: dict[str, list[InProcessBus]] = {}
        self.members: list[InProcessBus] = []


class InProcessBus:
    """Implements `Bus`. A receiver that raises is logged and counted, the publisher never hears of it."""

    def __init__(self, *, exchange: Exchange | None = None) -> None:
        self._exchange = exchange or Exchange()
        self._exchange.members.append(self)
        self._on_channel: Callable[[ChannelMessage], None] | None = None
        self._on_control: list[Callable[[ControlMessage], None]] = []
        self.counts: Counter[str] = Counter()

    async def publish(self, message: ChannelMessage) -> None:
        self.counts["published"] += 1
        for bus in tuple(self._exchange.followers.get(message.channel, ())):
            bus._receive(message)

    async def broadcast(self, message: ControlMessage) -> None:
        self.counts["broadcast"] += 1
        for bus in tuple(self._exchange.members):
            bus._obey(message)

    async def follow(self, channel: str) -> None:
        followers = self._exchange.followers.setdefault(channel, [])
        if self not in followers:
            followers.append(self)

    async def unfollow(self, channel: str) -> None:
        followers = self._exchange.followers.get(channel, [])
        if self in followers:
            followers.remove(self)
        if not followers:
            self._exchange.followers.pop(channel, None)

    def on_channel(self, receiver: Callable[[ChannelMessage], None]) -> None:
        self._on_channel = receiver

    def on_control(self, receiver: Callable[[ControlMessage], None]) -> None:
        self._on_control.append(receiver)

    async def close(self) -> None:
        for channel in [name for name, buses in self._exchange.followers.items() if self in buses]:
            await self.unfollow(channel)
        if self in self._exchange.members:
            self._exchange.members.remove(self)

    def _receive(self, message: ChannelMessage) -> None:
        if self._on_channel is not None:
            self._guarded(self._on_channel, message)

    def _obey(self, message: ControlMessage) -> None:
        for receiver in self._on_control:
            self._guarded(receiver, message)

    def _guarded(self, receiver: Callable[[Any], None], message: Any) -> None:
        try:
            receiver(message)
        except Exception:
            self.counts["receiver_failed"] += 1
            _log.exception("a receiver of the bus failed")
