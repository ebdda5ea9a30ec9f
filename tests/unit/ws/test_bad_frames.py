"""Frames that no WebSocket library sends (B13 to B39 of reliability.md §4B), in each encoding.

Whatever one socket does: nothing of it is left afterwards, its neighbour is served, and nobody calls it a bug.
"""

from contextlib import asynccontextmanager

import pytest

from tests.unit.ws.place import place, until
from tests.unit.ws.raw_frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, RawSocket, frame
from tests.wires import WIRES, wire_name

EACH_ENCODING = pytest.mark.parametrize("wire", WIRES, ids=wire_name)
DROPPED = None  # without a close frame: clients see 1006 and come back


@asynccontextmanager
async def meeting(database, outbox, wire, **limits):
    """A socket that may misbehave, and its neighbour's, and what holds whatever it did."""
    async with place(database, outbox, **limits) as here:
        neighbour = await (await RawSocket.open(here)).connect("bob")
        socket = await (await RawSocket.open(here, wire)).connect()
        yield here, socket
        assert await neighbour.answers(), "the neighbour is not served"
        socket.drop()
        await until(lambda: len(here.live.connections) == 1)
        assert not here.live.counts["bugs"] and not here.tasks.died
        neighbour.drop()


def kind(wire):
    return TEXT if wire.codec.is_text else BINARY


def said(wire, *commands):
    message = wire.say(*commands)
    return message.encode() if isinstance(message, str) else message


BROKEN = {
    "B16 a reserved bit": (frame(TEXT, b"{}", reserved=4), DROPPED),
    "B17 opcode 3": (frame(3, b"{}"), DROPPED),
    "B18 opcode 11": (frame(11), DROPPED),
    "B19 text that is not UTF-8": (frame(TEXT, b"\xff\xfe"), DROPPED),
    "B20 text with half a surrogate pair": (frame(TEXT, b'"\xed\xa0\x80"'), DROPPED),
    "B21 one byte too many": (frame(TEXT, b"x" * 65_537), (1009, "message too big")),
    "B22 a length of 2^63": (frame(TEXT, b"", length=b"\x7f\x80" + b"\0" * 7), (1009, "message too big")),
    "B24 two parts over the limit": (
        frame(TEXT, b"x" * 40_000, is_last=False) + frame(CONTINUATION, b"x" * 40_000), (1009, "message too big"),
    ),
    "B25 a part of nothing": (frame(CONTINUATION, b"{}"), DROPPED),
    "B26 a message within another": (frame(TEXT, b"{", is_last=False) + frame(TEXT, b"{}"), DROPPED),
    "B28 a ping of 126 bytes": (frame(PING, b"x" * 126), DROPPED),
    "B29 a ping in parts": (frame(PING, b"x", is_last=False), DROPPED),
    "B31 a close of one byte": (frame(CLOSE, b"x"), ()),
    "B32 a close of 1005": (frame(CLOSE, b"\x03\xed"), (1005, "")),
    "B32 a close of 999": (frame(CLOSE, b"\x03\xe7"), (999, "")),
    "B33 a reason that is not UTF-8": (frame(CLOSE, b"\x03\xe8\xff\xfe"), DROPPED),
    "B34 words after the close": (frame(CLOSE, b"\x03\xe8") + frame(TEXT, b'{"id":9,"ping":{}}') * 50, (1000, "")),
    "B38 no text": (frame(TEXT), (3501, "bad request")),
    "B39 no bytes": (frame(BINARY), (3501, "bad request")),
}  # fmt: skip


@EACH_ENCODING
@pytest.mark.parametrize("name", BROKEN)
async def test_a_broken_frame_costs_its_own_connection_and_nothing_else(database, outbox, wire, name):
    sent, ending = BROKEN[name]
    async with meeting(database, outbox, wire) as (_, socket):
        await socket.send(sent)
        assert await socket.ended() == ending


@EACH_ENCODING
async def test_b14_a_second_connect_never_switches_the_user(database, outbox, wire):
    async with meeting(database, outbox, wire) as (_, socket):
        await socket.say({"id": 2, "connect": {"token": "bob"}})
        assert await socket.ended() == (3501, "bad request")


@EACH_ENCODING
async def test_b15_and_b23_frames_without_a_mask_or_with_a_long_length_are_understood(database, outbox, wire):
    """RFC 6455 asks servers to refuse both; Tornado takes them, and nobody gains anything by it."""
    ping = said(wire, {"id": 7, "ping": {}})
    size = len(ping).to_bytes(2)
    async with meeting(database, outbox, wire) as (_, socket):
        await socket.send(frame(kind(wire), ping, is_masked=False), frame(kind(wire), ping, length=b"\x7e" + size))
        assert [await socket.heard() for _ in range(2)] == [{"id": 7, "ping": {}}] * 2


@EACH_ENCODING
async def test_b27_a_ping_between_parts_is_answered_and_the_message_understood(database, outbox, wire):
    whole = said(wire, {"id": 7, "ping": {}})
    async with meeting(database, outbox, wire) as (_, socket):
        await socket.send(
            frame(kind(wire), whole[:3], is_last=False), frame(PING, b"x"), frame(CONTINUATION, whole[3:]),
        )  # fmt: skip
        assert await socket.heard() == PONG and await socket.heard() == {"id": 7, "ping": {}}


@EACH_ENCODING
async def test_b30_a_message_of_endless_parts_ends_with_the_pong_that_it_keeps_from_coming(database, outbox, wire):
    async with place(database, outbox, ping_interval_s=1, pong_timeout_s=0.5) as here:
        socket = await (await RawSocket.open(here, wire)).connect()
        await socket.send(frame(kind(wire), is_last=False), *[frame(CONTINUATION, is_last=False)] * 1_000)
        assert await socket.ended() == (3012, "no pong")
        socket.drop()


@EACH_ENCODING
async def test_b30_before_the_connect_it_ends_as_stale(database, outbox, wire):
    async with place(database, outbox, authenticate_within_s=0.3) as here:
        socket = await RawSocket.open(here, wire)
        await socket.send(frame(TEXT, is_last=False), *[frame(CONTINUATION, is_last=False)] * 1_000)
        assert await socket.ended() == (3502, "stale")
        socket.drop()


@EACH_ENCODING
@pytest.mark.parametrize("cut", [1, 2, 3, 7])
async def test_a_frame_that_stops_in_the_middle_holds_nothing_up(database, outbox, wire, cut):
    async with meeting(database, outbox, wire) as (here, socket):
        await socket.send(frame(kind(wire), said(wire, {"id": 7, "ping": {}}))[:cut])
        socket.drop()
        await until(lambda: len(here.live.connections) == 1)
