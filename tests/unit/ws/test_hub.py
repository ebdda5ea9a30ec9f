"""Order, gaps and joins, with a bus that loses and repeats."""

import asyncio
import random
import re
from collections import Counter

import pytest

from server.core.errors import Unavailable
from server.core.tasks import Tasks
from server.storage.channel_log.port import LoggedEvent, Position, Slice
from server.storage.pubsub.in_process import InProcessBus
from server.storage.pubsub.port import ChannelMessage
from server.ws.hub import Hub
from server.ws.limits import Limits
from server.ws.outbound import Turn
from server.ws.rules import ChannelRules
from server.ws.seat import Seat
from server.ws.wire.commands import Resume
from server.ws.wire.json_codec import JsonCodec
from tests.unit.ws.place import until

CODEC = JsonCodec(commands_per_frame=1)
CHANNEL = "order:1"


class MemoryLog:
    """A channel log whose reads can be held and refused."""

    def __init__(self):
        self.epoch, self.events = "", []
        self.open = asyncio.Event()
        self.open.set()
        self.reads = 0
        self.is_away = False

    def append(self, count=1, *, epoch="E"):
        self.epoch = epoch
        first = len(self.events) + 1
        self.events += [LoggedEvent(CHANNEL, epoch, offset, b"%d" % offset) for offset in range(first, first + count)]
        return [ChannelMessage(CHANNEL, epoch, event.offset, event.data) for event in self.events[first - 1 :]]

    def prune(self, upto):
        self.events = [None] * upto + self.events[upto:]

    def position(self):
        return Position(self.epoch, len(self.events))

    async def _snapshot(self, take):
        self.reads += 1
        taken = take()
        await self.open.wait()
        if self.is_away:
            raise Unavailable
        return taken

    async def top(self, channel):
        return await self._snapshot(self.position)

    async def tops(self, channels):
        return await self._snapshot(lambda: {name: self.position() for name in channels if self.epoch})

    async def since(self, channel, offset, *, limit, max_bytes):
        def take():
            kept = [event for event in self.events[offset:] if event is not None]
            return Slice(tuple(kept[:limit]), self.position())

        return await self._snapshot(take)


class Reader:
    """A connection as the hub sees it: what it was told, in order."""

    def __init__(self, hub):
        self.hub, self.got, self.lost = hub, [], 0
        self.queued = self  # an outbound whose queue notes what is put
        self.seat = Seat(CHANNEL, self, self, CODEC)

    def __bool__(self):
        return True  # never added to a turn

    def append(self, frames):
        self.got += [int(offset) for offset in re.findall(rb'"offset":(\d+)', frames)]

    put = put_now = append

    def lost_track(self, channel):
        self.lost += 1
        self.hub.leave(self.seat)

    async def join(self, resume=None):
        self.hub.reserve(self.seat)
        joined = await self.hub.prepare(self.seat, resume)
        if joined.missed is not None:
            self.got += [publication.offset for publication in joined.missed]
        self.hub.enter(self.seat, joined)
        return joined


class Scene:
    def __init__(self, **limits):
        self.log, self.bus, self.tasks, self.counts = MemoryLog(), InProcessBus(), Tasks("test"), Counter()
        self.hub = Hub(
            log=self.log, bus=self.bus, rules=ChannelRules(), turn=Turn(), tasks=self.tasks,
            limits=Limits(**limits), counts=self.counts,
        )  # fmt: skip
        self.bus.on_channel(self.hub.receive)

    def reader(self):
        return Reader(self.hub)

    async def publish(self, count=1):
        for message in self.log.append(count):
            await self.bus.publish(message)


@pytest.fixture
def scene(io_loop):
    made = Scene()
    yield made
    io_loop.asyncio_loop.run_until_complete(made.tasks.stop())


async def test_what_comes_in_order_is_delivered_once(scene):
    reader = scene.reader()
    await reader.join()
    [first, second] = scene.log.append(2)
    for message in (first, first, second, first, second):
        await scene.bus.publish(message)
    assert reader.got == [1, 2]
    assert scene.counts["duplicates"] == 3


