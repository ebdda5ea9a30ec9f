"""How fast somebody may go on: buckets that drain at a rate."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Rate:
    """So many a second in the long run, `burst` at once."""

    per_s: float
    burst: int


@dataclass(frozen=True, slots=True)
class Bucket:
    """Whose it is, as in "user/…" or "address/…", and its rate, which is always the same for one name."""

    name: str
    rate: Rate


class Pace(Protocol):
    """Never raises and never waits long: what protects the house must not stop it."""

    async def wait_s(self, buckets: Sequence[Bucket]) -> float:
        """0 when all of them have room (and all count this one), else the seconds until they will."""
