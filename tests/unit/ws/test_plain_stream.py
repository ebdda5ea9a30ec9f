"""Sockets without Tornado's stream, all in one epoll."""

import asyncio
import socket

import pytest

from server.ws.plain_stream import PlainStream
from server.ws.poller import EpollPoller, LoopPoller
from server.ws.stream import drained, send, unsent
from tests.unit.ws.place import place, until
from tests.unit.ws.raw_frames import TEXT, RawSocket, frame
from tests.unit.ws.test_stream import read_all


class Reader:
    """An owner that keeps what it read; `on_bytes` is called for each."""

    def __init__(self, stream, on_bytes=lambda: None):
        self.stream, self.on_bytes = stream, on_bytes
        self.heard, self.ends = b"", 0

    def readable(self):
        data = self.stream.receive()
        if data is not None:
            self.heard += data
            self.on_bytes()

    def ended(self):
        self.ends += 1


@pytest.fixture(params=[EpollPoller, LoopPoller])
def poller(io_loop, request):
    watching = request.param()

    async def begin():
        watching.start()

    async def end():
        watching.stop()
        watching.stop()

    io_loop.run_sync(begin)
    yield watching
    io_loop.run_sync(end)


def opened(poller, **given):
    """Our stream with its reader, and the peer's plain socket; small kernel buffers."""
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.setblocking(False)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8_192)
    reader = Reader(PlainStream(ours, poller=poller, **given))
    reader.stream.begin(reader)
    return reader, theirs


async def test_what_comes_is_heard_and_what_the_socket_does_not_take_follows_in_order(poller):
    reader, peer = opened(poller, unsent=b"first")
    peer.send(b"hello")
    await until(lambda: reader.heard == b"hello")
    assert await read_all(peer, 5) == b"first"
    much = b"a" * 300_000
    assert send(reader.stream, much) > 0
    assert send(reader.stream, b"b" * 100) == unsent(reader.stream) > 0
    assert await read_all(peer, 300_100) == much + b"b" * 100
    await drained(reader.stream)
    assert send(reader.stream, b"direct again") == 0
    assert await read_all(peer, 12) == b"direct again"
    reader.stream.close()
    peer.close()


async def test_who_waits_until_all_has_left_is_told_when_it_never_will(poller):
    reader, peer = opened(poller)
    send(reader.stream, b"a" * 300_000)
    waiting = asyncio.ensure_future(drained(reader.stream))
    await asyncio.sleep(0)
    reader.stream.close()
    await asyncio.wait_for(waiting, 5)
    assert unsent(reader.stream) == 0 and send(reader.stream, b"late") == 0
    peer.close()


async def test_an_end_is_told_once_and_in_a_later_turn(poller):
    reader, peer = opened(poller)
    reader.stream.close()
    reader.stream.close()
    assert reader.stream.closed() and not reader.ends
    await until(lambda: reader.ends == 1)
    assert peer.recv(1) == b"" and len(poller) == 0
    peer.close()
    other, peer = opened(poller)
    peer.close()
    await until(lambda: other.ends == 1)
    assert other.stream.closed()


async def test_bytes_wait_while_nobody_listens(poller):
    reader, peer = opened(poller)
    reader.stream.listen(again=False)
    peer.send(b"later")
    for _ in range(5):
        await asyncio.sleep(0)
    assert reader.heard == b""
    reader.stream.listen(again=True)
    await until(lambda: reader.heard == b"later")
    reader.stream.close()
    peer.close()


@pytest.mark.parametrize("poller", [EpollPoller], indirect=True)
async def test_who_is_cut_off_while_nobody_listens_is_noticed(poller):
    reader, peer = opened(poller)
    reader.stream.listen(again=False)
    peer.close()
    await until(lambda: reader.ends == 1)


async def test_finishing_lets_the_peer_read_to_the_end_and_hears_it_until_it_closes(poller):
    reader, peer = opened(poller)
    send(reader.stream, b"goodbye")
    reader.stream.finish()
    assert await read_all(peer, 7) == b"goodbye" and peer.recv(1) == b""
    peer.send(b"one moment")
    await until(lambda: reader.heard == b"one moment")
    peer.close()
    await until(lambda: reader.ends == 1)


async def test_many_are_woken_and_one_that_is_closed_by_another_is_not(poller):
    pairs = [opened(poller) for _ in range(150)]
    for number, (reader, peer) in enumerate(pairs):
        partner = pairs[number ^ 1][0]
        reader.on_bytes = partner.stream.close
        peer.send(b"me first")
    await until(lambda: sum(reader.ends for reader, _ in pairs) == 75)
    assert sum(reader.heard == b"me first" for reader, _ in pairs) == 75
    for reader, peer in pairs:
        reader.stream.close()
        peer.close()


async def test_nothing_is_watched_before_the_start(io_loop):
    ours, theirs = socket.socketpair()
    stream = PlainStream(ours, poller=EpollPoller())
    with pytest.raises(RuntimeError):
        stream.begin(Reader(stream))
    ours.close()
    theirs.close()


async def test_what_follows_a_slow_command_waits_for_it_in_order(database, outbox):
    async with place(database, outbox) as here:
        here.checking.clear()
        socket = await RawSocket.open(here)
        connect, subscribe, ping = (
            frame(TEXT, said)
            for said in (
                b'{"id":1,"connect":{"token":"alice"}}', b'{"id":2,"subscribe":{"channel":"order:1"}}',
                b'{"id":3,"ping":{}}',
            )
        )  # fmt: skip
        await socket.send(connect + subscribe[:9])
        await until(lambda: here.being_checked)
        await socket.send(subscribe[9:] + ping)
        here.checking.set()
        assert [(await socket.heard())["id"] for _ in range(3)] == [1, 2, 3]
        socket.drop()


async def test_who_leaves_while_its_token_is_checked_leaves_nothing(database, outbox):
    async with place(database, outbox) as here:
        here.checking.clear()
        socket = await RawSocket.open(here)
        await socket.say({"id": 1, "connect": {"token": "alice"}})
        await until(lambda: here.being_checked)
        socket.drop()
        here.checking.set()
        await until(lambda: not here.live.connections and not len(here.live.poller))
        assert not here.live.counts["bugs"]


async def test_a_message_may_come_byte_by_byte(database, outbox):
    async with place(database, outbox) as here:
        socket = await RawSocket.open(here)
        for byte in frame(TEXT, b'{"id":1,"connect":{"token":"alice"}}'):
            await socket.send(bytes((byte,)))
            await asyncio.sleep(0)
        assert "connect" in await socket.heard()
        socket.drop()


async def test_why_a_message_is_too_big_is_read_by_a_client_that_goes_on_sending(database, outbox):
    """1009 ends a client for good: a reset that overtook it would let it try for ever."""
    async with place(database, outbox) as here:
        socket = await RawSocket.open(here)
        await socket.send(frame(TEXT, b"x" * 400_000))
        assert await socket.ended() == (1009, "message too big")
        await socket.send(b"x" * 100_000)
        assert len(here.live.connections) == 1
        socket.drop()
        await until(lambda: not here.live.connections)
