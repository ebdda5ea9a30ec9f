"""The bus of one process: receivers are called at once.

Several buses may share an `Exchange`; then each is an instance of its own, as tests and benches of many
instances in one process need it.
"""

from collections import Counter
from collections.abc import Callable

from server.storage.pubsub.port import ChannelMessage, ControlMessage, State
from server.storage.pubsub.receivers import Receivers


class Exchange:
    """Who follows what, over all instances that share it."""

    def __init__(self) -> None:
        self.followers: dict[str, list[InProcessBus]] = {}
        self.members: list[InProcessBus] = []


class InProcessBus:
    """Implements `Bus`."""

    def __init__(self, *, exchange: Exchange | None = None) -> None:
        self._exchange = exchange or Exchange()
        self._exchange.members.append(self)
        self.counts: Counter[str] = Counter()
        self._receivers = Receivers(counts=self.counts)

    async def publish(self, message: ChannelMessage) -> None:
        self.counts["published"] += 1
        for bus in tuple(self._exchange.followers.get(message.channel, ())):
            bus._receivers.channel(message)

    async def broadcast(self, message: ControlMessage) -> None:
        self.counts["broadcast"] += 1
        for bus in tuple(self._exchange.members):
            bus._receivers.control(message)

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
        self._receivers.set_channel(receiver)

    def on_gap(self, receiver: Callable[[], None]) -> None:
        """Nothing is ever lost here."""

    @property
    def state(self) -> State:
        return "ok"

    @property
    def followed(self) -> int:
        return sum(self in buses for buses in self._exchange.followers.values())

    @property
    def waiting(self) -> int:
        return 0

    @property
    def round_trip_s(self) -> float:
        return 0.0

    def start(self) -> None:
        """It hears from the beginning."""

    def on_control(self, receiver: Callable[[ControlMessage], None]) -> None:
        self._receivers.add_control(receiver)

    async def close(self) -> None:
        for channel in [name for name, buses in self._exchange.followers.items() if self in buses]:
            await self.unfollow(channel)
        if self in self._exchange.members:
            self._exchange.members.remove(self)
