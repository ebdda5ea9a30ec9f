"""Positions follow commits; every event enters once."""
import asyncio
import json

import pytest
from sqlalchemy import delete, select, text

from server.core.clock import server_now
from server.core.errors import Refused
from server.core.ids import new_id
from server.storage.channel_log.port import Position
from server.storage.channel_log.sql import SqlChannelLog
from server.storage.outbox import Outbox
from server.storage.pubsub.in_process import InProcessBus
from server.storage.sql import Database
from server.storage.tables.system import channel_event, outbox
from tests.world import until


class Ear:
    """Hears what the bus tells."""

    def __init__(self, bus):
        self.heard = []
        bus.on_channel(self.heard.append)


@pytest.fixture
def bus():
    return InProcessBus()


@pytest.fixture
def log(io_loop, database, outbox, bus):
    log = SqlChannelLog(database=database, outbox=outbox, bus=bus)
    io_loop.asyncio_loop.run_until_complete(_start(outbox))
    yield log
    io_loop.asyncio_loop.run_until_complete(outbox.stop())


async def _start(outbox):
    outbox.start()


def _event(n, event_id=None):
    return {"type": "chat.message", "id": event_id or new_id(), "at": "x", "data": {"n": n, "text": "您好 😀"}}


async def _append(database, log, channel, *numbers):
    async def body(tx):
        return [await log.append(tx, channel, _event(n), at=server_now()) for n in numbers]

    return await database.write(body)


def _numbers(slice_):
    return [json.loads(event.data)["data"]["n"] for event in slice_.events]


async def test_offsets_count_from_one_in_one_epoch(database, log):
    first = await _append(database, log, "order:1", 1, 2)
    later = await _append(database, log, "order:1", 3)
    epoch = first[0].epoch
    assert first + later == [Position(epoch, 1), Position(epoch, 2), Position(epoch, 3)]
    assert epoch and epoch != "_"
    assert await log.top("order:1") == Position(epoch, 3)


async def test_an_event_enters_once_and_again_has_the_same_position(database, log):
    event = _event(1)

    async def append(tx):
        return await log.append(tx, "order:1", event, at=server_now())

    first = await database.write(append)
    await _append(database, log, "order:1", 2)
    assert await database.write(append) == first
    assert (await log.top("order:1")).offset == 2
    slice_ = await log.since("order:1", 0, limit=10, max_bytes=10_000)
    assert _numbers(slice_) == [1, 2]


async def test_one_fact_stands_on_several_channels_with_one_id(database, log):
    event = _event(1)

    async def body(tx):
        for channel in ("order:1", "user:1", "user:2"):
            await log.append(tx, channel, event, at=server_now())

    await database.write(body)
    slices = [await log.since(channel, 0, limit=9, max_bytes=9_999) for channel in ("order:1", "user:1", "user:2")]
    assert {json.loads(one.events[0].data)["id"] for one in slices} == {event["id"]}


async def test_what_was_undone_leaves_no_gap_and_is_not_told(database, log, bus):
    ear = Ear(bus)
    await bus.follow("order:1")

    async def refused(tx):
        await log.append(tx, "order:1", _event(0), at=server_now())
        raise Refused("wrong_state")

    async def half(tx):
        try:
            async with tx.savepoint():
                await log.append(tx, "order:1", _event(0), at=server_now())
                raise Refused("wrong_state")
        except Refused:
            return await log.append(tx, "order:1", _event(1), at=server_now())

    with pytest.raises(Refused):
        await database.write(refused)
    assert (await database.write(half)).offset == 1
    assert (await _append(database, log, "order:1", 2))[0].offset == 2
    await until(lambda: _len(ear.heard, 2))
    assert [(one.offset, json.loads(one.data)["data"]["n"]) for one in ear.heard] == [(1, 1), (2, 2)]


async def _len(heard, n):
    return len(heard) >= n


async def test_an_event_that_comes_twice_in_one_commit_enters_once(database, log):
    event = _event(1)

    async def body(tx):
        return [await log.append(tx, "order:1", event, at=server_now()) for _ in range(2)]

    outcomes = await asyncio.gather(*(database.write(body) for _ in range(5)))
    assert {position.offset for positions in outcomes for position in positions} == {1}
    assert _numbers(await log.since("order:1", 0, limit=9, max_bytes=9_999)) == [1]


