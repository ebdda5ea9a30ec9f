"""The load generator notices what is lost, doubled or out of order, however it arrives."""

import itertools
import socket
import threading
from collections.abc import Iterable

import pytest

from bench.load.client import READY, Client
from bench.load.crowd import Crowd
from bench.load.dialects import CentrifugeJson, Rejected
from bench.load.window import Window


def framed(payload: bytes) -> bytes:
    head = bytes((0x81, len(payload))) if len(payload) < 126 else b"\x81\x7e" + len(payload).to_bytes(2)
    return head + payload


PUSH = framed(b'{"push":{"channel":"order:1","pub":{"data":{"type":"chat.typing","id":"abcdef"}}}}')
TWO = framed(b'{"push":{"channel":"order:1","pub":{"data":1}}}\n{"push":{"channel":"order:1","pub":{"data":2}}}')
PING = framed(b"{}")


class Lounge:
    """Clients that are connected already; what is sent to one arrives in the crowd's loop."""

    def __init__(self, count: int) -> None:
        self.crowd = Crowd(0)
        self.wires: list[socket.socket] = []
        self.clients: list[Client] = []
        for _ in range(count):
            near, far = socket.socketpair()
            near.setblocking(False)
            client = Client(near, CentrifugeJson("token", channel="order:1", method="chat.typing"))
            client.state = READY
            self.crowd.clients[near.fileno()] = client
            self.crowd.watch(near, lambda: None)
            self.wires.append(far)
            self.clients.append(client)
        self.crowd.tally.begin(self.clients)

    def close(self) -> None:
        self.crowd.close()
        self.close_wires()

    def close_wires(self) -> None:
        for wire in self.wires:
            wire.close()


@pytest.fixture
def lounge():
    made = Lounge(2)
    yield made
    made.close()


def hear(lounge: Lounge, raw: bytes, *, pieces: int = 1) -> int:
    """How many publications the first client counts in `raw`, cut into pieces."""
    size = -(-len(raw) // pieces)
    for start in range(0, len(raw), size):
        lounge.wires[0].sendall(raw[start : start + size])
        lounge.crowd.turn(1.0)
    return lounge.clients[0].got


@pytest.mark.parametrize("pieces", [1, 2, 3, 7, 50])
def test_publications_are_counted_however_they_are_cut(lounge, pieces):
    assert hear(lounge, PUSH) == 1  # learned: from here on equal frames are counted by length
    assert hear(lounge, PUSH * 9 + TWO + PING + PUSH * 3, pieces=pieces) == 1 + 9 + 2 + 3


def test_a_ping_is_answered_and_not_counted(lounge):
    assert hear(lounge, PING) == 0
    assert lounge.wires[0].recv(100)[-2:] == b"{}"


def test_levels_tell_when_all_have_a_message(lounge):
    hear(lounge, PUSH * 3)
    assert {level: count for level, count in lounge.crowd.tally.levels.items() if count} == {0: 1, 3: 1}


def served(wires: list[socket.socket], sender: socket.socket, rounds: Iterable[tuple[int, int]]) -> None:
    """A server that answers each call with these numbers of copies, receiver by receiver."""
    for copies in rounds:
        if not sender.recv(4096):
            return
        for wire, count in zip(wires, copies, strict=True):
            wire.sendall(PUSH * count)
        sender.sendall(framed(b'{"id":3,"rpc":{"data":{}}}'))


@pytest.mark.parametrize(("copies", "honest"), [((1, 1), True), ((2, 1), False), ((1, 2), False)])
def test_a_window_refuses_rounds_in_which_somebody_got_too_much(copies, honest):
    lounge = Lounge(3)
    *receivers, sender = lounge.clients
    window = Window(lounge.crowd, senders=[sender], receivers=receivers, body={}, server_cpu_s=lambda: 0.0)
    server = threading.Thread(target=served, args=(lounge.wires[:2], lounge.wires[2], itertools.repeat(copies)))
    server.start()
    try:
        if honest:
            flow = window.run(in_flight=1, for_s=0.1, warm_up_s=0.0)
            assert flow.deliveries == 2 * flow.messages > 0
        else:
            with pytest.raises(Rejected, match="receivers got"):
                window.run(in_flight=1, for_s=0.1, warm_up_s=0.0)
    finally:
        lounge.crowd.close()
        server.join()
        lounge.close_wires()
