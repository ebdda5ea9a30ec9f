"""Who is there: entries that expire, joins and leaves that do not flap."""

import asyncio
from collections import Counter

import pytest

from server.core.errors import Unavailable
from server.core.tasks import Tasks
from server.storage.presence.in_process import InProcessPresence
from server.storage.presence.port import ClientInfo
from server.storage.pubsub.in_process import Exchange, InProcessBus
from server.ws.limits import Limits
from server.ws.roll import Roll, read_body
from tests.unit.ws.place import place, until

PHONE, TABLET, CARER = ClientInfo("alice", "1"), ClientInfo("alice", "2"), ClientInfo("bob", "3")


class Clock:
    at = 0.0

    def __call__(self):
        return self.at


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def presence(clock):
    return InProcessPresence(ttl_s=60.0, now=clock)


async def test_entries_that_nobody_keeps_expire_and_are_told_once(presence, clock):
    await presence.add("order:1", PHONE)
    await presence.add("order:1", CARER)
    clock.at = 40.0
    await presence.keep([("order:1", CARER)])
    clock.at = 60.0
    assert set(await presence.members("order:1")) == {"3"}
    assert await presence.take_expired() == [("order:1", PHONE)]
    assert await presence.take_expired() == []
    clock.at = 100.0
    assert await presence.take_expired() == [("order:1", CARER)]
    assert presence._channels == {}


async def test_who_came_back_elsewhere_before_the_old_entry_expired_was_never_gone(presence, clock):
    await presence.add("order:1", PHONE)
    clock.at = 61.0
    assert not await presence.add("order:1", TABLET)
    assert await presence.take_expired() == []
    assert set(await presence.members("order:1")) == {"2"}


class Instance:
    """A roll on a store and a bus that several share, and the news that reached it."""

    def __init__(self, presence, exchange, **limits):
        self.bus, self.tasks, self.counts, self.news = InProcessBus(exchange=exchange), Tasks("test"), Counter(), []
        self.roll = Roll(
            presence=presence, bus=self.bus, tasks=self.tasks,
            limits=Limits(**({"presence_lingers_s": 0.05} | limits)), counts=self.counts,
        )  # fmt: skip
        self.bus.on_control(self.hear)

    def hear(self, message):
        push = read_body(message.body)
        self.news.append((push.kind, push.info.user))

    async def settled(self):
        await until(lambda: not self.roll._lingering and not self.roll._pending and not self.roll._working)


@pytest.fixture
def exchange(io_loop):
    return Exchange()


async def test_a_phone_that_flaps_is_no_news_and_its_end_is(presence, exchange):
    here = Instance(presence, exchange)
    here.roll.join("order:1", PHONE)
    for number in range(10):
        old, new = ClientInfo("alice", str(number + 10)), ClientInfo("alice", str(number + 11))
        here.roll.join("order:1", old)
        here.roll.leave("order:1", old, lingers=True)
        here.roll.join("order:1", new)
        here.roll.leave("order:1", new, lingers=True)
    here.roll.leave("order:1", PHONE, lingers=True)
    here.roll.join("order:1", TABLET)
    await here.settled()
    assert here.news == [("join", "alice")]
    assert set(await presence.members("order:1")) == {"2"}
    here.roll.leave("order:1", TABLET, lingers=True)
    assert here.news == [("join", "alice")]
    await here.settled()
    assert here.news == [("join", "alice"), ("leave", "alice")]


async def test_a_phone_that_comes_back_to_another_instance_is_no_news_either(presence, exchange):
    one, two = Instance(presence, exchange), Instance(presence, exchange)
    one.roll.join("order:1", PHONE)
    await one.settled()
    one.roll.leave("order:1", PHONE, lingers=True)
    two.roll.join("order:1", TABLET)
    await two.settled()
    await one.settled()
    assert two.news == [("join", "alice")]


async def test_one_connection_that_leaves_and_joins_again_keeps_its_entry(presence, exchange):
    here = Instance(presence, exchange)
    here.roll.join("order:1", PHONE)
    here.roll.leave("order:1", PHONE, lingers=True)
    here.roll.join("order:1", PHONE)
    await asyncio.sleep(0)
    assert not here.roll._lingering
    await here.settled()
    assert set(await presence.members("order:1")) == {"1"}
    assert here.news == [("join", "alice")]


async def test_who_was_shown_out_is_gone_at_once(presence, exchange):
    here = Instance(presence, exchange, presence_lingers_s=60.0)
    here.roll.join("order:1", PHONE)
    here.roll.leave("order:1", PHONE, lingers=False)
    await here.settled()
    assert here.news == [("join", "alice"), ("leave", "alice")]


