"""What is wrong with docs/requirements.md, line by line.

The page answers each clause of the requirement document. A row names what answers it; this file finds rows
that are missing, doubled, or that name a thing which is not there.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.shape.papers import Row, rows

ROW_COUNTS = {"Z": 5, "A": 31, "B": 33, "C": 49, "D": 8, "E": 8, "F": 15, "G": 17, "H": 17}
FIELD_COUNTS = {"D01": 6, "D02": 8, "D03": 15, "D04": 11, "D05": 5, "D06": 6, "D07": 5}
ROW_IDS = [f"{group}{number:02}" for group, count in ROW_COUNTS.items() for number in range(1, count + 1)]
FIELD_IDS = [f"{table}.{number}" for table, count in FIELD_COUNTS.items() for number in range(1, count + 1)]
STATES = ("answered", "in part", "not yet")
_STATE, _PLACES, _ENDPOINTS, _TESTS, _NOTE = 2, 3, 4, 5, 6


@dataclass(frozen=True)
class Known:
    """What may be named: addresses, `table.column`s, and the tree in which paths must exist."""

    root: Path
    endpoints: frozenset[str]
    columns: frozenset[str]


def faults(text: str, known: Known) -> Iterator[str]:
    row_list = list(rows(text, first_cell=r"[A-HZ]\d\d"))
    field_list = list(rows(text, first_cell=r"D\d\d\.\d+"))
    yield from _missing_or_doubled(row_list, ROW_IDS)
    yield from _missing_or_doubled(field_list, FIELD_IDS)
    for row in row_list:
        yield from (f"{row.line}: {row.cells[0]}: {fault}" for fault in _row_faults(row, known))
    for row in field_list:
        named = row.ticked(2)
        if not named:
            yield f"{row.line}: {row.cells[0]}: no column"
        yield from (f"{row.line}: {row.cells[0]}: no {name}" for name in named if name not in known.columns)


def _missing_or_doubled(found: list[Row], wanted: list[str]) -> Iterator[str]:
    counts = Counter(row.cells[0] for row in found)
    yield from (f"{name}: missing" for name in wanted if counts[name] == 0)
    yield from (f"{name}: {count} times" for name, count in counts.items() if count > 1 or name not in wanted)


def _row_faults(row: Row, known: Known) -> Iterator[str]:
    if len(row.cells) != _NOTE + 1:
        yield f"{len(row.cells)} cells"
        return
    state, note = row.cells[_STATE], row.cells[_NOTE]
    if state not in STATES:
        yield f"the state {state!r}"
    if state == "answered" and not (row.ticked(_PLACES) and row.ticked(_TESTS)):
        yield "answered, but by what, and shown by which test?"
    if state != "answered" and not note:
        yield f"{state}, and not said what is missing"
    yield from (f"no file {path}" for path in row.ticked(_PLACES) if not (known.root / path).exists())
    yield from (f"no endpoint {name}" for name in row.ticked(_ENDPOINTS) if name not in known.endpoints)
    yield from (f"no test {name}" for name in row.ticked(_TESTS) if not _is_test(name, known.root))


def _is_test(name: str, root: Path) -> bool:
    path, _, function = name.partition("::")
    place = root / "tests" / path
    if not place.is_file():
        return False
    return not function or f"def {function}(" in place.read_text(encoding="utf-8")
