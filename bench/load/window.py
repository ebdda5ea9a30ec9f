"""Keeps messages in flight and counts what arrives."""

import hashlib
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bench.load.client import Client
from bench.load.crowd import Crowd
from bench.load.dialects import Rejected

_STALLED_S = 20.0
_LINGER_S = 0.2  # after the last message: something that comes twice comes by then
PROOF_MESSAGES = 40


@dataclass(frozen=True, slots=True)
class Flow:
    """What one window did: every receiver got each message exactly once, or Rejected was raised."""

    messages: int
    deliveries: int
    elapsed_s: float
    generator_share: float  # of its core; near 1 it, and not the server, was measured
    server_cpu_s: float  # processor time of the server in `elapsed_s`: what it would need a core of its own for

    @property
    def deliveries_per_s(self) -> float:
        return self.deliveries / self.elapsed_s


class Window:
    """Senders call, receivers count. A message is in flight until its last receiver has it and it is acknowledged."""

    def __init__(
        self, crowd: Crowd, *, senders: Sequence[Client], receivers: Sequence[Client], body: Any,
        server_cpu_s: Callable[[], float],
    ) -> None:  # fmt: skip
        self._crowd = crowd
        self._server_cpu_s = server_cpu_s
        self._receivers = receivers
        self._body = body
        self._free = deque(senders)
        self._senders = len(senders)
        self._sent = 0
        self._low = 0
        for sender in senders:
            sender.listener = self._acknowledged

    def _acknowledged(self, sender: Client, payload: bytes) -> None:
        if sender.dialect.is_ack(payload):
            self._free.append(sender)

    def run(self, *, in_flight: int, for_s: float, warm_up_s: float = 0.3) -> Flow:
        """A sliding window for so long. Raises Rejected when a message is lost, doubled, or nothing moves."""
        self._begin()
        self._push(in_flight, until=time.perf_counter() + warm_up_s)
        before = (self._low, time.perf_counter(), time.process_time(), self._server_cpu_s())
        self._push(in_flight, until=before[1] + for_s)
        after = (self._low, time.perf_counter(), time.process_time(), self._server_cpu_s())
        self._finish()
        messages, elapsed_s, own_cpu_s, server_cpu_s = (b - a for a, b in zip(before, after, strict=True))
        return Flow(
            messages=int(messages), deliveries=int(messages) * len(self._receivers), elapsed_s=round(elapsed_s, 3),
            generator_share=round(own_cpu_s / elapsed_s, 2), server_cpu_s=round(server_cpu_s, 2),
        )  # fmt: skip

    def _begin(self) -> None:
        self._sent = self._low = 0
        self._crowd.tally.begin(self._receivers)

    def _push(self, in_flight: int, *, until: float) -> None:
        free, turn, body = self._free, self._crowd.turn, self._body
        progress_at, low = time.perf_counter(), self._low
        while (now := time.perf_counter()) < until:
            while free and self._sent - self._low < in_flight:
                free.popleft().call(body)
                self._sent += 1
            turn(0.01)
            self._advance()
            if self._low != low:
                progress_at, low = now, self._low
            elif now - progress_at > _STALLED_S:
                raise Rejected(f"nothing arrived for {_STALLED_S:g} s")

    def _advance(self) -> None:
        levels = self._crowd.tally.levels
        while not levels.get(self._low) and levels:
            levels.pop(self._low, None)
            self._low += 1

    def _finish(self) -> None:
        """Let what is in flight land, then look for what is too much."""
        deadline = time.perf_counter() + _STALLED_S
        while (self._low < self._sent or len(self._free) < self._senders) and time.perf_counter() < deadline:
            self._crowd.turn(0.01)
            self._advance()
        linger = time.perf_counter() + _LINGER_S
        while time.perf_counter() < linger:
            self._crowd.turn(0.01)
        counts = {client.got for client in self._receivers}
        if counts != {self._sent}:
            raise Rejected(f"{self._sent} messages were sent, receivers got {min(counts)} to {max(counts)}")

    def prove(self) -> None:
        """Every receiver gets the same messages in the same order, none twice. Raises Rejected."""
        seen: dict[Client, Any] = {client: hashlib.blake2b(digest_size=16) for client in self._receivers}
        first: list[bytes] = []

        def note(client: Client, payload: bytes) -> None:
            for line in payload.split(b"\n"):
                seen[client].update(line)
                client.got += 1
                if client is self._receivers[0]:
                    first.append(line)

        for client in self._receivers:
            client.listener, client.got = note, 0
        for _ in range(PROOF_MESSAGES):
            self._free.popleft().call(self._body)
            self._wait_for_a_sender()
        deadline = time.perf_counter() + _STALLED_S
        while any(client.got < PROOF_MESSAGES for client in self._receivers) and time.perf_counter() < deadline:
            self._crowd.turn(0.01)
        for client in self._receivers:
            client.listener = None
        orders = {digest.digest() for digest in seen.values()}
        if len(orders) != 1 or len(set(first)) != PROOF_MESSAGES:
            raise Rejected(f"{PROOF_MESSAGES} messages: {len(orders)} different orders, {len(set(first))} different")

    def _wait_for_a_sender(self) -> None:
        deadline = time.perf_counter() + _STALLED_S
        while not self._free:
            self._crowd.turn(0.01)
            if time.perf_counter() > deadline:
                raise Rejected("a call was not acknowledged")