async def test_people_of_a_crashed_instance_are_told_as_gone_by_another(presence, exchange, clock):
    crashed, alive = Instance(presence, exchange), Instance(presence, exchange)
    crashed.roll.join("order:1", PHONE)
    alive.roll.join("order:1", CARER)
    await crashed.settled()
    await alive.settled()
    await crashed.tasks.stop()
    await crashed.bus.close()
    clock.at = 30.0
    await alive.roll.keep()
    clock.at = 61.0
    await alive.roll.keep()
    assert alive.news[-1] == ("leave", "alice") and alive.news.count(("leave", "alice")) == 1
    assert set(await presence.members("order:1")) == {"3"}


class Away(InProcessPresence):
    """Takes nobody in for a while."""

    is_away = True

    async def add(self, channel, info):
        if self.is_away:
            raise Unavailable
        return await super().add(channel, info)


async def test_a_store_that_is_away_costs_counts_and_is_mended_by_the_next_round(clock, exchange):
    presence = Away(ttl_s=60.0, now=clock)
    here = Instance(presence, exchange)
    here.roll.join("order:1", PHONE)
    await here.settled()
    assert here.counts["presence_failed"] == 1 and await presence.members("order:1") == {} and here.news == []
    presence.is_away = False
    await here.roll.keep()
    await here.settled()
    assert set(await presence.members("order:1")) == {"1"}
    assert here.news == [("join", "alice")], "late"
    await here.roll.keep()
    await here.settled()
    assert here.news == [("join", "alice")]


async def test_who_left_while_the_store_was_away_is_not_announced_afterwards(clock, exchange):
    presence = Away(ttl_s=60.0, now=clock)
    here = Instance(presence, exchange)
    here.roll.join("order:1", PHONE)
    await here.settled()
    here.roll.leave("order:1", PHONE, lingers=False)
    presence.is_away = False
    await here.roll.keep()
    await here.settled()
    assert here.news == [] and await presence.members("order:1") == {}


async def test_a_store_that_forgot_everything_is_told_at_once_when_the_bus_had_a_gap(presence, exchange):
    here = Instance(presence, exchange)
    here.roll.start()
    here.roll.join("order:1", PHONE)
    await here.settled()
    await presence.remove("order:1", "1")
    here.roll.keep_soon()

    async def is_back():
        while set(await presence.members("order:1")) != {"1"}:
            await asyncio.sleep(0)

    await asyncio.wait_for(is_back(), 5)
    assert here.news == [("join", "alice")] * 2, "others may have told her as gone meanwhile"
    await here.tasks.stop()


async def test_the_eternal_round_keeps_connections_alive_beyond_their_time_to_live(database, outbox):
    async with place(database, outbox, presence_ttl_s=0.3, rpc_per_s=1e6, commands_per_s=1e6) as here:
        client, _ = await here.connected()
        await client.ask(subscribe={"channel": "order:1"})
        later = asyncio.get_running_loop().time() + 1.0
        while asyncio.get_running_loop().time() < later:
            stats = (await client.ask(presence_stats={"channel": "order:1"}))["presence_stats"]
            assert stats == {"num_clients": 1, "num_users": 1}


async def test_a_family_sees_one_join_and_one_leave_of_a_carer_whose_phone_flaps(database, outbox):
    async with place(database, outbox, presence_lingers_s=0.5) as here:
        family, _ = await here.connected("alice")
        await family.ask(subscribe={"channel": "order:1", "join_leave": True})
        assert (await family.push())["join"]["info"]["user"] == "alice"
        for _ in range(3):
            phone, _ = await here.connected("bob")
            await phone.ask(subscribe={"channel": "order:1"})
            phone.connection.close()
            await until(lambda: len(here.live.connections) == 1)
        assert (await family.push())["join"]["info"]["user"] == "bob"
        assert (await family.push())["leave"]["info"]["user"] == "bob"
        members = (await family.ask(presence={"channel": "order:1"}))["presence"]["presence"]
        assert [info["user"] for info in members.values()] == ["alice"]


async def test_a_second_tab_is_an_entry_of_its_own_and_no_news(database, outbox):
    async with place(database, outbox, presence_lingers_s=0.1) as here:
        family, _ = await here.connected("alice")
        await family.ask(subscribe={"channel": "order:1", "join_leave": True})
        await family.push()
        tabs = [(await here.connected("bob"))[0] for _ in range(2)]
        for tab in tabs:
            await tab.ask(subscribe={"channel": "order:1"})
        assert "join" in await family.push()
        stats = (await family.ask(presence_stats={"channel": "order:1"}))["presence_stats"]
        assert stats == {"num_clients": 3, "num_users": 2}
        tabs[0].connection.close()
        await until(lambda: here.live.counts["closed_3001"] or len(here.live.connections) == 2)
        await here.order("revoke", user_id="bob", login_id=None, code=3503, reason="logged out")
        assert (await family.push())["leave"]["info"]["user"] == "bob", "one leave, when the last is gone"