async def test_what_commits_together_leaves_in_one_parcel(database, log, outbox, bus):
    ear = Ear(bus)
    await bus.follow("order:1")
    await bus.follow("user:1")
    await asyncio.gather(*(_append(database, log, "order:1" if n % 2 else "user:1", n) for n in range(30)))
    await until(lambda: _len(ear.heard, 30))
    for channel in ("order:1", "user:1"):
        offsets = [one.offset for one in ear.heard if one.channel == channel]
        # InnoDB lets go of locks before it waits for the disk: of two commits at once the later may be told first.
        assert (offsets if database.is_sqlite else sorted(offsets)) == list(range(1, 16))
    assert outbox.delivered < 15 or not database.is_sqlite  # which alone commits many as one


async def test_two_writers_of_one_channel_leave_no_gap(database, log, outbox, keys, bus):
    """Two instances on one store: appending at once, some refused."""
    second = Database(database.url.render_as_string(hide_password=False), keys=keys, readers=1, acquire_timeout_s=20.0)
    other_box = Outbox(database=second, instance_id="other", claim_s=30.0, sweep_every_s=1.0)
    other = SqlChannelLog(database=second, outbox=other_box, bus=bus)

    async def append(n):
        async def body(tx):
            position = await which.append(tx, "order:1", _event(n), at=server_now())
            if n % 5 == 4:
                raise Refused("wrong_state")
            return position

        on, which = (database, log) if n % 2 else (second, other)
        try:
            return (await on.write(body)).offset
        except Refused:
            return None

    other_box.start()
    offsets = await asyncio.gather(*(append(n) for n in range(100)))
    assert sorted(offset for offset in offsets if offset is not None) == list(range(1, 81))
    slice_ = await log.since("order:1", 0, limit=200, max_bytes=1_000_000)
    assert [event.offset for event in slice_.events] == list(range(1, 81))
    await other_box.stop()
    await second.close()


async def test_one_event_enters_each_of_its_channels_at_that_ones_own_place(database, log):
    await _append(database, log, "user:b", 1, 2)
    event = _event(3)

    async def tell(channels):
        return await database.write(lambda tx: log.append_to_all(tx, channels, event, at=server_now()))

    first = await tell(["user:a", "user:b"])
    assert [position.offset for position in first] == [1, 3]
    again = await tell(["user:a", "user:b", "user:c"])  # it stands in two of them already
    assert again[:2] == first and again[2].offset == 1
    assert [(await log.top(name)).offset for name in ("user:a", "user:b", "user:c")] == [1, 3, 1]
    assert await _append(database, log, "user:b", 4) == [Position(first[1].epoch, 4)]


async def test_an_event_for_many_channels_enters_them_all(database, log):
    channels = [f"user:{number:02}" for number in range(40)]
    await _append(database, log, "user:07", 1)
    event = _event(2)
    positions = await database.write(
        lambda tx: log.append_to_all(tx, channels, event, at=server_now(), is_new=True)
    )
    assert [position.offset for position in positions] == [2 if name == "user:07" else 1 for name in channels]
    assert {name: top.offset for name, top in (await log.tops(channels)).items()} == {
        name: position.offset for name, position in zip(channels, positions, strict=True)
    }


@pytest.mark.parametrize("is_new", [True, False])
async def test_many_events_at_once_enter_each_its_channel_in_their_order(database, log, is_new):
    await _append(database, log, "user:1", 0)
    events = [(f"user:{number % 20}", _event(number)) for number in range(50)]

    async def append(tx):
        await log.append_each(tx, events, at=server_now(), is_new=is_new)
        await log.append(tx, "user:2", _event(99), at=server_now())

    await database.write(append)
    expected = {f"user:{place}": [number for number in range(50) if number % 20 == place] for place in range(20)}
    expected["user:1"].insert(0, 0)
    expected["user:2"].append(99)
    for channel, numbers in expected.items():
        slice_ = await log.since(channel, 0, limit=10, max_bytes=10_000)
        assert _numbers(slice_) == numbers
        assert [event.offset for event in slice_.events] == list(range(1, len(numbers) + 1))


