"""Tables of the papers, read row by row."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TICKED = re.compile(r"`([^`]+)`")


@dataclass(frozen=True)
class Row:
    """One row of a Markdown table: its cells, and the line on which it stands."""

    cells: tuple[str, ...]
    line: int

    def ticked(self, cell: int) -> list[str]:
        """What stands between backticks in a cell."""
        return _TICKED.findall(self.cells[cell])


def rows(text: str, *, first_cell: str) -> Iterator[Row]:
    """Rows of all tables whose first cell matches the pattern `first_cell` as a whole."""
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("|"):
            cells = tuple(cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1])
            if cells and re.fullmatch(first_cell, cells[0]):
                yield Row(cells, number)
