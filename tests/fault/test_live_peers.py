"""Peers that read too slowly, vanish or hold somebody up."""

import asyncio
import gc
import json
import statistics
import time
import tracemalloc
from contextlib import ExitStack

import pytest

from server.storage.pubsub.port import ChannelMessage
from server.ws.connection import Connection
from server.ws.stream import unsent
from tests.fault.proxy import Proxy
from tests.unit.ws.fallback.streams import HttpClient, connect_command
from tests.unit.ws.place import place, until
from tests.unit.ws.test_handshake import handshake

STALLED = 10
PAD = "x" * 30_000


class Turns:
    """Counts the turns of the running loop: what others cost a message, whatever else the machine does."""

    def __init__(self):
        self.count = 0
        loop = asyncio.get_running_loop()
        once = loop._run_once

        def counted():
            self.count += 1
            once()

        loop._run_once = counted


@pytest.fixture
def traced():
    """Python's own memory, in bytes; what the system keeps for later is none of anybody's business."""
    gc.collect()
    gc.freeze()  # or each look goes through everything that was there before
    tracemalloc.start()
    yield lambda: gc.collect() * 0 + tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()


async def stand_still(here, channel):
    """A socket that follows the channel and never reads; its writer."""
    _, _, _, writer = await handshake(here)
    writer.transport.pause_reading()
    said = json.dumps({"id": 1, "connect": {"token": "alice"}}) + "\n"
    said += json.dumps({"id": 2, "subscribe": {"channel": channel}})
    writer.write(bytes((0x81, 0x80 | len(said))) + bytes(4) + said.encode())
    return writer


async def turns_each(here, client, count, turns):
    """The turns that each of so many messages takes to its reader, one after the other."""
    taken = []
    for number in range(count):
        begun = turns.count
        await here.ephemeral("order:1", {"n": number, "pad": PAD})
        assert (await client.push())["pub"]["data"]["n"] == number
        taken.append(turns.count - begun)
    return taken


def p99(some):
    return statistics.quantiles(some, n=100)[98]


async def test_slow_readers_are_closed_in_time_others_do_not_notice_and_memory_comes_back(database, outbox, traced):
    async with place(database, outbox, connections_per_user=100, ping_interval_s=600) as here:
        good, _ = await here.connected("bob")
        await good.ask(subscribe={"channel": "order:1"})
        turns, bound = Turns(), here.live.limits.queue_bytes
        alone = await turns_each(here, good, 200, turns)
        before = traced()
        with ExitStack() as still:
            for _ in range(STALLED):
                writer = await stand_still(here, "order:1")
                still.callback(lambda stalled=writer: stalled.transport.abort())
            await until(lambda: len(here.live.hub.channels["order:1"].entered_seats()) == STALLED + 1)
            together, full_at, most = [], None, 0
            while here.live.counts["closed_3008"] < STALLED:
                together += await turns_each(here, good, 1, turns)
                waiting = max((unsent(each.outbound._stream) for each in here.live.connections), default=0)
                most = max(most, traced() - before) if waiting > bound / 2 else most
                if full_at is None and waiting >= bound:
                    full_at = time.monotonic()
                assert waiting < bound + 2 * len(PAD)
                assert full_at is None or time.monotonic() - full_at < 2.0, "still open two seconds after 1 MiB unsent"
            assert STALLED * bound / 4 < most < STALLED * 2 * bound, f"{most / STALLED:.0f} bytes a stalled reader"
            assert len(together) >= 20 and p99(together) <= 1.2 * p99(alone) + 2, f"{p99(alone)} and {p99(together)} turns"
            await until(lambda: len(here.live.connections) == 1)
            await until(lambda: traced() and sum(type(each) is Connection for each in gc.get_objects()) == 1)
            kept = traced() - before
            assert kept < bound / 2, f"{kept} of {most} bytes are still held"


async def test_a_half_open_socket_is_noticed_by_ping_and_its_owner_is_offline(database, outbox):
    async with place(database, outbox, ping_interval_s=2, pong_timeout_s=0.5) as here, Proxy(here.port) as hole:
        here.url = here.url.replace(str(here.port), str(hole.port))
        phone, _ = await here.connected("bob")
        await phone.ask(subscribe={"channel": "order:1"})
        hole.swallow()
        gone_by = time.monotonic() + 2 + 0.5 + 0.25 + 1.0  # interval, timeout, one tick of the wheel, a busy machine
        await until(lambda: here.live.counts["closed_3012"] == 1)
        assert time.monotonic() < gone_by
        await until(lambda: not here.live._roll._pending and not here.live._roll._own)
        assert not here.live._roll._lingering, "who was silent for so long is not coming back in a moment"


async def test_a_half_open_stream_is_noticed_likewise(database, outbox):
    async with place(database, outbox, ping_interval_s=2, pong_timeout_s=0.5) as here, Proxy(here.port) as hole:
        client = await HttpClient.open(hole.port, connect_command())
        await client.connected()
        hole.swallow()
        gone_by = time.monotonic() + 2 + 0.5 + 0.25 + 1.0
        await until(lambda: not here.live.connections)
        assert time.monotonic() < gone_by and here.live.counts["closed_3012"] == 1
        client.writer.transport.abort()
        HttpClient.opened.clear()


async def answer_pings(client):
    """How many there were before the next reply, and that reply."""
    pings = 0
    while (told := await client.next()) == {}:
        pings += 1
        await client.say({})
    return pings, told