async def test_of_many_events_those_that_stand_already_do_not_enter_again(database, log):
    events = [(f"user:{number % 20}", _event(number)) for number in range(50)]

    async def append(tx, which):
        await log.append_each(tx, which, at=server_now())

    await database.write(lambda tx: append(tx, events[::3]))
    await database.write(lambda tx: append(tx, [*events, *events[:5]]))
    for place in range(20):
        wanted = [number for number in range(50) if number % 20 == place]
        slice_ = await log.since(f"user:{place}", 0, limit=10, max_bytes=10_000)
        assert sorted(_numbers(slice_)) == wanted
        assert [event.offset for event in slice_.events] == list(range(1, len(wanted) + 1))


async def test_instances_that_tell_channels_in_common_leave_no_gap(database, log, outbox, keys, bus):
    """Also where each finds channels without a head, and both begin them at once."""
    second = Database(database.url.render_as_string(hide_password=False), keys=keys, readers=1, acquire_timeout_s=20.0)
    other_box = Outbox(database=second, instance_id="other", claim_s=30.0, sweep_every_s=1.0)
    other = SqlChannelLog(database=second, outbox=other_box, bus=bus)
    other_box.start()

    async def tell(n):
        on, which = (database, log) if n % 2 else (second, other)
        channels = [f"user:{place}" for place in range(n % 3, n % 3 + 4)]
        event = _event(n)
        await on.write(lambda tx: which.append_to_all(tx, channels, event, at=server_now(), is_new=True))

    await asyncio.gather(*(tell(n) for n in range(30)))
    for place, events in enumerate((10, 20, 30, 30, 20, 10)):
        slice_ = await log.since(f"user:{place}", 0, limit=100, max_bytes=1_000_000)
        assert [event.offset for event in slice_.events] == list(range(1, events + 1))
        assert slice_.top.offset == events
    await other_box.stop()
    await second.close()


async def test_followers_hear_it_after_the_commit_with_its_position(database, log, bus):
    ear = Ear(bus)
    await bus.follow("order:1")
    positions = await _append(database, log, "order:1", *range(20))
    await _append(database, log, "order:2", 1)
    await until(lambda: _len(ear.heard, 20))
    assert [(one.channel, one.epoch, one.offset) for one in ear.heard] == [
        ("order:1", position.epoch, position.offset) for position in positions
    ]


async def test_an_heir_tells_what_a_dead_instance_has_stored(database, keys, bus):
    dead_box = Outbox(database=database, instance_id="dead", claim_s=0.0, sweep_every_s=1.0)
    dead = SqlChannelLog(database=database, outbox=dead_box, bus=InProcessBus())
    [position] = await _append(database, dead, "order:1", 7)
    heir_box = Outbox(database=database, instance_id="heir", claim_s=30.0, sweep_every_s=0.02)
    SqlChannelLog(database=database, outbox=heir_box, bus=bus)
    ear = Ear(bus)
    await bus.follow("order:1")
    heir_box.start()
    await until(lambda: _len(ear.heard, 1))
    [message] = ear.heard
    assert (message.epoch, message.offset, json.loads(message.data)["data"]["n"]) == (position.epoch, 1, 7)
    await heir_box.stop()


async def test_what_retention_was_faster_with_is_dropped_quietly(database, bus):
    dead_box = Outbox(database=database, instance_id="dead", claim_s=0.0, sweep_every_s=1.0)
    dead = SqlChannelLog(database=database, outbox=dead_box, bus=InProcessBus())
    await _append(database, dead, "order:1", 1)
    await database.write(lambda tx: tx.run(delete(channel_event)))
    heir_box = Outbox(database=database, instance_id="heir", claim_s=30.0, sweep_every_s=0.02)
    log = SqlChannelLog(database=database, outbox=heir_box, bus=bus)
    ear = Ear(bus)
    await bus.follow("order:1")
    heir_box.start()

    async def gone():
        async with database.read() as tx:
            return not await tx.all(select(outbox))

    await until(gone)
    assert ear.heard == []
    assert (await log.top("order:1")).offset == 1
    assert (await _append(database, log, "order:1", 2))[0].offset == 2
    await heir_box.stop()


async def test_events_are_sealed_at_rest(database, log):
    await _append(database, log, "order:1", 1)
    async with database.read() as tx:
        raw = await tx.value(text("SELECT data FROM channel_event"))
    assert "您好" not in raw
    assert "chat" not in raw
