"""The official Python client, unmodified, against our server."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from centrifuge import (
    Client,
    ClientEventHandler,
    ClientState,
    ReplyError,
    SubscriptionEventHandler,
    SubscriptionState,
)

from server.core.errors import Refused, Unavailable
from server.ws.errands import Whom
from server.ws.wire.codes import Disconnects
from tests.unit.ws.place import place, until


class Heard(ClientEventHandler, SubscriptionEventHandler):
    """Everything a client or a subscription was told, by kind."""

    def __init__(self):
        self.events = []

    def of(self, kind):
        return [context for name, context in self.events if name == kind]

    def offsets(self):
        return [context.pub.offset for context in self.of("on_publication")]


def _note(name):
    async def note(self, context):
        self.events.append((name, context))

    return note


for _name in dir(Heard):
    if _name.startswith("on_"):
        setattr(Heard, _name, _note(_name))


@asynccontextmanager
async def official(here, *, token="alice", get_token=None):
    """A connected official client and what it heard."""
    heard = Heard()
    client = Client(here.url, events=heard, token=token, get_token=get_token, min_reconnect_delay=0.05)
    await client.connect()
    try:
        await client.ready(timeout=5)
        yield client, heard
    finally:
        await client.disconnect()


def drop_sockets(here):
    """Cut all connections without a close frame, as a lost network does."""
    for connection in tuple(here.live.connections):
        connection.abort()


async def test_it_connects_subscribes_and_hears_publications(database, outbox):
    async with place(database, outbox) as here, official(here) as (client, heard):
        news = Heard()
        subscription = client.new_subscription("order:1", events=news)
        await subscription.subscribe()
        await subscription.ready(timeout=5)
        await here.publish("order:1", {"text": "您好"})
        await here.publish("user:alice", {"text": "通知"})
        await until(lambda: news.offsets() == [1] and heard.offsets() == [1])
        assert news.of("on_publication")[0].pub.data["data"] == {"text": "您好"}


async def test_after_a_lost_connection_it_recovers_what_it_missed_on_both_kinds_of_channel(database, outbox):
    async with place(database, outbox) as here, official(here) as (client, heard):
        news = Heard()
        subscription = client.new_subscription("order:1", events=news)
        await subscription.subscribe()
        await subscription.ready(timeout=5)
        await here.publish("order:1", 1)
        await here.publish("user:alice", 1)
        await until(lambda: news.offsets() == [1] and heard.offsets() == [1])
        drop_sockets(here)
        for number in range(2, 6):
            await here.publish("order:1", number)
            await here.publish("user:alice", number)
        await until(lambda: news.offsets() == heard.offsets() == [1, 2, 3, 4, 5])
        again = news.of("on_subscribed")[-1]
        assert (again.was_recovering, again.recovered) == (True, True)
        await here.publish("order:1", 6)
        await until(lambda: news.offsets()[-1] == 6)


async def test_it_is_told_when_a_gap_cannot_be_recovered(database, outbox):
    async with place(database, outbox, recovery_entries=3) as here, official(here) as (client, _):
        news = Heard()
        subscription = client.new_subscription("order:1", events=news)
        await subscription.subscribe()
        await subscription.ready(timeout=5)
        await here.publish("order:1", 1)
        await until(lambda: news.offsets() == [1])
        await client.disconnect()
        for number in range(5):
            await here.publish("order:1", number)
        await client.connect()
        await until(lambda: len(news.of("on_subscribed")) == 2)
        again = news.of("on_subscribed")[-1]
        assert (again.was_recovering, again.recovered) == (True, False)
        assert news.offsets() == [1]


async def test_calls_history_and_presence_answer_as_the_client_expects(database, outbox):
    async with place(database, outbox) as here, official(here) as (client, _):

        async def echo(identity, data):
            return {"user": identity.user_id, "data": data}

        async def taken(_identity, _data):
            raise Refused("offer_taken")

        async def away(_identity, _data):
            raise Unavailable

        here.methods = {"echo": echo, "taken": taken, "away": away}
        assert (await client.rpc("echo", {"a": [1]})).data == {"user": "alice", "data": {"a": [1]}}
        for method, told in {
            "taken": (409, "offer_taken", False),
            "away": (503, "unavailable", True),
            "unknown": (104, "method not found", False),
        }.items():
            with pytest.raises(ReplyError) as refusal:
                await client.rpc(method, {})
            assert (refusal.value.code, refusal.value.message, refusal.value.temporary) == told
        subscription = client.new_subscription("order:1", join_leave=True)
        await subscription.subscribe()
        await subscription.ready(timeout=5)
        await here.publish("order:1", "a")
        assert [pub.data["data"] for pub in (await subscription.history(limit=10)).publications] == ["a"]
        assert [info.user for info in (await subscription.presence()).clients.values()] == ["alice"]
        assert (await subscription.presence_stats()).num_clients == 1
        with pytest.raises(ReplyError) as refusal:
            await subscription.publish({"text": "by a client"})
        assert refusal.value.code == 103


async def test_it_refreshes_its_token_on_the_open_connection(database, outbox):
    async with place(database, outbox, expiry_grace_s=5.0) as here:
        here.tokens["short"] = here.identity("alice", ttl_s=1.0)
        asked = []

        async def get_token():
            asked.append(1)
            return "short" if len(asked) == 1 else "alice"

        async with official(here, token="", get_token=get_token) as (_, heard):
            await until(lambda: here.live.counts["command_refresh"] == 1)
            [connection] = here.live.connections
            await until(lambda: connection.session.lifeline.ends_at > asyncio.get_running_loop().time() + 600)
            assert len(heard.of("on_connected")) == 1


async def test_an_expired_token_makes_it_fetch_another(database, outbox):
    async with place(database, outbox) as here:
        tokens = iter(["expired", "alice"])

        async def get_token():
            return next(tokens)

        async with official(here, token="", get_token=get_token) as (_, heard):
            assert len(heard.of("on_connected")) == 1


async def test_ended_access_ends_its_subscription_for_good(database, outbox):
    async with place(database, outbox) as here, official(here) as (client, _):
        news = Heard()
        subscription = client.new_subscription("order:1", events=news)
        await subscription.subscribe()
        await subscription.ready(timeout=5)
        await here.order("access_ended", user_id="alice", channel="order:1")
        await until(lambda: subscription.state is SubscriptionState.UNSUBSCRIBED)
        assert [(told.code, told.reason) for told in news.of("on_unsubscribed")] == [(2000, "access ended")]


async def test_a_revoked_login_is_not_tried_again(database, outbox):
    async with place(database, outbox) as here, official(here) as (client, heard):
        await here.order("revoke", user_id="alice", login_id=None, code=3503, reason="force disconnect")
        await until(lambda: client.state is ClientState.DISCONNECTED)
        assert [(told.code, told.reason) for told in heard.of("on_disconnected")] == [(3503, "force disconnect")]
        assert here.live.counts["opened"] == 1


async def test_a_deploy_makes_it_come_back(database, outbox):
    async with place(database, outbox) as here, official(here) as (client, heard):
        for connection in tuple(here.live.connections):
            connection.close(Disconnects.SHUTDOWN)
        await until(lambda: len(heard.of("on_connected")) == 2)
        assert client.state is ClientState.CONNECTED


async def test_an_invalid_token_is_final(database, outbox):
    async with place(database, outbox) as here:
        heard = Heard()
        client = Client(here.url, events=heard, token="nonsense")
        await client.connect()
        await until(lambda: client.state is ClientState.DISCONNECTED)
        assert [(told.code, told.reason) for told in heard.of("on_disconnected")] == [(3500, "invalid token")]


async def test_it_keeps_a_connection_over_pings(database, outbox):
    async with place(database, outbox, ping_interval_s=1, pong_timeout_s=0.4) as here, official(here) as (_, heard):
        [connection] = here.live.connections
        lifeline = connection.session.lifeline
        first = lifeline.ping_at
        await until(lambda: lifeline.ping_at > first + 1.5)
        assert len(heard.of("on_connected")) == 1


async def test_a_subscription_that_the_server_begins_is_told_followed_and_ended(database, outbox):
    async with place(database, outbox) as here, official(here) as (client, heard):
        await here.publish("order:1", "before")
        await here.live.errands.subscribe(Whom("alice"), "order:1")
        await until(lambda: [told.channel for told in heard.of("on_subscribed")] == ["user:alice", "order:1"])
        begun = heard.of("on_subscribed")[-1]
        assert (begun.recoverable, begun.positioned, begun.stream_position.offset) == (True, True, 1)
        await here.publish("order:1", "after")
        await until(lambda: heard.offsets() == [2])
        await here.live.errands.unsubscribe(Whom("alice"), "order:1")
        await until(lambda: [told.channel for told in heard.of("on_unsubscribed")] == ["order:1"])
        assert client.state is ClientState.CONNECTED


async def test_a_message_of_no_channel_passes_it_by_without_harm(database, outbox):
    """It has no event for them; the JavaScript client does."""
    async with place(database, outbox) as here, official(here) as (client, heard):
        await here.live.errands.message(Whom("alice"), {"text": "您好"})
        await here.publish("user:alice", "after")
        await until(lambda: heard.offsets() == [1])
        assert client.state is ClientState.CONNECTED and not heard.of("on_error")
