"""permessage-deflate: agreed without context, made once for all, and only for what is long."""

import asyncio
import json
import os
import struct
import zlib

import pytest
from websockets.asyncio.client import connect

from server.ws.reframed import Reframed, agreed_compression, deflating
from server.ws.wire.answers import Publication
from server.ws.wire.frames import framed
from server.ws.wire.json_codec import JsonCodec
from tests.unit.ws.place import DEADLINE_S, place
from tests.unit.ws.test_handshake import handshake

AGREED = {"server_no_context_takeover": None, "client_no_context_takeover": None}
NARROW = AGREED | {"server_max_window_bits": "12"}
CHROME = "permessage-deflate; client_max_window_bits"


def masked(payload, *, first=0xC1):
    size = bytes((0x80 | len(payload),)) if len(payload) < 126 else struct.pack("!BH", 0x80 | 126, len(payload))
    return bytes((first,)) + size + bytes(4) + payload


def deflated(text):
    compressor = zlib.compressobj(wbits=-15)
    return (compressor.compress(text.encode()) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


async def frame(reader):
    """First byte and payload, inflated with a fresh context when RSV1 says so."""
    first, size = await asyncio.wait_for(reader.readexactly(2), DEADLINE_S)
    if size == 126:
        [size] = struct.unpack("!H", await reader.readexactly(2))
    payload = await reader.readexactly(size)
    if first & 0x40:
        payload = zlib.decompressobj(-12).decompress(payload + b"\x00\x00\xff\xff")
    return first, payload.decode()


@pytest.mark.parametrize(
    ("offers", "agreed"),
    [
        (CHROME, AGREED),
        ("permessage-deflate", AGREED),
        ("permessage-deflate; server_max_window_bits=12; client_max_window_bits=12", NARROW),
        ('permessage-deflate; server_max_window_bits="15"', NARROW),
        ("permessage-deflate; server_max_window_bits=9, permessage-deflate", AGREED),
        ("x-webkit-deflate-frame, permessage-deflate", AGREED),
        ("permessage-deflate; server_max_window_bits=11", None),
        ("permessage-deflate; server_max_window_bits", None),
        ("permessage-deflate; server_max_window_bits=²", None),
        ("permessage-deflate; server_max_window_bits=999999999999", None),
        ("permessage-deflate; surprise", None),
        ("permessage-deflate; server_no_context_takeover; server_no_context_takeover", None),
        ("", None),
        (";;,,==", None),
    ],
)  # fmt: skip
def test_only_what_we_can_keep_is_agreed_to(offers, agreed):
    assert agreed_compression(offers) == agreed


def test_short_messages_and_those_that_do_not_shrink_stay_as_they_are():
    deflate = deflating(from_bytes=64)
    short, random = framed(b"x" * 63, is_text=True), framed(os.urandom(4_000), is_text=False)
    assert deflate(short) is short and deflate(random) is random
    for size in (64, 126, 70_000, 2_000_000):
        for is_text in (True, False):
            plain = framed(b"x" * size, is_text=is_text)
            small = deflate(plain)
            assert len(small) < len(plain) and small[0] == plain[0] | 0x40


def test_a_publication_is_compressed_once_and_says_the_same():
    codec = JsonCodec(commands_per_frame=1)
    both = Reframed(codec, deflating(from_bytes=64))
    plain = codec.encode_publication("order:1", Publication(1, b'"%s"' % (b"a" * 500)))
    small = both.encode_publication("order:1", Publication(1, b'"%s"' % (b"a" * 500)))
    payload = zlib.decompressobj(-12).decompress(small[2:] + b"\x00\x00\xff\xff")
    assert payload == plain[4:]
    assert both.ping == codec.ping and both.pong == codec.pong


async def test_a_socket_that_agreed_gets_long_messages_compressed_and_short_ones_plain(database, outbox):
    async with place(database, outbox, compress_from_bytes=200) as here:
        code, head, reader, writer = await handshake(here, Sec_WebSocket_Extensions=CHROME)
        [agreed] = [line for line in head.split("\r\n") if "extensions" in line]
        assert code == 101 and set(agreed.partition(": ")[2].split("; ")) == {"permessage-deflate", *AGREED}
        writer.write(masked(deflated(json.dumps({"id": 1, "connect": {"token": "alice"}}))))
        first, reply = await frame(reader)
        assert first in (0x81, 0xC1) and "connect" in json.loads(reply)
        writer.write(masked(b'{"id":2,"subscribe":{"channel":"order:1"}}', first=0x81))
        first, reply = await frame(reader)
        assert first == 0x81 and "subscribe" in json.loads(reply), "plain messages are as good as compressed ones"
        for pad, expected in (("x" * 1_000, 0xC1), ("short", 0x81), ("x" * 1_000, 0xC1)):
            await here.ephemeral("order:1", {"pad": pad})
            first, push = await frame(reader)
            assert first == expected and json.loads(push)["push"]["pub"]["data"] == {"pad": pad}
        writer.close()
        await writer.wait_closed()


async def test_a_window_that_the_client_asks_for_is_kept(database, outbox):
    async with place(database, outbox, compress_from_bytes=200) as here:
        offer = "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12"
        code, head, _, writer = await handshake(here, Sec_WebSocket_Extensions=offer)
        assert code == 101 and "server_max_window_bits=12" in head
        writer.close()
        await writer.wait_closed()


async def test_a_common_client_library_with_and_without_compression_hears_the_same(database, outbox):
    async with place(database, outbox, compress_from_bytes=200) as here:
        text = "您好，" * 500
        async with connect(here.url, proxy=None) as small, connect(here.url, proxy=None, compression=None) as plain:
            for socket, token in ((small, "alice"), (plain, "bob")):
                for command in ({"connect": {"token": token}}, {"subscribe": {"channel": "order:1"}}):
                    await socket.send(json.dumps({"id": 1, **command, "ignored": "x" * 500}))
                    await socket.recv()
            assert "permessage-deflate" in small.response.headers["Sec-WebSocket-Extensions"]
            for offset in (1, 2):
                await here.publish("order:1", text)
                for socket in (small, plain):
                    pub = json.loads(await asyncio.wait_for(socket.recv(), DEADLINE_S))["push"]["pub"]
                    assert (pub["offset"], pub["data"]["data"]) == (offset, text)


async def test_it_is_off_unless_it_is_switched_on(database, outbox):
    async with place(database, outbox) as here:
        code, head, _, writer = await handshake(here, Sec_WebSocket_Extensions=CHROME)
        assert code == 101 and "sec-websocket-extensions" not in head
        writer.close()
        await writer.wait_closed()


async def test_an_offer_that_we_decline_leaves_an_uncompressed_socket(database, outbox):
    async with place(database, outbox, compress_from_bytes=200) as here:
        offer = "permessage-deflate; server_max_window_bits=8"
        code, head, _, writer = await handshake(here, Sec_WebSocket_Extensions=offer)
        assert code == 101 and "sec-websocket-extensions" not in head
        writer.close()
        await writer.wait_closed()


async def test_a_bomb_is_closed_with_1009_before_it_unfolds(database, outbox):
    async with place(database, outbox, compress_from_bytes=200) as here:
        _, _, reader, writer = await handshake(here, Sec_WebSocket_Extensions=CHROME)
        writer.write(masked(deflated(" " * 20_000_000)))
        first, size = await asyncio.wait_for(reader.readexactly(2), DEADLINE_S)
        [code] = struct.unpack("!H", (await reader.readexactly(size))[:2])
        assert (first, code) == (0x88, 1009)
        writer.close()
        await writer.wait_closed()


async def test_what_does_not_inflate_costs_the_connection_and_nothing_else(database, outbox):
    async with place(database, outbox, compress_from_bytes=200) as here:
        _, _, reader, writer = await handshake(here, Sec_WebSocket_Extensions=CHROME)
        writer.write(masked(b"\xff\xff\xff\xff\xff"))
        assert await asyncio.wait_for(reader.read(), DEADLINE_S) == b""
        writer.close()
        await writer.wait_closed()
        client, _ = await here.connected()
        assert "ping" in await client.ask(ping={})
        assert len(here.live.connections) == 1
