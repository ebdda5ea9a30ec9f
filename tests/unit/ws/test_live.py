"""Subscriptions from the socket to the log and back."""

import asyncio

import pytest

from tests.unit.ws.place import place, until


async def test_connect_and_subscribes_may_come_in_one_frame(database, outbox):
    async with place(database, outbox) as here:
        await here.publish("order:1", 1)
        client = await here.raw()
        await client.say(
            {"id": 1, "connect": {"token": "alice"}},
            {"id": 2, "subscribe": {"channel": "order:1", "flag": 1}},
            {"id": 3, "subscribe": {"channel": "order:foreign"}},
        )
        first, second, third = [await client.next() for _ in range(3)]
        assert first["connect"]["ping"] == 25
        assert first["connect"]["subs"] == {"user:alice": {"recoverable": True, "positioned": True}}
        assert second["subscribe"]["offset"] == 1
        assert third["error"] == {"code": 103, "message": "permission denied"}


async def test_an_event_reaches_all_who_subscribed_once_with_its_position(database, outbox):
    async with place(database, outbox) as here:
        clients = [(await here.connected(token))[0] for token in ("alice", "bob")]
        for client in clients:
            await client.ask(subscribe={"channel": "order:1"})
        for number in range(1, 4):
            await here.publish("order:1", {"n": number})
        for client in clients:
            pubs = [(await client.push())["pub"] for _ in range(3)]
            assert [pub["offset"] for pub in pubs] == [1, 2, 3]
            assert [pub["data"]["data"]["n"] for pub in pubs] == [1, 2, 3]


async def test_what_was_missed_comes_in_the_reply_once_and_in_order(database, outbox):
    async with place(database, outbox) as here:
        client, connect = await here.connected()
        position = (await client.ask(subscribe={"channel": "order:1"}))["subscribe"]
        client.connection.close()
        for number in range(5):
            await here.publish("order:1", number)
        again, _ = await here.connected()
        wish = {"channel": "order:1", "recover": True, "offset": position.get("offset", 0), "epoch": ""}
        result = (await again.ask(subscribe=wish))["subscribe"]
        assert result["was_recovering"] and result["recovered"]
        assert [pub["offset"] for pub in result["publications"]] == [1, 2, 3, 4, 5]
        await here.publish("order:1", "live")
        assert (await again.push())["pub"]["offset"] == 6


async def test_the_users_own_channel_is_recovered_within_connect(database, outbox):
    async with place(database, outbox) as here:
        position = await here.publish("user:alice", 1)
        await here.publish("user:alice", 2)
        resume = {"recover": True, "offset": position.offset, "epoch": position.epoch}
        _, connect = await here.connected(subs={"user:alice": resume, "user:bob": resume})
        sub = connect["subs"]["user:alice"]
        assert sub["recovered"] and [pub["offset"] for pub in sub["publications"]] == [2]
        assert list(connect["subs"]) == ["user:alice"]


@pytest.mark.parametrize(
    ("offset", "epoch"), [(99, None), (0, "other"), (0, "_"), (2, "other")], ids=["future", "epoch", "lost", "both"]
)
async def test_a_position_that_cannot_be_recovered_is_said_so_without_publications(database, outbox, offset, epoch):
    async with place(database, outbox) as here:
        for number in range(3):
            top = await here.publish("order:1", number)
        client, _ = await here.connected()
        wish = {"channel": "order:1", "recover": True, "offset": offset, "epoch": epoch or top.epoch}
        result = (await client.ask(subscribe=wish))["subscribe"]
        assert result["was_recovering"] is True
        assert "recovered" not in result and "publications" not in result
        assert result["offset"] == 3
        await client.ask(unsubscribe={"channel": "order:1"})
        assert (await client.ask(subscribe={**wish, "flag": 3}))["error"]["code"] == 112


async def test_more_than_the_cap_is_not_recovered(database, outbox):
    async with place(database, outbox, recovery_entries=10) as here:
        for number in range(11):
            top = await here.publish("order:1", number)
        client, _ = await here.connected()
        wish = {"channel": "order:1", "recover": True, "epoch": top.epoch}
        assert "recovered" not in (await client.ask(subscribe=wish))["subscribe"]
        await client.ask(unsubscribe={"channel": "order:1"})
        result = (await client.ask(subscribe={**wish, "offset": 1}))["subscribe"]
        assert len(result["publications"]) == 10


