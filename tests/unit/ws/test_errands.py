"""What the server begins by itself: messages and subscriptions."""

import asyncio

import pytest

from server.storage.pubsub.port import ControlMessage
from server.ws.errands import Whom
from tests.unit.ws.place import place, until


async def test_a_message_reaches_all_connections_of_a_user_and_nobody_else(database, outbox):
    async with place(database, outbox) as here:
        phone, _ = await here.connected("alice")
        tab, _ = await here.connected("alice")
        bob, _ = await here.connected("bob")
        await here.live.errands.message(Whom("alice"), {"文": [1, None]})
        for client in (phone, tab):
            assert await client.push() == {"message": {"data": {"文": [1, None]}}}
        assert "ping" in await bob.ask(ping={})


async def test_a_message_may_be_for_one_login_or_one_connection(database, outbox):
    async with place(database, outbox) as here:
        here.tokens["phone"] = here.identity("alice")
        here.tokens["tablet"] = type(here.tokens["phone"])("alice", "patient", "login-of-tablet", 2e9)
        phone, told = await here.connected("phone")
        tablet, _ = await here.connected("tablet")
        await here.live.errands.message(Whom("alice", login_id="login-of-tablet"), "tablet")
        await here.live.errands.message(Whom("alice", client=told["client"]), "phone")
        await here.live.errands.message(Whom("bob", client=told["client"]), "not bob's connection")
        assert await tablet.push() == {"message": {"data": "tablet"}}
        assert await phone.push() == {"message": {"data": "phone"}}
        for client in (phone, tablet):
            assert "ping" in await client.ask(ping={})


async def test_a_message_for_who_is_just_let_in_comes_after_the_connect_reply(database, outbox):
    async with place(database, outbox) as here:
        follow, followed = here.bus.follow, asyncio.Event()

        async def slow_follow(channel):
            await followed.wait()
            await follow(channel)

        here.bus.follow = slow_follow
        client = await here.raw()
        await client.say({"id": 1, "connect": {"token": "alice"}})
        await until(lambda: "user:alice" in here.live.hub.channels)
        await here.live.errands.message(Whom("alice"), 1)
        await here.live.errands.subscribe(Whom("alice"), "order:1")
        followed.set()
        assert "connect" in await client.next()
        assert await client.push() == {"message": {"data": 1}}
        assert (await client.push())["channel"] == "order:1"


@pytest.mark.parametrize("data", [float("nan"), b"bytes", {1, 2}, "\ud800", "\0", 2**70])
async def test_a_message_that_not_every_encoding_can_say_is_refused(database, outbox, data):
    async with place(database, outbox) as here:
        with pytest.raises(ValueError):
            await here.live.errands.message(Whom("alice"), data)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("message", {}),
        ("message", {"user_id": 5, "data": 1}),
        ("message", {"user_id": "alice", "login_id": [], "data": 1}),
        ("message", {"user_id": "alice", "data": float("inf")}),
        ("subscribe", {"user_id": "alice"}),
        ("unsubscribe", {"user_id": "alice", "channel": 7}),
    ],
)
async def test_an_order_that_makes_no_sense_is_counted_and_harms_nobody(database, outbox, kind, body):
    async with place(database, outbox) as here:
        client, _ = await here.connected()
        await here.bus.broadcast(ControlMessage(kind, body))
        assert "ping" in await client.ask(ping={})
        assert here.live.counts["poison_messages"] == 1


async def test_a_subscription_of_the_server_is_told_with_its_position_and_then_followed(database, outbox):
    async with place(database, outbox) as here:
        client, _ = await here.connected()
        top = await here.publish("order:1", "before")
        await here.live.errands.subscribe(Whom("alice"), "order:1")
        assert await client.push() == {
            "channel": "order:1",
            "subscribe": {"recoverable": True, "positioned": True, "epoch": top.epoch, "offset": 1},
        }
        await here.publish("order:1", "after")
        assert (await client.push())["pub"]["offset"] == 2


