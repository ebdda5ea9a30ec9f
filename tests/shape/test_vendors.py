"""Every library is named in its own rooms only."""

from pathlib import Path

from tests.shape.papers import rows
from tests.shape.source import ROOT, Module, modules, plant
from tests.shape.vendors import (
    EXCEPTIONS,
    ROOMS,
    foreign_to_core,
    strange_imports,
    strange_tables,
)

CODE = ("server", "config", "run.py")


def test_libraries_and_tables_stay_in_their_rooms() -> None:
    sources = modules(ROOT, *CODE)
    found = {(name, path): line for name, path, line in [*strange_imports(sources), *strange_tables(sources)]}
    news = [f"{path}:{line}: {name}" for (name, path), line in found.items() if (name, path) not in EXCEPTIONS]
    assert news == []
    assert sorted(set(EXCEPTIONS) - set(found)) == [], "needed no more: take them out of the list"


def test_core_needs_nothing_but_the_standard_library() -> None:
    assert list(foreign_to_core(modules(ROOT, "server/core"))) == []


def test_a_library_in_a_strange_room_is_found(tmp_path: Path) -> None:
    plant(tmp_path, "server/booking/rules/price.py", "def f():\n    from sqlalchemy.engine import RowMapping\n")
    plant(tmp_path, "server/booking/orders/store.py", "from sqlalchemy import select\n")
    plant(tmp_path, "server/booking/commands.py", "import tornado.web, pydantic\n")
    plant(tmp_path, "server/push/senders/wire.py", "import requests\nimport json\nfrom server.core import ids\n")
    assert list(strange_imports(modules(tmp_path, "server"))) == [
        ("tornado", "server/booking/commands.py", 1),
        ("sqlalchemy", "server/booking/rules/price.py", 2),
        ("requests", "server/push/senders/wire.py", 1),
    ]


def test_a_table_outside_the_stores_is_found() -> None:
    text = "from server.storage.tables.booking import offer\n"
    rooms = [Module("server/booking/offers/matching.py", text), Module("server/booking/orders/queries.py", text)]
    assert list(strange_tables(rooms)) == [("tables", "server/booking/offers/matching.py", 1)]


def test_core_that_wants_more_is_found() -> None:
    greedy = Module(
        "server/core/clock.py", "import json\nimport config.policy\nfrom server.core import ids\nimport jwt\n"
    )
    assert list(foreign_to_core([greedy])) == ["server/core/clock.py:2: config.policy", "server/core/clock.py:4: jwt"]


def test_every_library_that_is_installed_has_its_rooms_or_serves_another() -> None:
    """A line of requirements.txt that no room may use would be a line too many."""
    needed_by_others = {"aiosqlite", "pymysql", "pymongo", "aiomysql"}  # drivers that are named in URLs only
    import_names = {
        "pyjwt": "jwt", "pillow": "PIL", "argon2-cffi": "argon2", "centrifuge-python": "centrifuge", "protobuf": "google",
    }  # fmt: skip
    names = sorted(required("requirements.txt"))
    rooms = {name.replace("-", "_") for name in ROOMS} | needed_by_others
    assert [name for name in names if import_names.get(name, name.replace("-", "_")) not in rooms] == []


def test_every_library_has_its_reason_written_down() -> None:
    record = (ROOT / "docs" / "adr" / "0009-libraries.md").read_text(encoding="utf-8")
    told = {row.cells[0].strip("`") for row in rows(record, first_cell=r"`[a-z0-9-]+`")}
    assert sorted(required("requirements.txt") | required("requirements-dev.txt")) == sorted(told)


def required(name: str) -> set[str]:
    """The libraries of a requirements file; every line states its exact version."""
    lines = [line.split("#")[0].strip() for line in (ROOT / name).read_text(encoding="utf-8").splitlines()]
    lines = [line for line in lines if line and not line.startswith("-r ")]
    assert [line for line in lines if "==" not in line] == []
    return {line.split("==")[0].split("[")[0].strip().lower() for line in lines}
