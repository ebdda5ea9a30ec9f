"""What every store of presence promises, on two instances that share it."""

import asyncio
import random
import time
from collections import Counter

import pytest

from server.core.errors import Unavailable
from server.core.tasks import Tasks
from server.storage.presence.in_process import InProcessPresence
from server.storage.presence.port import ClientInfo
from server.storage.presence.redis_presence import RedisPresence
from server.storage.pubsub.in_process import Exchange, InProcessBus
from server.storage.sealed import FieldKeys
from server.ws.limits import Limits
from server.ws.roll import Roll, read_body
from tests.fault.server_process import until
from tests.redis_place import PATIENT_S
from tests.standstill import evenly_s

PHONE, TABLET, CARER = ClientInfo("alice", "1"), ClientInfo("alice", "2"), ClientInfo("bob", "3", {"name": "李秀兰"})


def in_process(_request):
    def opening(ttl_s):
        store = InProcessPresence(ttl_s=ttl_s)
        return store, store

    return opening


def in_redis(request, *, url=None):
    link, prefix = request.getfixturevalue("open_link"), request.getfixturevalue("key_prefix")
    url = url or request.getfixturevalue("redis_url")

    def one(ttl_s):
        desk = link(url).desk("presence", within_s=PATIENT_S)
        return RedisPresence(desk=desk, keys=FieldKeys("k" * 32), ttl_s=ttl_s, prefix=prefix)

    return lambda ttl_s: (one(ttl_s), one(ttl_s))


def in_a_cluster(request):
    return in_redis(request, url=request.getfixturevalue("redis_cluster").url)


@pytest.fixture(
    params=[
        in_process,
        pytest.param(in_redis, marks=pytest.mark.services),
        pytest.param(in_a_cluster, marks=pytest.mark.services),
    ],
    ids=lambda means: means.__name__,
)
def open_two(request):
    """`open_two(ttl_s)`: two instances' stores."""
    return request.param(request)


@pytest.fixture
def two(open_two):
    return open_two(60.0)


async def test_the_first_and_the_last_entry_of_a_user_are_news_and_others_are_not(two):
    here, there = two
    assert await here.add("order:1", PHONE)
    assert await here.add("order:1", PHONE), "again changes nothing"
    assert not await there.add("order:1", TABLET)
    assert await there.add("order:1", CARER)
    assert await here.add("order:2", TABLET)
    assert not await here.remove("order:1", "1")
    assert await there.remove("order:1", "2")
    assert not await here.remove("order:1", "2"), "a second time is no news"
    assert not await here.remove("order:3", "2")
    assert await here.members("order:1") == {"3": CARER}
    assert await here.members("order:3") == {}


async def test_what_others_may_see_comes_back_as_it_was(two):
    here, there = two
    await here.add("order:1", CARER)
    await here.add("order:1", PHONE)
    assert await there.members("order:1") == {"1": PHONE, "3": CARER}


async def test_entries_that_nobody_keeps_expire_and_are_told_once_to_one_instance(open_two):
    here, there = open_two(0.4)
    await here.add("order:1", PHONE)
    await here.add("order:1", TABLET)
    told = []

    async def round_of_both():
        await there.keep([("order:1", CARER)])
        for some in await asyncio.gather(here.take_expired(), there.take_expired()):
            told.extend((channel, info.user) for channel, info in some)
        return set(await there.members("order:1")) == {"3"} and told

    await until(round_of_both, within_s=10, what="the end of the first")
    assert told == [("order:1", "alice")], "two entries, one user"

    async def last_round():
        for some in await asyncio.gather(here.take_expired(), there.take_expired()):
            told.extend((channel, info.user) for channel, info in some)
        return not await here.members("order:1") and len(told) > 1

    await until(last_round, within_s=10, what="the end of the last")
    assert told[1:] == [("order:1", "bob")]


async def test_who_came_back_elsewhere_before_the_old_entry_was_taken_was_never_gone(open_two):
    here, there = open_two(0.3)
    await here.add("order:1", PHONE)

    async def has_run_out():
        return not await here.members("order:1")

    await until(has_run_out, within_s=5, what="the end of the entry")
    assert not await there.add("order:1", TABLET)
    assert await here.take_expired() in ([], ())
    assert set(await there.members("order:1")) == {"2"}


async def test_an_entry_that_is_kept_lives_on(open_two):
    here, there = open_two(0.5)
    await here.add("order:1", PHONE)
    began_s = time.monotonic()

    async def is_kept():
        await here.keep([("order:1", PHONE), ("order:2", PHONE)])
        assert set(await there.members("order:1")) == {"1"}
        assert not await there.take_expired()
        return time.monotonic() - began_s > 1.5

    await until(is_kept, within_s=10, what="three lives")


async def test_a_store_that_forgot_everything_is_filled_again(two):
    here, there = two
    await there.add("order:2", PHONE)
    missing = await here.keep([("order:1", PHONE), ("order:2", CARER), ("order:2", TABLET)])
    assert list(missing) == [("order:1", PHONE), ("order:2", CARER)], "who has another entry there is no news"
    assert set(await there.members("order:1")) == {"1"}
    assert set(await there.members("order:2")) == {"1", "2", "3"}
    assert not await here.keep([("order:1", PHONE), ("order:2", CARER), ("order:2", TABLET)])
    assert not await here.keep([])


