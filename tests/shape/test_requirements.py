"""The page of requirements names only what is there."""

from pathlib import Path

import pytest

from tests.shape.declared import columns, operations, plain_paths
from tests.shape.requirements_page import FIELD_IDS, ROW_IDS, Known, faults
from tests.shape.source import ROOT, modules, plant

PAGE = ROOT / "docs" / "requirements.md"


def what_is_there() -> Known:
    sources = modules(ROOT, "server")
    endpoints = {one.name for one in operations(sources)}
    # Routes that are no operations: pages and probes are read, a provider posts to its own address.
    endpoints |= {f"GET {path}" for path in plain_paths(sources)}
    endpoints |= {f"POST {path}" for path in plain_paths(sources) if path.startswith("/api/payment/notify")}
    return Known(ROOT, frozenset(endpoints), frozenset(columns(modules(ROOT, "server/storage/tables"))))


def test_every_requirement_is_answered_once_and_by_things_that_exist() -> None:
    assert len(ROW_IDS) == 183
    assert len(FIELD_IDS) == 56
    assert list(faults(PAGE.read_text(encoding="utf-8"), what_is_there())) == []


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("| A01 | Search | done | `server/a.py` | `GET /api/a` | `unit/test_a.py` | x |", "the state 'done'"),
        ("| A01 | Search | answered | | | | |", "answered, but by what"),
        ("| A01 | Search | not yet | | | | |", "not said what is missing"),
        ("| A01 | Search | answered | `server/b.py` | | `unit/test_a.py` | |", "no file server/b.py"),
        ("| A01 | Search | answered | `server/a.py` | `GET /api/b` | `unit/test_a.py` | |", "no endpoint GET /api/b"),
        (
            "| A01 | Search | answered | `server/a.py` | | `unit/test_a.py::test_y` | |",
            "no test unit/test_a.py::test_y",
        ),
        ("| A01 | Search | answered | `server/a.py` | | `unit/test_b.py` | |", "no test unit/test_b.py"),
        ("| A01 | Search | answered |", "3 cells"),
        ("| A99 | Search | not yet | | | | all |", "A99: 1 times"),
        ("| D01.1 | 用户ID | `t_user.name` |", "no t_user.name"),
        ("| D01.1 | 用户ID | |", "no column"),
    ],
)
def test_a_row_that_promises_too_much_is_found(tmp_path: Path, row: str, fault: str) -> None:
    plant(tmp_path, "server/a.py", "")
    plant(tmp_path, "tests/unit/test_a.py", "def test_x() -> None: ...\n")
    known = Known(tmp_path, frozenset({"GET /api/a"}), frozenset({"t_user.user_id"}))
    found = [line for line in faults(row + "\n", known) if not line.endswith(": missing")]
    assert len(found) == 1
    assert fault in found[0]


def test_a_missing_and_a_doubled_row_are_found(tmp_path: Path) -> None:
    known = Known(tmp_path, frozenset(), frozenset())
    found = list(faults("| A01 | x | not yet | | | | all |\n" * 2, known))
    assert "A01: 2 times" in found
    assert "Z01: missing" in found
    assert "D07.5: missing" in found
