"""The bus over Redis: fast, at most once, never the truth.

What is published reaches the own instance at once and the others through Redis; while Redis is away it is dropped
and counted, because the log has it. Whenever something may have been missed (a new connection, an instance that could
not speak) channels are compared with the log.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress

from server.core.errors import Unavailable
from server.core.tasks import Tasks
from server.storage.pubsub.envelope import Content, Sign, pack
from server.storage.pubsub.port import AWAY, DEAF, ChannelMessage, ControlMessage, State
from server.storage.pubsub.receivers import Receivers
from server.storage.pubsub.redis_line import Line
from server.storage.pubsub.redis_nodes import Nodes
from server.storage.pubsub.topics import Topics
from server.storage.redis.desk import RedisDesk
from server.storage.redis.link import RedisLink

_WITHIN_S = 0.5  # a caller never waits for it
_LOOK_EVERY_S = 30.0  # at a Cluster's map, when nothing says that it changed
_LOOK_AGAIN_S = 0.5
_ORDERS_LANE = 0


class RedisBus:
    """Implements `Bus`. Receivers of one instance hear each message of their own once, and others' at most once.

    `counts`: published, broadcast, heard, lost, gaps, poison, reconnects, unconfirmed, receiver_failed.
    """

    def __init__(self, *, link: RedisLink, instance_id: str) -> None:
        address = link.address
        self._topics = Topics(
            prefix=link.prefix, database=address.database, is_cluster=address.kind == "cluster"
        )
        self._nodes = Nodes(link, self._topics) if self._topics.is_cluster else None
        self._desk = None if self._topics.is_cluster else link.desk("bus", within_s=_WITHIN_S, connections=1)
        self._instance_id = instance_id
        self._tasks = Tasks("bus")
        self._followed: set[str] = set()
        self._lines: dict[RedisDesk, Line] = {}
        self._by_lane: dict[int, Line] = {}
        self._owes_gap = False  # something was lost that no line knows of
        self._looks = asyncio.Event()
        self.counts: Counter[str] = Counter()
        self._receivers = Receivers(counts=self.counts)

    def start(self) -> None:
        if self._desk is not None:
            self._open({self._desk: range(self._topics.lanes)})
        else:
            self._tasks.forever("keep lines", self._keep_lines)

    @property
    def state(self) -> State:
        """Of the worst of its lines."""
        if len(self._by_lane) < self._topics.lanes:
            return AWAY
        states = {line.state for line in self._lines.values()}
        return DEAF if DEAF in states else AWAY if AWAY in states else "ok"

    @property
    def followed(self) -> int:
        return len(self._followed)

    @property
    def waiting(self) -> int:
        return sum(len(line.speaking) for line in self._lines.values())

    @property
    def round_trip_s(self) -> float:
        """Of the slowest of several servers."""
        return max((line.round_trip_s for line in self._lines.values()), default=0.0)

    async def publish(self, message: ChannelMessage) -> None:
        """Never waits for Redis."""
        self.counts["published"] += 1
        self._hear_message(message)
        self._say(self._topics.lane(message.channel), self._topics.channel(message.channel), message)

    async def broadcast(self, message: ControlMessage) -> None:
        """Never waits for Redis. Raises ValueError for a body that is no JSON."""
        self.counts["broadcast"] += 1
        self._say(_ORDERS_LANE, self._topics.everybody(_ORDERS_LANE), message)
        self._receivers.control(message)

    async def follow(self, channel: str) -> None:
        """While Redis is away the channel is followed as soon as it is back, and compared with the log then."""
        self._followed.add(channel)
        line = self._by_lane.get(self._topics.lane(channel))
        if line is None or not await line.follow(self._topics.channel(channel)):
            self.counts["unconfirmed"] += 1

    async def unfollow(self, channel: str) -> None:
        if channel in self._followed:
            self._followed.discard(channel)
            line = self._by_lane.get(self._topics.lane(channel))
            if line is not None:
                line.unfollow(self._topics.channel(channel))

    def on_channel(self, receiver: Callable[[ChannelMessage], None]) -> None:
        self._receivers.set_channel(receiver)

    def on_control(self, receiver: Callable[[ControlMessage], None]) -> None:
        self._receivers.add_control(receiver)

    def on_gap(self, receiver: Callable[[], None]) -> None:
        self._receivers.add_gap(receiver)

    async def close(self) -> None:
        self._receivers.forget()
        await self._tasks.stop()
        for line in self._lines.values():
            await line.close()

    def _say(self, lane: int, topic: bytes, content: Content) -> None:
        envelope, line = pack(self._instance_id, content), self._by_lane.get(lane)
        if line is None:
            self.counts["lost"] += 1
            self._owes_gap = True
        else:
            line.speaking.say(topic, envelope)

    def _hear(self, _sender: str, content: Content) -> None:
        self.counts["heard"] += 1
        if isinstance(content, Sign):
            self._miss()
        elif isinstance(content, ControlMessage):
            self._receivers.control(content)
        else:
            self._hear_message(content)

    def _hear_message(self, message: ChannelMessage) -> None:
        if message.channel in self._followed:
            self._receivers.channel(message)

    def _miss(self) -> None:
        self.counts["gaps"] += 1
        self._receivers.gap()

    def _topics_in(self, lanes: Sequence[int]) -> Iterable[bytes]:
        wanted = set(lanes)
        return (self._topics.channel(one) for one in self._followed if self._topics.lane(one) in wanted)

    async def _keep_lines(self) -> None:
        """One line to each node of a Cluster, with the lanes that lie there now."""
        nodes = self._nodes
        while nodes is not None:
            pause_s = _LOOK_EVERY_S
            try:
                lanes = await nodes.look()
            except Unavailable:
                pause_s = _LOOK_AGAIN_S
            else:
                await self._close_all_but(lanes)
                self._open({desk: some for desk, some in lanes.items() if desk not in self._lines})
                await nodes.drop_all_but(set(lanes))
            await asyncio.sleep(_LOOK_AGAIN_S)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._looks.wait()
            self._looks.clear()

    async def _close_all_but(self, lanes: Mapping[RedisDesk, Sequence[int]]) -> None:
        for desk, line in list(self._lines.items()):
            if line.lanes != tuple(lanes.get(desk, ())):
                del self._lines[desk]
                self._by_lane = {lane: other for lane, other in self._by_lane.items() if other is not line}
                await line.close()
                self._owes_gap |= line.speaking.owes

    def _open(self, lanes: Mapping[RedisDesk, Sequence[int]]) -> None:
        for desk, some in lanes.items():
            line = self._lines[desk] = Line(
                desk, lanes=some, topics=self._topics, instance_id=self._instance_id, owes_gap=self._owes_gap,
                followed=self._topics_in, on_content=self._hear, on_gap=self._miss, on_lost=self._looks.set,
                counts=self.counts,
            )  # fmt: skip
            self._by_lane |= dict.fromkeys(some, line)
            line.start()
        if lanes:
            self._owes_gap = False