async def test_nothing_is_lost_or_doubled_between_the_reply_and_the_first_push(database, outbox):
    async with place(database, outbox) as here:
        top = await here.publish("order:1", 0)
        publishing = asyncio.ensure_future(_publish_many(here, 60))
        clients = []
        while not publishing.done() and len(clients) < 25:
            client, _ = await here.connected()
            wish = {"channel": "order:1", "recover": True, "offset": 1, "epoch": top.epoch}
            await client.say({"id": 2, "subscribe": wish})
            clients.append(client)
        assert len(clients) > 1
        await publishing
        for client in clients:
            assert await _offsets(client, upto=61) == list(range(2, 62))


async def _publish_many(here, count):
    for number in range(count):
        await here.publish("order:1", number)


async def _offsets(client, *, upto):
    offsets = []
    while not offsets or offsets[-1] < upto:
        message = await client.next()
        if "push" in message:
            offsets.append(message["push"]["pub"]["offset"])
        elif "subscribe" in message:
            assert not offsets, "the reply comes before any push"
            offsets += [pub["offset"] for pub in message["subscribe"].get("publications", [])]
    return offsets


async def test_typing_has_no_offset_and_moves_no_position(database, outbox):
    async with place(database, outbox) as here:
        client, _ = await here.connected()
        await client.ask(subscribe={"channel": "order:1"})
        await here.ephemeral("order:1", {"type": "chat.typing"})
        assert (await client.push())["pub"] == {"data": {"type": "chat.typing"}}
        await here.publish("order:1", 1)
        assert (await client.push())["pub"]["offset"] == 1


async def test_joins_and_leaves_reach_those_who_asked_and_presence_tells_who_is_there(database, outbox):
    async with place(database, outbox) as here:
        alice, me = await here.connected("alice")
        await alice.ask(subscribe={"channel": "order:1", "join_leave": True})
        assert (await alice.push())["join"]["info"]["client"] == me["client"]
        bob, him = await here.connected("bob")
        await bob.ask(subscribe={"channel": "order:1"})
        join = await alice.push()
        assert join["join"]["info"] == {"user": "bob", "client": him["client"], "conn_info": {"name": "bob"}}
        members = (await bob.ask(presence={"channel": "order:1"}))["presence"]["presence"]
        assert set(members) == {me["client"], him["client"]}
        stats = (await bob.ask(presence_stats={"channel": "order:1"}))["presence_stats"]
        assert stats == {"num_clients": 2, "num_users": 2}
        bob.connection.close()
        assert (await alice.push())["leave"]["info"]["client"] == him["client"]
        assert (await alice.ask(presence={"channel": "user:alice"}))["error"]["code"] == 108
        assert (await alice.ask(presence={"channel": "order:foreign"}))["error"]["code"] == 103


async def test_foreign_and_missing_channels_and_publishing_are_denied_alike(database, outbox):
    async with place(database, outbox) as here:
        client, _ = await here.connected()
        denied = {"code": 103, "message": "permission denied"}
        for channel in ("order:foreign", "no-channel-of-ours", "order:"):
            assert (await client.ask(subscribe={"channel": channel}))["error"] == denied
        assert (await client.ask(publish={"channel": "order:1", "data": {}}))["error"] == denied


async def test_events_of_a_log_that_is_ahead_of_the_bus_are_fetched(database, outbox):
    async with place(database, outbox, position_check_s=0.05) as here:
        client, _ = await here.connected()
        await client.ask(subscribe={"channel": "order:1"})
        here.bus.on_channel(lambda message: None)  # the bus is deaf from here on
        await here.publish("order:1", 1)
        await here.publish("order:1", 2)
        assert [(await client.push())["pub"]["offset"] for _ in range(2)] == [1, 2]


async def test_a_channel_is_let_go_after_its_last_subscriber(database, outbox):
    async with place(database, outbox, unfollow_after_s=0.0) as here:
        client, _ = await here.connected()
        await client.ask(subscribe={"channel": "order:1"})
        assert set(here.live.hub.channels) == {"user:alice", "order:1"}
        client.connection.close()
        await until(lambda: not here.live.hub.channels)
        reads = here.live.counts["log_reads"]
        await here.publish("order:1", 1)
        again, _ = await here.connected()
        assert (await again.ask(subscribe={"channel": "order:1"}))["subscribe"]["offset"] == 1
        assert here.live.counts["log_reads"] == reads + 2, "who follows anew reads where the channel stands"
