"""What every channel log promises to who reads it, wherever its events lie."""

import pytest

from server.storage.channel_log.port import Position
from server.storage.channel_log.sql import SqlChannelLog
from server.storage.outbox import Outbox
from server.storage.pubsub.in_process import InProcessBus
from tests.two_stores import TwoStores, numbers

_EVENTS = 12
_FAR = 10**9


class InSql(TwoStores):
    """All events where they were appended."""

    def __init__(self, database):
        outbox = Outbox(database=database, instance_id="test", claim_s=3.0, sweep_every_s=60.0)
        self.database = database
        self.log = self.reader = SqlChannelLog(database=database, outbox=outbox, bus=InProcessBus())

    async def settle(self):
        """They stay."""


class Settled(TwoStores):
    """Events move to MongoDB, but for so many of each channel."""

    def __init__(self, database, mongo, *, beyond):
        super().__init__(database, mongo)
        self._settling = self.settling(beyond=beyond)

    async def settle(self):
        await self._settling.run_once()


def in_sql(request):
    return InSql(request.getfixturevalue("database"))


def all_settled(request):
    return Settled(request.getfixturevalue("database"), request.getfixturevalue("mongo"), beyond=0)


def settled_but_five(request):
    return Settled(request.getfixturevalue("database"), request.getfixturevalue("mongo"), beyond=5)


def none_settled_yet(request):
    return Settled(request.getfixturevalue("database"), request.getfixturevalue("mongo"), beyond=1_000)


_ON_A_SERVER = [pytest.param(kind, marks=pytest.mark.services) for kind in (all_settled, settled_but_five, none_settled_yet)]


@pytest.fixture(params=[in_sql, *_ON_A_SERVER])
def stores(request, database):
    return request.param(request)


@pytest.fixture
def channel(io_loop, stores):
    """A channel with the events 1 to 12, moved as far as they move."""

    async def fill():
        await stores.append("order:1", *range(1, _EVENTS + 1))
        await stores.append("order:2", 99)
        await stores.settle()

    io_loop.run_sync(fill)
    return "order:1"


async def test_a_channel_without_events_stands_nowhere(stores):
    reader = stores.reader
    assert await reader.top("order:1") == Position("", 0)
    assert await reader.tops(["order:1"]) == {}
    for nothing in (await reader.since("order:1", 0, limit=9, max_bytes=_FAR), await reader.before("order:1", None, limit=9)):
        assert (nothing.events, nothing.top) == ((), Position("", 0))


async def test_it_stands_where_its_last_event_stands(stores, channel):
    top = await stores.reader.top(channel)
    tops = await stores.reader.tops([channel, "order:2", "order:3"])
    assert {name: position.offset for name, position in tops.items()} == {channel: _EVENTS, "order:2": 1}
    assert tops[channel] == top and top.epoch not in ("", tops["order:2"].epoch)


async def test_since_gives_what_follows_from_everywhere_on(stores, channel):
    for offset in range(_EVENTS + 2):
        for limit in (1, 2, 3, 5, 8, _EVENTS, 50):
            found = await stores.reader.since(channel, offset, limit=limit, max_bytes=_FAR)
            wanted = list(range(offset + 1, _EVENTS + 1))[:limit]
            assert (numbers(found), [one.offset for one in found.events]) == (wanted, wanted), (offset, limit)
            assert found.top.offset == _EVENTS and not found.is_cut
            assert {one.epoch for one in found.events} <= {found.top.epoch}


async def test_since_is_bounded_in_bytes(stores, channel):
    size = len((await stores.reader.since(channel, 0, limit=1, max_bytes=_FAR)).events[0].data)
    for offset in range(_EVENTS):
        found = await stores.reader.since(channel, offset, limit=50, max_bytes=4 * size + size // 2)
        assert numbers(found) == list(range(offset + 1, _EVENTS + 1))[:4], offset


async def test_before_gives_what_went_before_newest_first(stores, channel):
    for offset in (None, *range(_EVENTS + 3)):
        for limit in (1, 2, 3, 5, 8, _EVENTS, 50):
            found = await stores.reader.before(channel, offset, limit=limit)
            end = _EVENTS + 1 if offset is None else min(offset, _EVENTS + 1)
            wanted = list(range(end - 1, 0, -1))[:limit]
            assert (numbers(found), [one.offset for one in found.events]) == (wanted, wanted), (offset, limit)
            assert found.top.offset == _EVENTS and not found.is_cut


async def test_more_events_follow_those_that_were_there(stores, channel):
    before = await stores.reader.top(channel)
    await stores.append(channel, 13, 14)
    assert await stores.reader.top(channel) == Position(before.epoch, 14)
    await stores.settle()
    await stores.append(channel, 15)
    assert numbers(await stores.reader.since(channel, 0, limit=50, max_bytes=_FAR)) == list(range(1, 16))
    assert numbers(await stores.reader.before(channel, None, limit=50)) == list(range(15, 0, -1))


async def test_long_channels_come_in_pages(stores):
    await stores.append("user:1", *range(1, 351))
    await stores.settle()
    assert numbers(await stores.reader.since("user:1", 30, limit=1_000, max_bytes=_FAR)) == list(range(31, 351))
    assert numbers(await stores.reader.before("user:1", None, limit=1_000)) == list(range(350, 0, -1))
