"""Before a socket is a connection, and broken frames."""

import asyncio
import gc
import socket
import time

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.httputil import HTTPServerRequest

from server.ws.handler import WebSocketHandler
from tests.unit.ws.place import place, until

UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
}


async def handshake(here, *, path="/connection/websocket", **headers):
    """Status line and headers of the answer to one handshake."""
    reader, writer = await asyncio.open_connection("127.0.0.1", here.port)
    names = {"Host": f"127.0.0.1:{here.port}", **UPGRADE, **{k.replace("_", "-"): v for k, v in headers.items()}}
    writer.write(f"GET {path} HTTP/1.1\r\n".encode())
    writer.write("".join(f"{name}: {value}\r\n" for name, value in names.items() if value).encode() + b"\r\n")
    head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)).decode()
    return int(head.split()[1]), head.lower(), reader, writer


async def status(here, **headers):
    code, _, _, writer = await handshake(here, **headers)
    writer.close()
    await writer.wait_closed()
    return code


async def test_other_origins_are_refused_and_ours_native_and_named_ones_let_in(database, outbox):
    async with place(database, outbox, allowed_origins=("https://admin.example",)) as here:
        assert await status(here) == 101
        assert await status(here, Origin=f"http://127.0.0.1:{here.port}") == 101
        assert await status(here, Origin="https://admin.example") == 101
        assert await status(here, Origin="https://admin.example", Sec_Fetch_Site="cross-site") == 101
        assert await status(here, Origin="https://evil.example") == 403
        assert await status(here, Origin="null") == 403
        assert await status(here, Sec_Fetch_Site="cross-site") == 403
        assert await status(here, Origin="https://evil.example", Sec_Fetch_Site="cross-site") == 403


async def test_handshakes_that_are_none_are_refused(database, outbox):
    async with place(database, outbox) as here:
        assert await status(here, Sec_WebSocket_Version="8") == 426
        assert await status(here, Sec_WebSocket_Version="99") == 426
        assert await status(here, Sec_WebSocket_Key="") == 400
        assert await status(here, Upgrade="") == 400
        assert await status(here, path="/connection/websocket?token=secret") == 400


async def test_only_a_subprotocol_that_is_spoken_is_agreed(database, outbox):
    async with place(database, outbox) as here:
        for offered, agreed in {
            "centrifuge-json": "centrifuge-json",
            "other, centrifuge-json": "centrifuge-json",
            "unheard-of": None,
        }.items():
            code, head, _, writer = await handshake(here, Sec_WebSocket_Protocol=offered)
            assert code == 101
            assert (f"sec-websocket-protocol: {agreed}" in head) == (agreed is not None)
            assert ("sec-websocket-protocol" in head) == (agreed is not None)
            writer.close()
            await writer.wait_closed()


async def test_a_herd_of_handshakes_is_told_when_to_come_back(database, outbox):
    async with place(database, outbox, handshakes_per_s=3.0, handshake_waits_s=0.0) as here:
        answers = [await handshake(here) for _ in range(6)]
        codes = [code for code, *_ in answers]
        assert codes[:3] == [101] * 3 and codes[-1] == 429
        assert "retry-after: 1" in answers[-1][1]
        for *_, writer in answers:
            writer.close()
            await writer.wait_closed()


async def test_a_herd_of_handshakes_waits_for_its_turn_and_is_let_in_in_order(database, outbox):
    async with place(database, outbox, handshakes_per_s=50.0) as here:
        began = time.monotonic()
        answers = await asyncio.gather(*(handshake(here) for _ in range(60)))
        assert [code for code, *_ in answers] == [101] * 60
        assert time.monotonic() - began > (60 - 32) / 50 * 0.9
        assert len(here.live.gate) == 0 and not here.live.counts["handshakes_refused"]
        for *_, writer in answers:
            writer.close()
            await writer.wait_closed()