async def test_a_call_that_hangs_delays_no_pong_and_nobody(database, outbox):
    async with place(database, outbox, ping_interval_s=1, pong_timeout_s=0.5, call_within_s=4.0) as here:
        async def hang(_identity, _data):
            await asyncio.Event().wait()

        async def echo(_identity, data):
            return data

        here.methods = {"hang": hang, "echo": echo}
        held_up, _ = await here.connected("alice")
        other, _ = await here.connected("bob")
        await held_up.say({"id": 100, "rpc": {"method": "hang", "data": {}}})
        await held_up.say({"id": 101, "subscribe": {"channel": "order:1"}})
        assert (await held_up.next())["id"] == 101, "what needs no call does not wait for one"
        assert (await other.ask(rpc={"method": "echo", "data": 1}))["rpc"] == {"data": 1}
        others = asyncio.ensure_future(answer_pings(other))
        pings, reply = await answer_pings(held_up)  # up to the call's own deadline
        assert reply["id"] == 100 and reply["error"] == {"code": 503, "message": "unavailable", "temporary": True}
        assert pings >= 3 and not here.live.counts["closed_3012"]
        await other.say({"id": 7, "ping": {}})
        assert (await others)[0] >= 3


async def test_somebody_whose_token_is_checked_for_ever_holds_up_nobody_else(database, outbox):
    async with place(database, outbox, answer_within_s=0.5) as here:
        here.checking.clear()
        waiting = await here.raw()
        await waiting.say({"id": 1, "connect": {"token": "alice"}})
        await until(lambda: here.being_checked)
        here.checking.set()
        bob, _ = await here.connected("bob")
        here.checking.clear()
        second = await here.raw()
        await second.say({"id": 1, "connect": {"token": "alice"}})
        assert "ping" in await bob.ask(ping={})
        assert (await second.next())["error"] == {"code": 100, "message": "internal server error", "temporary": True}
        here.checking.set()


@pytest.mark.expects_warnings
async def test_a_failure_in_one_connection_touches_no_other(database, outbox):
    async with place(database, outbox) as here:
        async def bug(_identity, data):
            return {"cannot be said": object()} if data == "object" else 1 // 0

        here.methods = {"bug": bug}
        alice, _ = await here.connected("alice")
        bob, _ = await here.connected("bob")
        await bob.ask(subscribe={"channel": "order:1"})
        for data in ("object", "zero"):
            assert (await alice.ask(rpc={"method": "bug", "data": data}))["error"]["code"] == 100
        asked = here.may_follow

        async def broken(identity, channel):
            if identity.user_id == "alice":
                raise RuntimeError("a bug")
            return await asked(identity, channel)

        here.live._room.entrance._may_follow = broken
        await alice.say({"id": 50, "subscribe": {"channel": "order:1"}})
        assert await alice.code() == (3004, "internal server error")
        assert "subscribe" in await bob.ask(subscribe={"channel": "order:2"})
        await here.publish("order:1", "still there")
        assert (await bob.push())["pub"]["data"]["data"] == "still there"
        assert here.live.counts["bugs"] == 3


async def test_poison_on_the_bus_is_dropped_and_the_next_message_delivered(database, outbox):
    async with place(database, outbox) as here:
        alice, _ = await here.connected("alice")
        await alice.ask(subscribe={"channel": "order:1"})
        for data in (b'{"x":\n1}', b"x" * 2_000_000):
            await here.bus.publish(ChannelMessage("order:1", "", None, data))
        await here.bus.publish(ChannelMessage("order:1", "nobody's", 10**9, b"{}"))
        await here.bus.publish(ChannelMessage("order:1", "nobody's", -1, b"{}"))
        for kind in ("unheard-of", "revoke", "access_ended", "membership", "emulation", "emulation_answer"):
            for body in ({}, {"user_id": 1, "login_id": [], "channel": {}}, {"code": "x", "reason": 5, "node": None}):
                await here.order(kind, **body)
        await here.publish("order:1", "sound")
        assert (await alice.push())["pub"]["data"]["data"] == "sound"
        assert here.live.counts["poison_messages"] >= 2 and not here.bus.counts["receiver_failed"]
        assert len(here.live.connections) == 1


async def test_a_refresh_on_the_same_socket_goes_on_where_it_was_and_without_one_it_ends(database, outbox):
    async with place(database, outbox, expiry_grace_s=0.5) as here:
        here.tokens["short"] = here.identity("alice", ttl_s=0.5)
        renews, _ = await here.connected("short")
        sleeps, _ = await here.connected("short")
        for client in (renews, sleeps):
            await client.ask(subscribe={"channel": "order:1"})
        await here.publish("order:1", 1)
        for client in (renews, sleeps):
            assert (await client.push())["pub"]["offset"] == 1
        here.tokens["new"] = here.identity("alice")
        assert (await renews.ask(refresh={"token": "new"}))["refresh"]["expires"]
        ended_by = time.monotonic() + 0.5 + 0.5 + 0.25 + 1.0
        assert await sleeps.code() == (3005, "connection expired")
        assert time.monotonic() < ended_by
        await here.publish("order:1", 2)
        assert (await renews.push())["pub"]["offset"] == 2


async def test_clients_of_both_kinds_are_released_by_a_drain(database, outbox):
    async with place(database, outbox) as here:
        plain, _ = await here.connected("bob")
        stream = await HttpClient.open(here.port, connect_command())
        await stream.connected()
        still = await stand_still(here, "order:1")
        begun = time.monotonic()
        await here.live.drain(within_s=2.0)
        assert time.monotonic() - begun < 3.0 and not here.live.connections
        assert await plain.code() == (3001, "shutdown") and await stream.ending() == (3001, "shutdown")
        for writer in (still, stream.writer):
            writer.transport.abort()
        HttpClient.opened.clear()