async def test_it_takes_the_one_slot_of_its_channel_until_an_unsubscribe_push_ends_it(database, outbox):
    async with place(database, outbox) as here:
        client, _ = await here.connected()
        for _ in range(2):  # the second order changes nothing
            await here.live.errands.subscribe(Whom("alice"), "order:1")
        assert "subscribe" in await client.push()
        assert (await client.ask(subscribe={"channel": "order:1"}))["error"]["code"] == 105
        await here.live.errands.unsubscribe(Whom("alice"), "order:1")
        assert await client.push() == {
            "channel": "order:1", "unsubscribe": {"code": 2000, "reason": "server unsubscribe"},
        }  # fmt: skip
        await here.publish("order:1", "not heard")
        assert "subscribe" in await client.ask(subscribe={"channel": "order:1"})
        await here.live.errands.subscribe(Whom("alice"), "order:1")
        await here.live.errands.unsubscribe(Whom("alice"), "order:1")
        assert (await client.push())["unsubscribe"]["code"] == 2000, "the client's own ends alike"


async def test_an_order_to_subscribe_is_no_permission(database, outbox):
    async with place(database, outbox) as here:
        client, _ = await here.connected()
        await here.live.errands.subscribe(Whom("alice"), "order:foreign")
        await until(lambda: here.live.counts["server_subscribes_failed"] == 1)
        assert (await client.ask(subscribe={"channel": "order:foreign"}))["error"]["code"] == 103


@pytest.fixture
def held_follow():
    """Puts a gate before the bus of a place, for one channel."""

    def hold(here, channel):
        follow, gate, waiting = here.bus.follow, asyncio.Event(), asyncio.Event()

        async def gated(name):
            if name == channel:
                waiting.set()
                await gate.wait()
            await follow(name)

        here.bus.follow = gated
        return gate, waiting

    return hold


async def test_one_that_is_ended_before_it_began_is_never_told(database, outbox, held_follow):
    async with place(database, outbox) as here:
        gate, waiting = held_follow(here, "order:1")
        client, _ = await here.connected()
        await here.live.errands.subscribe(Whom("alice"), "order:1")
        await waiting.wait()
        await here.live.errands.unsubscribe(Whom("alice"), "order:1")
        gate.set()
        await until(lambda: not here.live.hub.channels["order:1"].seats)
        assert "subscribe" in await client.ask(subscribe={"channel": "order:1"})


async def test_a_client_that_leaves_and_subscribes_meanwhile_has_its_own_subscription(database, outbox, held_follow):
    async with place(database, outbox) as here:
        gate, waiting = held_follow(here, "order:1")
        client, _ = await here.connected()
        await here.live.errands.subscribe(Whom("alice"), "order:1")
        await waiting.wait()
        await client.ask(unsubscribe={"channel": "order:1"})
        await client.say({"id": 9, "subscribe": {"channel": "order:1"}})
        await until(lambda: here.live.counts["command_subscribe"] == 1)
        gate.set()
        assert (await client.next())["id"] == 9
        await until(lambda: len(here.live.hub.channels["order:1"].seats) == 1)
        await here.publish("order:1", "once")
        assert (await client.push())["pub"]["offset"] == 1
        assert "ping" in await client.ask(ping={})


async def test_one_whose_connection_closes_meanwhile_leaves_nothing_behind(database, outbox, held_follow):
    async with place(database, outbox) as here:
        gate, waiting = held_follow(here, "order:1")
        client, _ = await here.connected()
        await here.live.errands.subscribe(Whom("alice"), "order:1")
        await waiting.wait()
        client.connection.close()
        await until(lambda: not here.live.connections)
        gate.set()
        await until(lambda: "order:1" not in here.live.hub.channels or not here.live.hub.channels["order:1"].seats)
        assert here.live.counts["bugs"] == 0
