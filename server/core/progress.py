"""How long work tells how far it is."""

from typing import Protocol


class Progress(Protocol):
    """Told by whoever works; shown, or not, by whoever asked."""

    def begin(self, what: str, total: int) -> None:
        """A new stretch of work, of so many units."""

    def advance(self, units: int) -> None:
        """So many more of them are done."""


class Silent:
    """Shows nothing."""

    def begin(self, what: str, total: int) -> None: ...

    def advance(self, units: int) -> None: ...
