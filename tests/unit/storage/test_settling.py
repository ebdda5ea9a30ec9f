"""Events move to MongoDB once, and whoever reads notices nothing."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import delete, select, update

from server.core.clock import server_now
from server.core.errors import Unavailable
from server.storage.channel_log import settled_retention, settling
from server.storage.channel_log.settled import SettledEvents
from server.storage.documents import copies
from server.storage.documents.address import read_address
from server.storage.documents.belonging import admit
from server.storage.documents.layout import SETTLED_EVENTS
from server.storage.documents.mongo import Mongo, MongoOptions
from server.storage.sql import Database
from server.storage.tables.system import channel_event, channel_head
from tests.fakes.mongo import DUPLICATE, NOT_PRIMARY, MongoRelay
from tests.two_stores import TwoStores, numbers

pytestmark = pytest.mark.services

_FAR = 10**9
_DAY = timedelta(days=1)


@pytest.fixture
def stores(database, mongo):
    return TwoStores(database, mongo)


async def _all(stores, channel="order:1"):
    """Everything that a reader gets, checked from both ends."""
    forth = await stores.reader.since(channel, 0, limit=1_000, max_bytes=_FAR)
    back = await stores.reader.before(channel, None, limit=1_000)
    assert forth.events == back.events[::-1]
    return numbers(forth)


async def test_only_what_is_old_and_not_among_the_newest_moves(stores):
    await stores.append("order:1", 1, 2, 3, 4, 5, 6, age=2 * _DAY)
    await stores.append("order:1", 7, age=timedelta(hours=1))
    await stores.append("order:2", 1, 2, 3, age=2 * _DAY)
    moved = await stores.settling(after=_DAY, beyond=3).run_once()
    assert moved == 4
    assert (await stores.in_mongo("order:1"), await stores.in_sql("order:1")) == ([1, 2, 3, 4], [5, 6, 7])
    assert (await stores.in_mongo("order:2"), await stores.in_sql("order:2")) == ([], [1, 2, 3])
    assert await stores.settling(after=_DAY, beyond=0).run_once() == 5
    assert (await stores.in_mongo("order:1"), await stores.in_sql("order:1")) == ([1, 2, 3, 4, 5, 6], [7])
    assert await _all(stores) == [1, 2, 3, 4, 5, 6, 7]


async def test_a_young_event_keeps_what_follows_it(stores):
    await stores.append("order:1", 1, 2, age=2 * _DAY)
    await stores.append("order:1", 3, age=timedelta(0))
    await stores.append("order:1", 4, age=2 * _DAY)  # told by a clock that was late
    assert await stores.settling(after=_DAY).run_once() == 2
    assert (await stores.in_mongo("order:1"), await stores.in_sql("order:1")) == ([1, 2], [3, 4])


async def test_a_round_is_bounded_and_the_next_one_goes_on(stores, monkeypatch):
    monkeypatch.setattr(settling, "_EVENTS_AT_ONCE", 4)
    monkeypatch.setattr(settling, "_EVENTS_A_ROUND", 10)
    monkeypatch.setattr(settling, "_HEADS_AT_ONCE", 3)
    for name in range(7):
        await stores.append(f"order:{name}", *range(6))
    mover, rounds = stores.settling(), []
    while sum(rounds) < 42:
        rounds.append(await mover.run_once())
        assert 0 < rounds[-1] <= 13
    assert mover.moved == 42
    assert await stores.count(channel_event) == 0
    for name in range(7):
        assert await _all(stores, f"order:{name}") == [0, 1, 2, 3, 4, 5]


async def test_what_lies_in_mongodb_is_sealed(stores, mongo):
    await stores.append("order:1", 1)
    await stores.settling().run_once()
    [document] = await mongo.ask(lambda db: db[SETTLED_EVENTS].find({}).to_list(None))
    assert "您好" not in repr(document) and "chat" not in repr(document)
    assert set(document) == {"_id", "channel", "epoch", "offset", "key", "data", "size_bytes", "at", "family"}


async def test_many_append_and_read_while_events_move(stores):
    """Readers see a whole channel at every moment, and writers leave no gap."""
    is_over = asyncio.Event()
    mover = stores.settling()

    async def write():
        for number in range(1, 61):
            await stores.append("order:1", number)
        is_over.set()

    async def move():
        while not is_over.is_set():
            await mover.run_once()

    async def read():
        last = 0
        while not is_over.is_set():
            seen = await stores.reader.since("order:1", 0, limit=1_000, max_bytes=_FAR)
            back = await stores.reader.before("order:1", None, limit=1_000)
            assert numbers(seen) == list(range(1, len(seen.events) + 1))
            assert numbers(back)[::-1] == list(range(1, len(back.events) + 1))
            assert last <= len(seen.events) <= len(back.events)
            last = len(seen.events)

    await asyncio.gather(write(), move(), read(), read())
    assert mover.moved > 0
    assert await _all(stores) == list(range(1, 61))


async def test_two_who_move_at_once_move_everything_once(stores):
    for name in range(10):
        await stores.append(f"order:{name}", 1, 2, 3)
    movers = [stores.settling() for _ in range(3)]
    await asyncio.gather(*(mover.run_once() for mover in movers))
    assert sum(mover.moved for mover in movers) == 30
    for name in range(10):
        assert await stores.in_mongo(f"order:{name}") == [1, 2, 3]


class Dying(Database):
    """Its transactions die right before their commit, or right after it."""

    dies = None

    async def _commit(self, connection):
        if self.dies == "before":
            raise Unavailable()
        await super()._commit(connection)
        if self.dies == "after":
            raise Unavailable()


@pytest.fixture
def dying(io_loop, database, keys):
    dying = Dying(database.url.render_as_string(hide_password=False), keys=keys, readers=1, acquire_timeout_s=10.0)
    yield dying
    io_loop.asyncio_loop.run_until_complete(dying.close())


@pytest.fixture
def by_relay(io_loop, mongo_url, mongo, embedded, stores):
    """What moves events by way of a relay that can fail, and the relay."""
    loop, address = io_loop.asyncio_loop, read_address(mongo_url)
    relay = MongoRelay(int(address.url.rpartition(":")[2].partition("/")[0]))
    loop.run_until_complete(relay.__aenter__())
    client = Mongo(read_address(f"mongodb://127.0.0.1:{relay.port}/{address.database}"), options=MongoOptions())
    loop.run_until_complete(admit(client, embedded))
    far = TwoStores(stores.database, client)
    yield far, relay
    client.close()
    loop.run_until_complete(relay.__aexit__())


@pytest.mark.parametrize("answer", [None, NOT_PRIMARY], ids=["cut", "not primary"])
@pytest.mark.parametrize("is_done", [False, True], ids=["lost", "done"])
async def test_a_copy_that_fails_loses_and_doubles_nothing(stores, by_relay, answer, is_done):
    far, relay = by_relay
    await stores.append("order:1", 1, 2, 3, 4)
    await stores.settling(beyond=2).run_once()
    (relay.afterwards if is_done else relay.instead)("update", answer)
    with pytest.raises(Unavailable):
        await far.settling().run_once()
    assert relay.is_used_up
    assert await stores.in_sql("order:1") == [3, 4], "what was not seen to be there stays"
    assert await _all(stores) == [1, 2, 3, 4]
    assert await stores.settling().run_once() == 2
    assert (await stores.in_mongo("order:1"), await stores.in_sql("order:1")) == ([1, 2, 3, 4], [])
    assert await _all(stores) == [1, 2, 3, 4]


async def test_a_copy_that_another_one_is_writing_too_is_looked_at(stores, by_relay):
    far, relay = by_relay
    await stores.append("order:1", 1, 2)
    relay.afterwards("update", DUPLICATE)
    assert await far.settling().run_once() == 2
    await stores.append("order:1", 3)
    relay.instead("update", DUPLICATE)
    with pytest.raises(Unavailable):
        await far.settling().run_once()
    assert (await stores.in_mongo("order:1"), await stores.in_sql("order:1")) == ([1, 2], [3])


async def test_a_copy_that_cannot_be_looked_at_loses_and_doubles_nothing(stores, by_relay, monkeypatch):
    monkeypatch.setattr(copies, "_WITHIN_S", 1.0)
    far, relay = by_relay
    await stores.append("order:1", 1, 2, 3)
    for _ in range(50):  # the driver asks again, as long as it has time
        relay.afterwards("find")
    with pytest.raises(Unavailable):
        await far.settling().run_once()
    assert (await stores.in_mongo("order:1"), await stores.in_sql("order:1")) == ([1, 2, 3], [1, 2, 3])
    assert await _all(stores) == [1, 2, 3]
    assert await stores.settling().run_once() == 3
    assert (await stores.in_mongo("order:1"), await stores.in_sql("order:1")) == ([1, 2, 3], [])
    assert await _all(stores) == [1, 2, 3]


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_commit_that_fails_or_is_not_heard_of_loses_and_doubles_nothing(stores, dying, moment):
    await stores.append("order:1", 1, 2, 3)
    mover = stores.settling(database=dying)
    dying.dies = moment
    with pytest.raises(Unavailable):
        await mover.run_once()
    dying.dies = None
    is_moved = moment == "after"
    assert await stores.in_sql("order:1") == ([] if is_moved else [1, 2, 3])
    assert await _all(stores) == [1, 2, 3]
    assert await mover.run_once() == (0 if is_moved else 3)
    assert await stores.in_mongo("order:1") == [1, 2, 3]
    assert await _all(stores) == [1, 2, 3]


async def test_a_copy_that_is_not_as_it_was_written_keeps_its_row(stores, mongo):
    class Forgetful:
        async def ask(self, question, **options):
            outcome = await mongo.ask(question, **options)
            await mongo.ask(lambda db: db[SETTLED_EVENTS].delete_many({"offset": 2}))
            return outcome

    await stores.append("order:1", 1, 2, 3)
    stores.settled = SettledEvents(mongo=Forgetful(), keys=stores.database.keys)
    with pytest.raises(Unavailable):
        await stores.settling().run_once()
    assert await stores.in_sql("order:1") == [1, 2, 3]


async def test_an_older_copy_is_replaced_by_what_the_database_says(stores, mongo):
    """As after a restore of the SQL database alone, to an earlier time."""
    await stores.append("order:1", 1, 2, 3)
    await stores.settling().run_once()
    await stores.database.write(lambda tx: tx.run(update(channel_head).values(epoch="another", settled=0, top=0)))
    assert await _all(stores) == []
    await stores.append("order:1", 7, 8)
    await stores.settling().run_once()
    assert await _all(stores) == [7, 8]


# --- retention


async def test_retention_takes_the_old_end_in_both(stores):
    await stores.append("user:1", 1, 2, 3, age=8 * _DAY)
    await stores.append("user:1", 4, 5, age=_DAY)
    await stores.append("order:1", 1, 2, age=31 * _DAY)
    await stores.append("order:2", 1, 2, age=29 * _DAY)
    await stores.settling(beyond=1).run_once()
    assert await stores.retention.run_once() == 4
    assert (await stores.in_mongo("user:1"), await stores.in_sql("user:1")) == ([4], [5])
    assert (await stores.in_mongo("order:1"), await stores.in_sql("order:1")) == ([], [2])
    assert (await stores.in_mongo("order:2"), await stores.in_sql("order:2")) == ([1], [2])
    assert await _all(stores, "user:1") == [4, 5]


async def test_orders_that_live_keep_their_events(stores, monkeypatch):
    monkeypatch.setattr(settled_retention, "_AT_ONCE", 2)
    for name in range(6):
        await stores.append(f"order:{name}", 1, 2, 3, age=40 * _DAY)
    await stores.settling().run_once()

    class Half(type(stores.retention)):
        async def _live_among(self, channels):
            return {name for name in channels if int(name[-1]) % 2}

    retention = Half(database=stores.database, settled=stores.settled)
    assert await retention.run_once() == 9
    assert [await stores.in_mongo(f"order:{name}") for name in range(6)] == [[], [1, 2, 3]] * 3


async def test_more_than_a_channel_may_have_goes_when_it_moves(stores, monkeypatch):
    monkeypatch.setattr(settling, "most_events", lambda _channel: 5)
    await stores.append("user:1", *range(1, 9))
    await stores.settling(beyond=2).run_once()
    assert (await stores.in_mongo("user:1"), await stores.in_sql("user:1")) == ([4, 5, 6], [7, 8])


async def test_what_retention_took_between_the_stores_is_never_jumped_over(stores):
    """MongoDB was away for so long that events grew too old in SQL."""
    await stores.append("user:1", 1, 2, 3, 4, 5, 6)
    await stores.settling(beyond=4).run_once()
    early = (channel_event.c.offset <= 4, channel_event.c.channel == "user:1")
    await stores.database.write(lambda tx: tx.run(delete(channel_event).where(*early)))
    assert (await stores.in_mongo("user:1"), await stores.in_sql("user:1")) == ([1, 2], [5, 6])
    assert await _all(stores, "user:1") == [5, 6]
    assert numbers(await stores.reader.before("user:1", 5, limit=10)) == []
    await stores.settling(beyond=1).run_once()
    assert (await stores.in_mongo("user:1"), await stores.in_sql("user:1")) == ([5], [6])
    assert await _all(stores, "user:1") == [5, 6]


async def test_a_position_goes_only_when_nothing_of_its_channel_is_left(stores):
    await stores.append("order:1", 1, age=20 * _DAY)
    await stores.append("order:2", 1, age=100 * _DAY)
    await stores.settling().run_once()
    silent = update(channel_head).values(moved_at=server_now() - 91 * _DAY)
    await stores.database.write(lambda tx: tx.run(silent))
    assert await stores.retention.run_once() == 2  # the old event, and its channel's position
    async with stores.database.read() as tx:
        assert [row["channel"] for row in await tx.all(select(channel_head.c.channel))] == ["order:1"]
    await stores.append("order:2", 7)
    assert await _all(stores, "order:2") == [7]


# --- without MongoDB


async def test_while_mongodb_is_away_recent_events_are_read_and_older_ones_are_said_to_be_away(stores, by_relay):
    far, relay = by_relay
    await stores.append("order:1", *range(1, 11))
    await stores.settling(beyond=4).run_once()
    await relay.__aexit__()
    asked = len(relay.seen)
    recent = await far.reader.since("order:1", 6, limit=100, max_bytes=_FAR)
    assert numbers(recent) == [7, 8, 9, 10] and not recent.is_cut
    page = await far.reader.before("order:1", None, limit=4)
    assert numbers(page) == [10, 9, 8, 7] and not page.is_cut
    assert len(relay.seen) == asked, "MongoDB was not even asked"
    for cut in (
        await far.reader.since("order:1", 5, limit=100, max_bytes=_FAR),
        await far.reader.before("order:1", None, limit=5),
    ):
        assert cut.is_cut
        assert sorted(numbers(cut)) == [7, 8, 9, 10] and cut.top.offset == 10
    await far.append("order:1", 11)
    assert (await far.reader.top("order:1")).offset == 11
