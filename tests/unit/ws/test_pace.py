"""Who talks without end, and who all come at once."""

import pytest

from server.ws.limits import Limits
from server.ws.pace import Paces
from tests.unit.ws.place import place
from tests.unit.ws.raw_frames import BINARY, PING, TEXT, RawSocket, frame
from tests.wires import WIRES, wire_name

FLOODED = (3013, "too many requests")


def pings(wire):
    return frame(PING, b"x")


def unasked_pongs(wire):
    pong = wire.codec.pong
    return frame(TEXT, pong.encode()) if wire.codec.is_text else frame(BINARY, pong)


def subscribes(wire):
    said = wire.say({"id": 7, "subscribe": {"channel": "order:1"}})
    return frame(TEXT, said.encode()) if wire.codec.is_text else frame(BINARY, said)


@pytest.mark.parametrize("wire", WIRES, ids=wire_name)
@pytest.mark.parametrize("flood", [pings, unasked_pongs, subscribes])
async def test_a_flood_of_anything_is_closed_and_the_neighbour_served(database, outbox, wire, flood):
    async with place(database, outbox, commands_per_s=20.0, commands_per_frame=40) as here:
        neighbour = await (await RawSocket.open(here)).connect("bob")
        socket = await (await RawSocket.open(here, wire)).connect()
        for _ in range(50):  # RFC 6455 lets a server answer the last of many pings only, and ours are many
            await socket.send(flood(wire) * 5)
        assert await socket.ended() == FLOODED
        assert await neighbour.answers() and not here.live.counts["bugs"]
        socket.drop()
        neighbour.drop()


@pytest.mark.parametrize("wire", WIRES, ids=wire_name)
async def test_the_largest_first_frame_and_what_follows_is_no_flood(database, outbox, wire):
    async with place(database, outbox) as here:
        socket = await RawSocket.open(here, wire)
        subscribes = [{"id": 10 + n, "subscribe": {"channel": f"order:{n}"}} for n in range(127)]
        calls = [{"id": 200 + n, "ping": {}} for n in range(64)]
        await socket.say({"id": 1, "connect": {"token": "alice"}}, *subscribes, *calls)
        assert [next(iter((await socket.heard()).keys() - {"id"})) for _ in range(192)] == [
            "connect", *["subscribe"] * 127, *["ping"] * 64,
        ]  # fmt: skip
        for number in range(180):
            await socket.say({"id": 1_000 + number, "ping": {}})
            assert "ping" in await socket.heard()
        socket.drop()


async def test_nothing_is_kept_of_who_is_silent(io_loop, monkeypatch):
    paces, now = Paces(Limits(commands_per_s=2.0, commands_per_frame=2)), 100.0
    monkeypatch.setattr(io_loop.asyncio_loop, "time", lambda: now)
    assert [paces.is_too_fast("a") for _ in range(5)] == [False] * 4 + [True]
    assert not paces.is_too_fast("b")
    now += 1.0
    assert [paces.is_too_fast("a") for _ in range(3)] == [False, False, True]
    for _ in range(2):
        now += 2.5
        paces.is_too_fast("c")
    assert {*paces._lately, *paces._before} == {"c"}


async def test_those_who_waited_to_connect_all_at_once_are_told_to_come_later(database, outbox):
    async with place(database, outbox, handshakes_per_s=5.0, authenticate_within_s=60.0) as here:
        here.live._handshakes = None  # as if the sockets had been opened one by one
        waiting = [await here.raw() for _ in range(30)]
        for client in waiting:
            await client.say({"id": 1, "connect": {"token": "alice"}})
        answers = [await client.next() for client in waiting]
        refused = [answer["error"] for answer in answers if "error" in answer]
        told = {"code": 111, "message": "too many requests", "temporary": True}
        assert refused and all(one == told for one in refused)
        assert sum("connect" in answer for answer in answers) >= 5
