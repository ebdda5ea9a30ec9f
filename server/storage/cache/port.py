"""A cache: what was read once and may be told again.

A name holds the mark of the state that it shows (`caregiver/<id>/<mark>`), and a change makes a new mark in its own
transaction. So a name never means two things: what is found is right however old it is, a reader who comes late
cannot put something stale in a newer one's place, and nobody has to be told that something is to be dropped.
"""

from collections import Counter
from typing import Any, Protocol


class Cache(Protocol):
    """Bounded, and never in the way: what is lost, unreadable, or somewhere that is away is simply not found.

    `counts`: found, missed, kept, and what went wrong (unreadable, too_large, away).
    """

    counts: Counter[str]

    async def find(self, name: str) -> Any:
        """The JSON value that was kept, as an object of the caller's own; None when there is none. Never raises."""

    async def keep(self, name: str, value: Any) -> None:
        """Keep a JSON value other than None for a while, or not. Never raises for where it is kept."""
