"""Values that may be changed while the program runs.

What begins takes the edition in force; what has begun keeps its own, by number.
"""

from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Edition(Generic[T]):
    """A value and its number; a higher number is a later one."""

    number: int
    value: T


class InForce(Protocol[T_co]):
    """One value by edition."""

    @property
    def edition(self) -> Edition[T_co]:
        """The one in force at this instant; whoever needs more than one thing of it keeps it in hand."""

    @property
    def now(self) -> T_co:
        """Its value."""

    async def of(self, tx: Any, number: int) -> T_co:
        """The value of an edition that something began with; read in `tx` where it is not known yet."""


class Unchanging(Generic[T]):
    """Implements `InForce`: the same for ever, whatever the number."""

    def __init__(self, value: T, *, number: int = 1) -> None:
        self.edition = Edition(number, value)

    @property
    def now(self) -> T:
        return self.edition.value

    async def of(self, tx: Any, number: int) -> T:
        return self.edition.value