async def test_who_was_cut_off_and_told_as_gone_is_told_as_there_again(open_two):
    exchange = Exchange()
    cut_off, alive = (Instance(store, exchange, ttl_s=60.0) for store in open_two(0.3))
    cut_off.roll.join("order:1", PHONE)
    await until(lambda: ("join", "alice") in alive.news, within_s=10, what="the join")

    async def is_told_as_gone():
        await alive.roll.keep()
        return ("leave", "alice") in alive.news

    await until(is_told_as_gone, within_s=10, what="the leave")
    await cut_off.roll.keep()
    assert alive.news == [("join", "alice"), ("leave", "alice"), ("join", "alice")]
    for one in (cut_off, alive):
        await one.dies()


async def test_what_is_news_is_what_counting_all_entries_says(two):
    chance, there = random.Random(7), set()
    for _ in range(600):
        store = chance.choice(two)
        channel, user = chance.choice(["order:1", "order:2"]), chance.choice(["alice", "bob"])
        info = ClientInfo(user, f"{user}/{chance.randrange(4)}")
        if chance.random() < 0.5:
            there.add((channel, user, info.client))
            news = await store.add(channel, info)
            assert news == (sum(one[:2] == (channel, user) for one in there) == 1)
        else:
            was_there = (channel, user, info.client) in there
            there.discard((channel, user, info.client))
            news = await store.remove(channel, info.client)
            assert news == (was_there and not any(one[:2] == (channel, user) for one in there))
        assert {client for one, _, client in there if one == channel} == set(await store.members(channel))


async def test_of_many_tabs_that_come_and_go_at_once_one_is_news(two):
    tabs = [ClientInfo("alice", str(number)) for number in range(50)]
    came = await asyncio.gather(*(two[at % 2].add("order:1", tab) for at, tab in enumerate(tabs)))
    assert sum(came) == 1
    went = await asyncio.gather(*(two[at % 2].remove("order:1", tab.client) for at, tab in enumerate(tabs)))
    assert sum(went) == 1


class Instance:
    """A roll on one of the stores, and the news that reached it."""

    def __init__(self, store, exchange, *, ttl_s):
        self.bus, self.tasks, self.news = InProcessBus(exchange=exchange), Tasks("test"), []
        limits = Limits(presence_ttl_s=ttl_s, presence_lingers_s=0.0)
        self.roll = Roll(presence=store, bus=self.bus, tasks=self.tasks, limits=limits, counts=Counter())
        self.bus.on_control(self.hear)
        self.roll.start()

    def hear(self, message):
        push = read_body(message.body)
        self.news.append((push.kind, push.info.user))

    async def dies(self):
        await self.tasks.stop()
        await self.bus.close()


async def test_people_of_an_instance_that_died_are_told_as_gone_by_another_and_once(open_two):
    exchange = Exchange()
    dead, alive, third = (Instance(store, exchange, ttl_s=0.6) for store in (*open_two(0.6), open_two(0.6)[0]))
    dead.roll.join("order:1", PHONE)
    dead.roll.join("order:1", TABLET)
    alive.roll.join("order:1", CARER)
    await until(lambda: len(alive.news) == 2, within_s=10, what="the joins")
    await dead.dies()
    await until(lambda: ("leave", "alice") in alive.news, within_s=10, what="the leave")
    assert sorted(alive.news) == [("join", "alice"), ("join", "bob"), ("leave", "alice")]
    assert set(await alive.roll._presence.members("order:1")) == {"3"}
    for one in (alive, third):
        await one.dies()


@pytest.fixture
def raw(io_loop, open_link, redis_url):
    """Redis itself."""
    return open_link(redis_url).desk("test").client


@pytest.mark.services
async def test_in_redis_nothing_outlives_its_people_and_what_they_show_is_sealed(request, raw, key_prefix):
    here, _ = in_redis(request)(60.0)
    await here.add("order:1", CARER)
    values = await raw.hvals(f"{key_prefix}presence:order:1")
    assert "李秀兰".encode() not in b"".join(values)
    keys = [key async for key in raw.scan_iter(f"{key_prefix}*")]
    assert len(keys) == 2
    for key in keys:
        assert 200_000 < await raw.pttl(key) <= 240_000
    await here.remove("order:1", "3")
    assert not await raw.exists(f"{key_prefix}presence:order:1")


@pytest.mark.services
async def test_in_redis_people_are_told_as_gone_although_the_index_was_lost(request, raw, key_prefix):
    """Redis may evict one key and not the other; whoever is still there brings the channel back."""
    here, there = in_redis(request)(0.4)
    await here.add("order:1", PHONE)
    await raw.delete(f"{key_prefix}presences")
    told = []

    async def round_of_who_is_left():
        await there.keep([("order:1", CARER)])
        told.extend(await there.take_expired())
        return told

    await until(round_of_who_is_left, within_s=10, what="the end of an entry")
    assert told == [("order:1", PHONE)]


@pytest.mark.services
async def test_in_redis_more_channels_than_one_round_looks_at_are_all_taken_in_the_end(request):
    here, there = in_redis(request)(0.3)
    await here.keep([(f"order:{number}", PHONE) for number in range(450)])
    told = []

    async def rounds():
        for some in await asyncio.gather(here.take_expired(), there.take_expired()):
            told.extend(some)
        return len(told) >= 450

    await until(rounds, within_s=10, what="the end of all")
    assert len({channel for channel, _ in told}) == len(told) == 450


async def test_a_redis_that_is_away_says_so_at_once(open_link):
    desk = open_link("redis://127.0.0.1:1/0").desk("presence")
    away = RedisPresence(desk=desk, keys=FieldKeys("k" * 32), ttl_s=60.0)
    began_s = evenly_s()
    for _ in range(20):
        for asked in (away.add("order:1", PHONE), away.remove("order:1", "1"), away.members("order:1"),
                      away.keep([("order:1", PHONE)]), away.take_expired()):  # fmt: skip
            with pytest.raises(Unavailable):
                await asked
    assert evenly_s() - began_s < 2.0
