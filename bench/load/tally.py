"""Counts what receivers get, mostly without looking at it.

A read that holds nothing but equal frames is counted by its length. `levels` says how many receivers have
got how much, so that a message is known to be with all of them without asking each.
"""

from collections.abc import Sequence

from bench.load.client import Client

_HEAD_BYTES = 4


class Tally:
    """One for a crowd."""

    __slots__ = ("levels", "frame_bytes", "_head")

    def __init__(self) -> None:
        self.levels: dict[int, int] = {}
        self.frame_bytes = 0  # of the last publication that came alone
        self._head = b""

    def begin(self, receivers: Sequence[Client]) -> None:
        """From here on `levels` tells how far these have come."""
        for client in receivers:
            client.got = 0
        self.levels = {0: len(receivers)}

    def add(self, client: Client, count: int) -> None:
        levels, before = self.levels, client.got
        client.got = after = before + count
        levels[before] = levels.get(before, 0) - 1
        levels[after] = levels.get(after, 0) + 1

    def learn(self, buffer: bytearray, frame_bytes: int) -> None:
        """A frame with one publication came alone: others of its kind look like it."""
        self.frame_bytes, self._head = frame_bytes, bytes(buffer[:_HEAD_BYTES])

    def are_alike(self, buffer: bytearray, count: int) -> bool:
        """Whether the first and the last frame of a read of whole frames are of the kind last learned."""
        head = self._head
        return buffer.startswith(head) and buffer.startswith(head, count - self.frame_bytes)
