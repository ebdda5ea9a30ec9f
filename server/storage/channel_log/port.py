"""The channel log: events with positions.

A position is (epoch, offset). Offsets of one epoch start at 1 and have no gap, because each is given
in the transaction that stores its event. The position outlives the entries: after retention `top`
still tells where the channel stands.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Position:
    """Where a channel stands. A channel without any event has epoch "" and offset 0."""

    epoch: str
    offset: int


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """One stored event: `data` is the JSON text (UTF-8) of the publication's data."""

    channel: str
    epoch: str
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Slice:
    """Events of one channel in order of offset (newest first when read in reverse), and its top.

    `settled`: up to this offset events are not in the SQL database any more. `is_cut`: older ones are left out
    because what holds them does not answer.
    """

    events: tuple[LoggedEvent, ...]
    top: Position
    settled: int = 0
    is_cut: bool = False


class ChannelLog(Protocol):
    """Reading side. A call sees one moment; what retention takes meanwhile may be missing at the old end, never between."""

    async def top(self, channel: str) -> Position:
        """The present position. Raises Unavailable."""

    async def tops(self, channels: Sequence[str]) -> dict[str, Position]:
        """Positions of many channels at once (up to 500); those without any event are left out. Raises Unavailable."""

    async def since(self, channel: str, offset: int, *, limit: int, max_bytes: int) -> Slice:
        """Events with a greater offset, oldest first, at most `limit` and about `max_bytes`.

        The caller compares the epoch and sees by `top` whether something is missing. Raises Unavailable.
        """

    async def before(self, channel: str, offset: int | None, *, limit: int) -> Slice:
        """Events with a smaller offset (all when None), newest first, at most `limit`. Raises Unavailable."""
