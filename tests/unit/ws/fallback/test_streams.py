"""Connections over HTTP: what a socket can, they can."""

import asyncio
import json
import socket

import pytest

from server.core.tasks import Tasks
from server.ws.fallback.inbox import Inbox
from tests.unit.ws.fallback.streams import HttpClient, connect_command, listening, post
from tests.unit.ws.place import place, until

BOTH = pytest.mark.parametrize("is_sse", [False, True], ids=["http_stream", "sse"])


@BOTH
async def test_connect_follow_hear_call_and_recover(database, outbox, is_sse):
    async with place(database, outbox) as here:

        async def echo(_identity, data):
            return data

        here.methods = {"echo": echo}
        client = await listening(here, is_sse=is_sse)
        assert client.connect["ping"] == 25 and client.connect["pong"] and "user:alice" in client.connect["subs"]
        assert client.connect["session"] and client.connect["node"] == here.live.switchboard.node
        assert client.connect["session"] != client.connect["client"], "others see the client id"
        assert (await client.ask(here.port, subscribe={"channel": "order:1"}))["subscribe"]["recoverable"]
        await here.publish("order:1", "您好\r\n")
        pub = (await client.next())["push"]["pub"]
        assert (pub["offset"], pub["data"]["data"]) == (1, "您好\r\n")
        assert (await client.ask(here.port, rpc={"method": "echo", "data": [1]}))["rpc"] == {"data": [1]}
        client.hang_up()
        await until(lambda: not here.live.connections)
        await here.publish("user:alice", "missed")
        again = await listening(here, is_sse=is_sse, subs={"user:alice": {"recover": True}})
        [missed] = again.connect["subs"]["user:alice"]["publications"]
        assert missed["data"]["data"] == "missed"
        again.hang_up()


@BOTH
async def test_the_answer_is_passed_on_at_once_and_kept_by_nobody(database, outbox, is_sse):
    async with place(database, outbox) as here:
        client = await listening(here, is_sse=is_sse)
        assert client.headers["x-accel-buffering"] == "no"
        assert {"no-store", "no-cache", "no-transform"} <= set(client.headers["cache-control"].split(", "))
        kind = "text/event-stream" if is_sse else "application/x-ndjson"
        assert client.headers["content-type"].startswith(kind)
        assert "transfer-encoding" not in client.headers and "server" not in client.headers
        [connection] = here.live.connections
        peer = connection._transport.stream.socket
        assert peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
        assert peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 20_000
        client.hang_up()


@BOTH
async def test_how_it_ends_is_told_as_a_push(database, outbox, is_sse):
    async with place(database, outbox) as here:
        client = await listening(here, is_sse=is_sse)
        await here.order("revoke", user_id="alice", login_id=None, code=3503, reason="logged out")
        assert await client.ending() == (3503, "logged out")
        assert not here.live.connections and not here.live.switchboard._inboxes
        client = await listening(here, is_sse=is_sse)
        draining = asyncio.ensure_future(here.live.drain(within_s=3.0))
        assert await client.ending() == (3001, "shutdown")
        await draining
        refused = await HttpClient.open(here.port, connect_command(), is_sse=is_sse)
        assert (refused.status, refused.headers["retry-after"]) == (429, "1")


async def test_bad_tokens_and_nonsense_are_answered_on_the_stream(database, outbox):
    async with place(database, outbox, authenticate_within_s=0.3) as here:
        assert await (await HttpClient.open(here.port, connect_command("nonsense"))).ending() == (
            3500, "invalid token",
        )
        assert await (await HttpClient.open(here.port, '{"id":1,"ping":{}}')).ending() == (3501, "bad request")
        assert await (await HttpClient.open(here.port, "{")).ending() == (3501, "bad request")
        client = await HttpClient.open(here.port, connect_command("expired"))
        assert (await client.next())["error"]["code"] == 109
        assert await client.ending() == (3000, "connection closed")


async def test_pings_are_answered_through_emulation_and_a_silent_client_is_closed(database, outbox):
    async with place(database, outbox, ping_interval_s=1, pong_timeout_s=0.5) as here:
        client = await listening(here)
        assert await client.next() == {}
        assert await client.post(here.port, "{}") == 204
        assert await client.next() == {}
        assert await client.ending() == (3012, "no pong")


async def test_a_refresh_prolongs_and_expiry_ends_with_3005(database, outbox):
    async with place(database, outbox, expiry_grace_s=0.2) as here:
        here.tokens["short"] = here.identity("alice", ttl_s=0.3)
        client = await listening(here, "short")
        assert (await client.ask(here.port, refresh={"token": "alice"}))["refresh"]["ttl"] > 800
        client.hang_up()
        assert await (await listening(here, "short")).ending() == (3005, "connection expired")