async def test_who_leaves_while_it_waits_for_its_turn_is_not_let_in(database, outbox):
    async with place(database, outbox, handshakes_per_s=2.0) as here:
        while here.live.gate.enters_at_once():
            pass
        opened = here.live.counts["opened"]
        _, writer = await asyncio.open_connection("127.0.0.1", here.port)
        names = {"Host": f"127.0.0.1:{here.port}", **UPGRADE}
        head = "".join(f"{name}: {value}\r\n" for name, value in names.items())
        writer.write(f"GET /connection/websocket HTTP/1.1\r\n{head}\r\n".encode())
        await until(lambda: len(here.live.gate) == 1)
        writer.close()
        await writer.wait_closed()
        await until(lambda: here.live.counts["handshakes_given_up"] == 1)
        assert here.live.counts["opened"] == opened


async def test_sockets_that_do_not_say_who_they_are_are_bounded(database, outbox):
    async with place(database, outbox, waiting_connections=2) as here:
        named, _ = await here.connected()
        waiting = [await here.raw() for _ in range(2)]
        with pytest.raises(HTTPClientError) as refusal:
            await here.raw()
        assert refusal.value.code == 429
        await waiting[0].ask(connect={"token": "bob"})
        await here.raw()


async def test_an_ordinary_request_to_the_path_is_no_error_of_ours(database, outbox):
    async with place(database, outbox) as here:
        request = HTTPRequest(here.url.replace("ws://", "http://"))
        answer = await AsyncHTTPClient().fetch(request, raise_error=False)
        assert answer.code == 400


async def test_dead_peers_are_noticed_by_the_kernel(database, outbox):
    async with place(database, outbox) as here:
        await here.connected()
        [connection] = here.live.connections
        peer = connection._transport.stream.socket
        assert peer.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
        idle, interval, count = (
            peer.getsockopt(socket.IPPROTO_TCP, option)
            for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
        )
        assert idle + interval * count <= 25
        assert peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 20_000


async def test_a_frame_over_the_limit_is_closed_with_1009(database, outbox):
    async with place(database, outbox) as here:
        client, _ = await here.connected()
        await client.connection.write_message("x" * 65_537)
        assert (await client.code())[0] == 1009


@pytest.mark.parametrize(
    "frame",
    [b"\xc1\x80\0\0\0\0", b"\x83\x80\0\0\0\0", b"\x8b\x80\0\0\0\0", b"\x81\x82\0\0\0\0\xff\xfe", b"\x80\x80\0\0\0\0"],
    ids=["rsv1", "opcode 3", "opcode 11", "not utf-8", "continuation first"],
)
async def test_a_frame_that_breaks_rfc_6455_costs_the_connection_and_nothing_else(database, outbox, frame):
    async with place(database, outbox) as here:
        _, _, reader, writer = await handshake(here)
        writer.write(frame)
        await asyncio.wait_for(reader.read(), 5)
        writer.close()
        await writer.wait_closed()
        client, _ = await here.connected()
        assert "ping" in await client.ask(ping={})


async def test_a_reader_that_stands_still_is_cut_off_and_its_neighbours_are_not(database, outbox):
    async with place(database, outbox) as here:
        good, _ = await here.connected("bob")
        await good.ask(subscribe={"channel": "order:1"})
        _, _, _, writer = await handshake(here)
        writer.transport.pause_reading()
        still = b'{"id":1,"connect":{"token":"alice"}}\n{"id":2,"subscribe":{"channel":"order:1"}}'
        writer.write(bytes((0x81, 0x80 | len(still))) + bytes(4) + still)
        for number in range(1, 121):
            await here.ephemeral("order:1", {"n": number, "pad": "x" * 60_000})
            assert (await good.push())["pub"]["data"]["n"] == number
        assert here.live.counts["closed_3008"] == 1
        writer.transport.abort()


async def test_nothing_of_the_handshake_lives_as_long_as_the_socket(database, outbox):
    """Request, headers and handler would be nearly half of an idle connection."""
    async with place(database, outbox) as here:
        client, _ = await here.connected()
        gc.collect()
        kept = [one for one in gc.get_objects() if isinstance(one, WebSocketHandler | HTTPServerRequest)]
        assert kept == []
        assert "ping" in await client.ask(ping={})
