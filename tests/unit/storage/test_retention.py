"""What has outlived its purpose goes, and leaves no gap."""

from datetime import timedelta

import pytest
from sqlalchemy import func, insert, select, update

from server.core.clock import server_now
from server.storage import retention
from server.storage.channel_log.sql import SqlChannelLog
from server.storage.outbox import Outbox
from server.storage.pubsub.in_process import InProcessBus
from server.storage.retention import Retention
from server.storage.tables.system import channel_event, channel_head, idempotency_key

_DAY = timedelta(days=1)


class Channels:
    """Events of any age."""

    def __init__(self, database):
        self.database = database
        outbox = Outbox(database=database, instance_id="test", claim_s=3.0, sweep_every_s=60.0)
        self.log = SqlChannelLog(database=database, outbox=outbox, bus=InProcessBus())
        self._number = 0

    async def append(self, channel, *ages):
        async def body(tx):
            for age in ages:
                self._number += 1
                event = {"type": "t", "id": f"{self._number}", "at": "x", "data": {}}
                await self.log.append(tx, channel, event, at=server_now() - age)

        await self.database.write(body)

    async def left(self, channel):
        of = select(channel_event.c.offset).where(channel_event.c.channel == channel).order_by(channel_event.c.offset)
        async with self.database.read() as tx:
            return [row["offset"] for row in await tx.all(of)]

    async def heads(self):
        async with self.database.read() as tx:
            return {row["channel"] for row in await tx.all(select(channel_head.c.channel))}


@pytest.fixture
def channels(database):
    return Channels(database)


async def test_events_go_by_their_age_and_those_of_orders_later(channels):
    await channels.append("user:1", 8 * _DAY, 6 * _DAY)
    await channels.append("order:1", 31 * _DAY, 29 * _DAY)
    await channels.append("ops", 8 * _DAY)
    assert await Retention(database=channels.database).run_once() == 3
    assert [await channels.left(name) for name in ("user:1", "order:1", "ops")] == [[2], [2], []]


async def test_with_an_event_goes_everything_before_it(channels):
    """The clock of one instance was a day ahead."""
    await channels.append("user:1", 9 * _DAY, 6.5 * _DAY, 8 * _DAY, _DAY)
    await Retention(database=channels.database).run_once()
    assert await channels.left("user:1") == [4]


async def test_a_channel_keeps_a_bounded_number(channels, monkeypatch):
    monkeypatch.setattr(retention, "most_events", lambda channel: 5 if channel else 3)
    await channels.append("user:1", *[_DAY] * 8)
    await channels.append("order:1", *[_DAY] * 8)
    await Retention(database=channels.database).run_once()
    assert (await channels.left("user:1"), await channels.left("order:1")) == ([6, 7, 8], [4, 5, 6, 7, 8])


async def test_of_crowded_channels_a_few_events_go_at_a_time(channels, monkeypatch):
    monkeypatch.setattr(retention, "most_events", lambda channel: 3)
    monkeypatch.setattr(retention, "ROWS_AT_ONCE", 4)
    for name in ("user:1", "user:2", "user:3"):
        await channels.append(name, *[_DAY] * 6)
    watched = Watched(channels.database)
    assert await Retention(database=watched).run_once() == 9
    assert [taken for taken in watched.taken if taken] == [4, 4, 1]
    assert [await channels.left(f"user:{number}") for number in (1, 2, 3)] == [[4, 5, 6]] * 3


async def test_whatever_a_round_leaves_over_has_no_gap(channels, monkeypatch):
    monkeypatch.setattr(retention, "ROWS_AT_ONCE", 3)
    monkeypatch.setattr(retention, "_TIMES_A_ROUND", 1)
    await channels.append("user:1", *[9 * _DAY] * 8)
    await channels.append("user:2", *[8 * _DAY] * 4, _DAY)
    rounds = Retention(database=channels.database)
    while await rounds.run_once():
        for name in ("user:1", "user:2"):
            left = await channels.left(name)
            assert left == list(range(left[0], left[-1] + 1) if left else [])
    assert (await channels.left("user:1"), await channels.left("user:2")) == ([], [5])


async def test_a_position_outlives_its_events_but_not_for_ever(channels):
    for name in ("user:1", "user:2", "user:3"):
        await channels.append(name, 100 * _DAY)
    await channels.append("user:4", _DAY)
    silent = update(channel_head).values(moved_at=server_now() - 91 * _DAY)
    await channels.database.write(lambda tx: tx.run(silent.where(channel_head.c.channel != "user:2")))
    in_mongodb = update(channel_head).where(channel_head.c.channel == "user:3").values(settled=1)
    await channels.database.write(lambda tx: tx.run(in_mongodb))
    await Retention(database=channels.database).run_once()
    assert await channels.heads() == {"user:2", "user:3", "user:4"}, "the third may have events in MongoDB"


class Watched:
    """The store, and how many rows each transaction took."""

    def __init__(self, database):
        self._database = database
        self.read = database.read
        self.taken = []

    async def write(self, body):
        self.taken.append(await self._database.write(body))
        return self.taken[-1]


async def _keep_keys(database, *ages):
    """A key for each of these ages."""
    rows = [
        {
            "user_id": "u", "route": "r", "key_hash": f"{number}", "body_hash": "h", "answer": "{}",
            "created_at": server_now() - age,
        }
        for number, age in enumerate(ages)
    ]  # fmt: skip
    await database.write(lambda tx: tx.run(insert(idempotency_key), rows))


async def _keys_left(database):
    async with database.read() as tx:
        return await tx.value(select(func.count()).select_from(idempotency_key))


async def test_keys_that_nobody_repeats_any_more_go_a_few_at_a_time(database, monkeypatch):
    monkeypatch.setattr(retention, "ROWS_AT_ONCE", 3)
    ages = [9 * _DAY - timedelta(minutes=number) for number in range(10)]
    await _keep_keys(database, *ages, 6.9 * _DAY, _DAY)
    watched = Watched(database)
    assert await Retention(database=watched).run_once() == 10
    assert watched.taken[:5] == [3, 3, 3, 1, 0]
    assert await _keys_left(database) == 2


async def test_a_round_leaves_the_rest_to_the_next(database, monkeypatch):
    monkeypatch.setattr(retention, "ROWS_AT_ONCE", 3)
    monkeypatch.setattr(retention, "_TIMES_A_ROUND", 2)
    await _keep_keys(database, *[9 * _DAY - timedelta(minutes=number) for number in range(8)])
    rounds = Retention(database=database)
    assert [await rounds.run_once() for _ in range(3)] == [6, 2, 0]


async def test_positions_go_a_few_at_a_time_too(channels, monkeypatch):
    monkeypatch.setattr(retention, "ROWS_AT_ONCE", 2)
    for number in range(5):
        await channels.append(f"user:{number}", 100 * _DAY)
    silent = update(channel_head).values(moved_at=server_now() - 91 * _DAY)
    await channels.database.write(lambda tx: tx.run(silent))
    watched = Watched(channels.database)
    await Retention(database=watched).run_once()
    assert watched.taken[-4:] == [2, 2, 1, 0]
    assert await channels.heads() == set()
