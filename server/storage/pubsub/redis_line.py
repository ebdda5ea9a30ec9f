"""One Redis server: what is said to it, what is heard of it.

redis-py notices neither a server that hangs nor a peer that is gone while it listens. So an instance sends itself a
sign of life through each server, and what does not hear it lets go of its connection and begins anew.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from server.core.tasks import Tasks
from server.storage.pubsub.envelope import Content, Poison, Sign, pack, unpack
from server.storage.pubsub.port import AWAY, DEAF, State
from server.storage.pubsub.redis_hearing import Hearing
from server.storage.pubsub.redis_speaking import Said, Speaking
from server.storage.pubsub.subscriptions import PLAIN, SHARDED
from server.storage.pubsub.topics import Topics
from server.storage.redis.desk import LOST, RedisDesk

_log = logging.getLogger(__name__)
_BEAT_S = 2.0
DEAF_AFTER_S = 3 * _BEAT_S
_TRY_AGAIN_S, _TRY_AT_ONCE_S = 0.5, 0.05
_LAST_WORDS_WITHIN_S = 0.5


class Line:
    """`lanes` are those that lie on the server. `counts` is the bus's: poison, reconnects, unconfirmed, lost.

    `followed` gives the topics of channels that are followed in these lanes, `on_gap` is called when messages may have
    been missed, and `on_lost` when the server does not do its part: the lanes may lie elsewhere now.
    """

    def __init__(
        self, desk: RedisDesk, *, lanes: Sequence[int], topics: Topics, instance_id: str, owes_gap: bool,
        followed: Callable[[Sequence[int]], Iterable[bytes]], on_content: Callable[[str, Content], None],
        on_gap: Callable[[], None], on_lost: Callable[[], None], counts: Counter[str],
    ) -> None:  # fmt: skip
        self.lanes = tuple(lanes)
        self.round_trip_s = 0.0  # of the last sign of life
        self._desk = desk
        self._topics = topics
        self._instance_id = instance_id
        self._followed = followed
        self._on_content = on_content
        self._on_gap = on_gap
        self._on_lost = on_lost
        self._counts = counts
        self._tasks = Tasks("bus")
        self._hearing: Hearing | None = None
        self._is_open = False
        self._heard_at_s = float("-inf")
        self._began_at_s = time.monotonic()
        self.speaking = Speaking(
            desk, word="SPUBLISH" if topics.is_cluster else "PUBLISH", nothing=topics.nothing(lanes[0]),
            gap=self._gap, beat=self._beat, on_heard_again=self._doubt, counts=counts, owes_gap=owes_gap,
        )  # fmt: skip

    def start(self) -> None:
        self._tasks.forever("hear", self._hear)
        self._tasks.forever("speak", self.speaking.run)
        self._tasks.forever("beat", self._keep_beating)

    @property
    def state(self) -> State:
        now_s, speaking = time.monotonic(), self.speaking
        silent_s = now_s - max(self._heard_at_s, self._began_at_s)
        if self._is_open and speaking.is_heard and now_s - self._heard_at_s <= DEAF_AFTER_S:
            return "ok"
        speaks = speaking.is_heard and now_s - speaking.heard_at_s <= DEAF_AFTER_S
        return DEAF if speaks and silent_s > DEAF_AFTER_S else AWAY

    async def follow(self, topic: bytes) -> bool:
        """Whether messages are heard from the return on; if not, `on_gap` is called when they are."""
        hearing = self._hearing
        return hearing is not None and await hearing.subscribe(topic)

    def unfollow(self, topic: bytes) -> None:
        if self._hearing is not None:
            self._hearing.unsubscribe(topic)

    async def close(self) -> None:
        """What was said last still leaves, if that is quick."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS_WITHIN_S):
                await self.speaking.flush()
        await self._tasks.stop()

    async def _keep_beating(self) -> None:
        while True:
            self.speaking.beat()
            await asyncio.sleep(_BEAT_S if self.speaking.is_well else _TRY_AGAIN_S)
            if not self.speaking.is_heard:
                self._on_lost()

    def _beat(self) -> Said:
        return self._topics.beat(self.lanes[0], self._instance_id), self._sign("beat")

    def _gap(self) -> Said:
        return self._topics.everybody(self.lanes[0]), self._sign("gap")

    def _sign(self, word: str) -> bytes:
        return pack(self._instance_id, Sign(word, int(time.monotonic() * 1000)))

    def _heard(self) -> Iterable[bytes]:
        yield self._topics.beat(self.lanes[0], self._instance_id)
        yield from (self._topics.everybody(lane) for lane in self.lanes)
        yield from self._followed(self.lanes)

    async def _hear(self) -> None:
        told = False
        while True:
            hearing = self._hearing = Hearing(
                self._desk.connection(), words=SHARDED if self._topics.is_cluster else PLAIN,
                together=self._topics.together, tasks=self._tasks, patience_s=DEAF_AFTER_S, on_message=self._take,
                on_late=self._on_gap,
            )  # fmt: skip
            try:
                await hearing.listen(self._heard, on_open=self._opened)
            except LOST as problem:
                if self._is_open or not told:
                    told = True
                    _log.info("the bus hears nothing", extra={"reason": type(problem).__name__})
            finally:
                pause_s = _TRY_AT_ONCE_S if self._is_open else _TRY_AGAIN_S
                self._is_open, self._hearing = False, None
                with suppress(*LOST):
                    await hearing.close()
            self._counts["reconnects"] += 1
            self._on_lost()
            await asyncio.sleep(pause_s)

    def _opened(self) -> None:
        """Everything is followed anew; what was said meanwhile is in the log only."""
        self._is_open = True
        _log.info("the bus hears")
        self.speaking.beat()
        self._on_gap()

    def _doubt(self) -> None:
        """The server that takes what we say may be another one than the one that we listen to."""
        if self._hearing is not None:
            self._hearing.doubt(within_s=_BEAT_S)

    def _take(self, envelope: bytes) -> None:
        try:
            sender, content = unpack(envelope)
        except Poison as problem:
            self._counts["poison"] += 1
            if (count := self._counts["poison"]) & (count - 1) == 0:  # the first, the second, the fourth …
                _log.info("poison on the bus", extra={"reason": str(problem), "so_far": count})
            return
        if isinstance(content, Sign) and content.word == "beat":
            if sender == self._instance_id:
                self._hear_beat(content.at_ms / 1000)
        elif sender != self._instance_id:
            self._on_content(sender, content)

    def _hear_beat(self, said_at_s: float) -> None:
        """An old one proves only how much waits to be heard before us."""
        self.round_trip_s = time.monotonic() - said_at_s
        if self.round_trip_s <= DEAF_AFTER_S and self._hearing is not None:
            self._heard_at_s = max(self._heard_at_s, said_at_s)
            self._hearing.is_alive()