async def test_a_lost_message_is_read_from_the_log(scene):
    reader = scene.reader()
    await reader.join()
    messages = scene.log.append(5)
    await scene.bus.publish(messages[0])
    await scene.bus.publish(messages[3])
    await scene.bus.publish(messages[4])
    await until(lambda: reader.got == [1, 2, 3, 4, 5])
    assert not reader.lost


async def test_messages_that_arrive_while_a_gap_is_mended_are_neither_lost_nor_doubled(scene):
    reader = scene.reader()
    await reader.join()
    [_, second] = scene.log.append(2)
    scene.log.open.clear()
    await scene.bus.publish(second)
    await until(lambda: scene.log.reads == 2)
    await scene.publish(3)
    scene.log.open.set()
    await until(lambda: reader.got == [1, 2, 3, 4, 5])


async def test_a_log_that_is_away_is_waited_for(scene):
    reader = scene.reader()
    await reader.join()
    scene.log.is_away = True
    [_, second] = scene.log.append(2)
    await scene.bus.publish(second)
    await until(lambda: scene.log.reads == 2)
    scene.log.is_away = False
    await until(lambda: reader.got == [1, 2])
    assert not reader.lost


async def test_a_gap_that_retention_has_pruned_is_told_as_lost(scene):
    reader = scene.reader()
    await reader.join()
    messages = scene.log.append(5)
    scene.log.prune(3)
    await scene.bus.publish(messages[4])
    await until(lambda: reader.lost == 1)
    assert reader.got == []
    later = scene.reader()
    assert (await later.join()).top.offset == 5


async def test_a_channel_that_began_anew_is_told_as_lost(scene):
    await scene.publish(3)
    reader = scene.reader()
    await reader.join()
    scene.log.events = []
    [message] = scene.log.append(1, epoch="other")
    await scene.bus.publish(message)
    await until(lambda: reader.lost == 1)
    assert (await scene.reader().join(Resume(3, "E"))).missed is None


async def test_a_joiner_that_finds_a_channel_anew_tells_those_inside(scene):
    await scene.publish(3)
    inside = scene.reader()
    await inside.join()
    scene.log.events = []
    scene.log.append(1, epoch="other")
    joined = await scene.reader().join(Resume(2, "E"))
    assert inside.lost == 1
    assert joined.missed is None and joined.top == Position("other", 1)


async def test_the_first_events_of_a_channel_reach_who_was_there_before_them(scene):
    reader = scene.reader()
    joined = await reader.join()
    assert joined.top == Position("", 0)
    await scene.publish(2)
    assert reader.got == [1, 2]
    again = scene.reader()
    assert [p.offset for p in (await again.join(Resume(0, ""))).missed] == [1, 2]


async def test_a_joiner_misses_nothing_that_is_delivered_while_it_reads(scene):
    await scene.publish(3)
    early = scene.reader()
    await early.join()
    scene.log.open.clear()
    late = scene.reader()
    joining = asyncio.ensure_future(late.join(Resume(1, "E")))
    await until(lambda: scene.log.reads == 2)
    await scene.publish(3)
    scene.log.open.set()
    await joining
    await scene.publish(1)
    assert early.got == [4, 5, 6, 7]
    assert late.got == [2, 3, 4, 5, 6, 7]


async def test_the_first_joiner_misses_nothing_while_the_position_is_unknown(scene):
    await scene.publish(2)
    scene.log.open.clear()
    reader = scene.reader()
    joining = asyncio.ensure_future(reader.join(Resume(0, "E")))
    await until(lambda: scene.log.reads == 1)
    await scene.publish(3)
    scene.log.open.set()
    await joining
    await until(lambda: reader.got == [1, 2, 3, 4, 5])


async def test_who_read_ahead_of_the_bus_gets_nothing_twice_and_others_nothing_late(scene):
    await scene.publish(1)
    early, ahead = scene.reader(), scene.reader()
    await early.join()
    messages = scene.log.append(3)
    await ahead.join(Resume(0, "E"))
    assert ahead.got == [1, 2, 3, 4]
    for message in messages:
        await scene.bus.publish(message)
    await scene.publish(1)
    assert early.got == [2, 3, 4, 5]
    assert ahead.got == [1, 2, 3, 4, 5]


