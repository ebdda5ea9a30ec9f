"""The direct way to the socket, and what it relies on."""

import asyncio
import socket
from types import SimpleNamespace

import pytest
from tornado.iostream import IOStream
from tornado.websocket import WebSocketProtocol13

from server.ws.outbound import Outbound, Turn
from server.ws.stream import drained, send, take_over, unmasked, unsent


@pytest.fixture
def pair(io_loop):
    """Our stream and the peer's plain socket, with small kernel buffers."""
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8_192)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8_192)
    theirs.setblocking(False)
    stream = IOStream(ours)
    yield stream, theirs
    stream.close()
    theirs.close()


async def read_all(peer, size):
    received = b""
    while len(received) < size:
        received += await asyncio.wait_for(asyncio.get_running_loop().sock_recv(peer, 65_536), 5)
    return received


def test_tornado_still_has_what_the_direct_way_uses(pair):
    """When this fails, read server/ws/stream.py before changing either."""
    stream, _ = pair
    assert type(stream._write_buffer).__name__ == "_StreamBuffer"
    assert len(stream._write_buffer) == 0 and not stream._write_buffer
    assert type(stream.socket) is socket.socket


async def test_a_socket_is_taken_over_with_what_was_read_and_not_yet_sent(pair):
    """As above: Tornado is left with a closed stream, and its reading ends before it begins."""
    stream, peer = pair
    peer.send(b"first" + b"second")
    assert await stream.read_bytes(5) == b"first"
    stream.write(b"x" * 300_000)
    protocol = WebSocketProtocol13(None, False, SimpleNamespace(compression_options=None))
    protocol.stream = stream
    taken, unread, waiting = take_over(protocol)
    assert unread == b"second" and stream.closed() and protocol.client_terminated
    sent = 0
    with pytest.raises(BlockingIOError):
        while True:
            sent += len(peer.recv(65_536))
    assert sent + len(waiting) == 300_000
    assert taken.send(b"ours") == 4 and peer.recv(10) == b"ours"
    assert take_over(protocol) is None
    taken.close()


async def test_tornado_still_tells_its_handler_when_it_does_not_read_at_all():
    heard = []

    class Handler:
        def on_ws_connection_close(self, *told):
            heard.append(told)

    protocol = WebSocketProtocol13(Handler(), False, SimpleNamespace(compression_options=None))
    assert protocol.client_terminated is False
    protocol.client_terminated = True
    await protocol._receive_frame_loop()
    assert heard == [(None, None)], "it ended at once, without having read"


def test_tornado_still_unmasks():
    assert unmasked(b"\1\2\3\4", b"hello") == bytes(byte ^ b"\1\2\3\4"[at % 4] for at, byte in enumerate(b"hello"))


async def test_an_idle_socket_is_written_at_once_without_tornados_buffer(pair):
    stream, peer = pair
    assert send(stream, b"hello") == 0
    assert peer.recv(100) == b"hello"
    assert stream._total_write_index == 0


async def test_what_the_socket_does_not_take_follows_in_order(pair):
    stream, peer = pair
    first, second = b"a" * 300_000, b"b" * 100
    assert send(stream, first) > 0
    assert send(stream, second) == unsent(stream) > 0
    assert await read_all(peer, 300_100) == first + second
    await drained(stream)
    assert unsent(stream) == 0
    assert send(stream, b"direct again") == 0


async def test_a_peer_that_is_gone_closes_the_stream_and_raises_nothing(pair):
    stream, peer = pair
    peer.close()
    assert send(stream, b"hello") == 0
    assert stream.closed()
    assert send(stream, b"hello") == 0
    assert unsent(stream) == 0


class Reader:
    """An outbound over a real stream, and whether it was called slow."""

    def __init__(self, stream, **bound):
        self.slow = 0
        self.turn = Turn()
        self.outbound = Outbound(stream, turn=self.turn, on_slow=self.note, **{"queue_bytes": 100_000, **bound})

    def note(self):
        self.slow += 1


async def test_what_one_turn_queues_leaves_in_one_send(pair):
    stream, peer = pair
    reader = Reader(stream)
    reader.outbound.put(b"one")
    reader.turn.put_all([reader.outbound, reader.outbound], b"two")
    with pytest.raises(BlockingIOError):
        peer.recv(100)
    await asyncio.sleep(0)
    assert peer.recv(100) == b"onetwotwo"
    assert reader.outbound.queued == []


async def test_a_held_reply_leaves_before_what_was_put_meanwhile(pair):
    stream, peer = pair
    reader = Reader(stream)
    reader.outbound.hold()
    reader.outbound.put(b"push")
    await asyncio.sleep(0)
    reader.outbound.release(b"reply")
    await asyncio.sleep(0)
    assert peer.recv(100) == b"replypush"


async def test_a_reader_over_the_bound_is_called_slow_once_and_everything_else_dropped(pair):
    stream, _ = pair
    reader = Reader(stream)
    for _ in range(50):
        reader.outbound.put(b"x" * 10_000)
        await asyncio.sleep(0)
    assert reader.slow == 1
    assert unsent(stream) < 100_000 + 20_000
    reader.outbound.put(b"late")
    await asyncio.sleep(0)
    assert reader.outbound.queued == []


async def test_a_large_reply_does_not_make_its_reader_slow(pair):
    stream, peer = pair
    reader = Reader(stream)
    reader.outbound.put_reply(b"r" * 400_000)
    await asyncio.sleep(0)
    reader.outbound.put(b"p" * 50_000)
    await asyncio.sleep(0)
    assert not reader.slow and reader.outbound.has_large_reply
    taking = asyncio.ensure_future(read_all(peer, 450_000))
    await reader.outbound.drained()
    assert not reader.outbound.has_large_reply
    assert len(await taking) == 450_000


async def test_one_connections_failure_does_not_silence_the_others_of_a_turn(pair, io_loop):
    stream, peer = pair
    reader = Reader(stream)
    failures = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: failures.append(context["exception"]))

    class Broken(Outbound):
        def flush(self):
            raise RuntimeError("a bug")

    broken = Broken(stream, turn=reader.turn, queue_bytes=1, on_slow=reader.note)
    reader.outbound.put(b"fine")
    broken.put(b"x")  # flushed first, because a turn ends from its back
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert peer.recv(100) == b"fine"
    assert len(failures) == 1


async def test_closing_sends_what_is_queued_but_not_what_waits_for_a_reply(pair):
    stream, peer = pair
    reader = Reader(stream)
    reader.outbound.put(b"last words")
    reader.outbound.close()
    assert peer.recv(100) == b"last words"
    held = Reader(stream)
    held.outbound.hold()
    held.outbound.put(b"push without its reply")
    held.outbound.close()
    with pytest.raises(BlockingIOError):
        peer.recv(100)