async def test_a_slow_reader_is_closed_and_its_neighbours_are_not(database, outbox):
    async with place(database, outbox) as here:
        good = await listening(here, "bob")
        await good.ask(here.port, subscribe={"channel": "order:1"})
        still = await listening(here)
        await still.ask(here.port, subscribe={"channel": "order:1"})
        still.writer.transport.pause_reading()
        for number in range(1, 121):
            await here.ephemeral("order:1", {"n": number, "pad": "x" * 60_000})
            assert (await good.next())["push"]["pub"]["data"]["n"] == number
        assert here.live.counts["closed_3008"] == 1
        await until(lambda: len(here.live.connections) == 1)
        still.writer.transport.abort()
        good.hang_up()


async def test_bytes_on_the_listening_socket_end_it(database, outbox):
    async with place(database, outbox) as here:
        client = await listening(here)
        client.writer.write(b"GET / HTTP/1.1\r\n\r\n")
        await until(lambda: not here.live.connections)
        client.hang_up()


async def test_requests_that_are_none_are_refused_in_the_envelope(database, outbox):
    async with place(database, outbox) as here:
        async def refused(message, **options):
            client = await HttpClient.open(here.port, message, **options)
            body = json.loads(await client.reader.readexactly(int(client.headers["content-length"])))
            client.hang_up()
            assert set(body) == {"code", "message", "data", "request_id"} and body["message"]
            return client.status, body["code"]

        text = ["Content-Type: text/plain"]
        assert await refused(connect_command(), headers=text) == (415, "unsupported_type")
        assert await refused("x" * 65_537) == (413, "too_large")
        for path in ("/connection/sse", "/connection/sse?cf_connect=a&cf_connect=b", "/connection/sse?cf_connect=%FF"):
            assert await refused("", is_sse=True, path=path) == (400, "malformed")
        answer = await post(here.port, None, path="/connection/http_stream", method="GET")
        assert (answer.code, json.loads(answer.body)["code"]) == (405, "method_not_allowed")
        assert not here.live.connections


async def test_a_herd_is_told_when_to_come_back(database, outbox):
    async with place(database, outbox, handshakes_per_s=2.0) as here:
        clients = [await HttpClient.open(here.port, connect_command()) for _ in range(4)]
        assert [client.status for client in clients[:2]] == [200, 200]
        assert (clients[-1].status, clients[-1].headers["retry-after"]) == (429, "1")
        for client in clients:
            client.hang_up()


async def test_origins_are_those_of_sockets(database, outbox):
    async with place(database, outbox, allowed_origins=("https://admin.example",)) as here:
        async def answer(*headers):
            client = await HttpClient.open(here.port, connect_command(), headers=headers)
            client.hang_up()
            return client

        assert (await answer(f"Origin: http://127.0.0.1:{here.port}")).status == 200
        named = await answer("Origin: https://admin.example", "Sec-Fetch-Site: cross-site")
        assert (named.status, named.headers["access-control-allow-origin"]) == (200, "https://admin.example")
        evil = await answer("Origin: https://evil.example")
        assert evil.status == 403 and "access-control-allow-origin" not in evil.headers
        assert (await answer("Sec-Fetch-Site: cross-site")).status == 403
        asked = {"Origin": "https://admin.example", "Access-Control-Request-Headers": "content-type"}
        preflight = await post(here.port, None, headers=asked, method="OPTIONS")
        assert preflight.code == 204 and preflight.headers["Access-Control-Allow-Headers"] == "Content-Type"
        assert (await post(here.port, None, headers={"Origin": "https://evil.example"}, method="OPTIONS")).code == 403
        assert (await post(here.port, "{}", headers={"Origin": "https://evil.example"})).code == 403


async def test_messages_of_one_connection_are_worked_off_in_order_and_bounded(io_loop):
    gate, got = asyncio.Event(), []

    class Slow:
        def receive(self, message):
            got.append(message)
            return gate.wait() if message == "slow" else None

    tasks = Tasks("test")
    inbox = Inbox(Slow(), tasks=tasks, most_bytes=10)
    assert inbox.put("a") and inbox.put("slow")
    assert inbox.put("12345") and inbox.put("67890")
    assert not inbox.put("x"), "ten bytes wait already"
    assert got == ["a", "slow"]
    gate.set()
    await until(lambda: len(got) == 4)
    assert got == ["a", "slow", "12345", "67890"]
    assert inbox.put("now")
    assert got[-1] == "now"