async def test_who_comes_back_with_the_present_position_costs_no_read(scene):
    await scene.publish(3)
    await scene.reader().join()
    reads = scene.log.reads
    joined = [await scene.reader().join(Resume(3, "E")) for _ in range(100)]
    assert all(place.missed == () for place in joined)
    await scene.reader().join()
    assert scene.log.reads == reads


async def test_many_who_missed_the_same_cost_one_read(scene):
    await scene.publish(3)
    stayed = scene.reader()
    await stayed.join()
    await scene.publish(2)
    reads = scene.log.reads
    for _ in range(100):
        comes_back = scene.reader()
        joined = await comes_back.join(Resume(3, "E"))
        assert comes_back.got == [4, 5] and joined.top == Position("E", 5)
    assert scene.log.reads == reads + 1
    await scene.publish()
    later = scene.reader()
    await later.join(Resume(4, "E"))
    assert later.got == [5, 6] and comes_back.got == [4, 5, 6]
    assert scene.log.reads == reads + 1, "what was remembered grows with the channel"


async def test_equal_reads_at_one_moment_are_one(scene):
    await scene.publish(3)
    await scene.reader().join()
    scene.log.open.clear()
    readers = [scene.reader() for _ in range(50)]
    joining = [asyncio.ensure_future(reader.join(Resume(1, "E"))) for reader in readers]
    await until(lambda: len(scene.hub.channels[CHANNEL].seats) == 51)
    await scene.publish(2)  # after the read began
    scene.log.open.set()
    await asyncio.gather(*joining)
    await scene.publish()
    await until(lambda: {tuple(reader.got) for reader in readers} == {(2, 3, 4, 5, 6)})
    assert scene.log.reads == 2


async def test_a_channel_that_began_anew_is_not_recovered_from_memory(scene):
    await scene.publish(2)
    stayed = scene.reader()
    await stayed.join()
    await scene.reader().join(Resume(0, "E"))
    scene.log.events.clear()
    scene.log.append(4, epoch="F")
    await scene.hub.check_positions()
    await until(lambda: stayed.lost)
    joined = await scene.reader().join(Resume(0, "E"))
    assert joined.missed is None and joined.top == Position("F", 4)


async def test_what_the_bus_lost_last_is_noticed_by_the_check(scene):
    reader = scene.reader()
    await reader.join()
    scene.log.append(2)
    await scene.hub.check_positions()
    await until(lambda: reader.got == [1, 2])


async def test_a_poisoned_message_is_dropped_and_the_event_itself_comes_from_the_log(scene):
    reader = scene.reader()
    await reader.join()
    [first, second] = scene.log.append(2)
    await scene.bus.publish(ChannelMessage(CHANNEL, "E", 1, b"two\nlines"))
    await scene.bus.publish(ChannelMessage(CHANNEL, "E", 1, b"x" * 300_000))
    await scene.bus.publish(second)
    await until(lambda: reader.got == [1, 2])
    assert scene.counts["poison_messages"] == 2


async def test_a_reader_that_left_gets_nothing_and_a_join_that_fails_leaves_no_trace(scene):
    reader = scene.reader()
    await reader.join()
    scene.hub.leave(reader.seat)
    await scene.publish(1)
    assert reader.got == []
    scene.hub.channels.clear()
    scene.log.is_away = True
    failing = scene.reader()
    with pytest.raises(Unavailable):
        await failing.join()
    scene.hub.leave(failing.seat)
    assert not scene.hub.channels[CHANNEL].seats
    assert scene.hub.channels[CHANNEL].joining == 0


async def test_random_losses_and_joins_end_with_every_reader_knowing_everything(scene):
    chance = random.Random(7)
    readers = []
    for _ in range(300):
        [message] = scene.log.append(1)
        if chance.random() < 0.8:
            await scene.bus.publish(message)
        if chance.random() < 0.2:
            await asyncio.sleep(0)
        if chance.random() < 0.1:
            readers.append(scene.reader())
            resume = Resume(chance.randrange(len(scene.log.events)), "E")
            readers[-1].start = resume.offset
            await readers[-1].join(resume)
    await scene.hub.check_positions()
    everything = len(scene.log.events)
    for reader in readers:
        await until(lambda reader=reader: reader.got and reader.got[-1] == everything)
        assert reader.got == list(range(reader.start + 1, everything + 1))
    assert len(readers) > 10
