"""Captions, names and habits that hold in every file."""

from pathlib import Path

import pytest

from tests.shape import manners
from tests.shape.source import ROOT, Module, modules, plant

CODE = ("server", "config", "run.py", "tests")
EVERYTHING = ("server", "config", "run.py", "tests", "web", "docs", "deploy", "bench", "README.md", "CHANGELOG.md")
PRESENT = tuple(part for part in EVERYTHING if (ROOT / part).exists())
GENERATED = "/migrations/versions/"  # captioned by the tool that writes them
# Where nothing may fall through: edges, tasks, deliveries, receivers, and where a driver's words are translated.
EDGES = {
    "server/core/tasks.py",
    "server/handlers/http/use_cases.py",
    "server/jobs/orders.py",  # a bug with one order must not end the round for those behind it
    "server/storage/outbox.py",
    "server/storage/pubsub/receivers.py",
    "server/storage/sql.py",
    "server/storage/sqlite.py",
    "server/ws/connection.py",
    "server/ws/desk.py",
    "server/ws/hearing.py",
    "server/ws/websocket.py",
}
# Modules with a longer first sentence; one that was shortened fails until it leaves this list.
TO_BE_SHORTENED: set[str] = set()


def test_every_module_says_in_one_sentence_what_it_is_for() -> None:
    sources = [module for module in modules(ROOT, "server", "config", "run.py") if GENERATED not in module.path]
    found = {line.split(":")[0]: line for line in manners.bad_captions(sources)}
    assert [line for path, line in found.items() if path not in TO_BE_SHORTENED] == []
    assert sorted(TO_BE_SHORTENED - set(found)) == []


def test_every_file_of_tests_says_what_it_shows() -> None:
    """In their own words: what a test shows often needs a line of its own."""
    assert list(manners.bad_captions(modules(ROOT, "tests"), longest=120)) == []


def test_nothing_is_named_after_nothing() -> None:
    assert list(manners.bad_names(ROOT, *PRESENT)) == []
    assert list(manners.bad_class_names(modules(ROOT, *CODE))) == []


def test_init_files_are_empty() -> None:
    assert list(manners.full_inits(modules(ROOT, *CODE))) == []


def test_no_import_is_for_the_type_checker_only() -> None:
    sources = [module for module in modules(ROOT, *CODE) if not module.path.startswith("tests/shape/")]
    assert list(manners.type_only_imports(sources)) == []


def test_everything_is_caught_at_edges_only() -> None:
    found = list(manners.broad_excepts(modules(ROOT, "server", "config")))
    assert [line for line in found if line.split(":")[0] not in EDGES] == []


def test_tasks_are_made_in_one_place() -> None:
    found = list(manners.loose_tasks(modules(ROOT, "server", "config")))
    assert [line for line in found if not line.startswith("server/core/tasks.py:")] == []


def test_what_is_given_values_was_built_before() -> None:
    assert list(manners.built_for_values(modules(ROOT, "server"))) == []


def test_nothing_is_left_open_in_a_note() -> None:
    assert list(manners.left_open(ROOT, *PRESENT)) == []


def test_nothing_names_a_machine_or_a_registry() -> None:
    assert list(manners.foreign_places(ROOT, *PRESENT)) == []


@pytest.mark.parametrize(
    ("docstring", "complaint"),
    [
        ("", "a.py: no caption"),
        ("Says what the room is for", "a.py: 'Says what the room is for' is no sentence"),
        ("Says " + "much " * 12 + "indeed.", "a.py: 72 characters"),
        ("Says what is\nneeded over lines that are much too many for it.", "a.py: 61 characters"),
    ],
)
def test_a_bad_caption_is_found(docstring: str, complaint: str) -> None:
    (found,) = manners.bad_captions([Module("a.py", f'"""{docstring}"""\nx = 1\n')])
    assert found.startswith(complaint)


def test_a_good_caption_passes() -> None:
    text = f'"""{"x" * (manners.CAPTION_CHARACTERS - 1)}. And more.\n\nA whole paragraph."""\n'
    assert list(manners.bad_captions([Module("a.py", text), Module("b/__init__.py", "")])) == []


def test_a_name_without_meaning_is_found(tmp_path: Path) -> None:
    for path in ("server/utils.py", "server/common/rules.py", "web/date-helpers.js", "server/outbox.py"):
        plant(tmp_path, path, "")
    assert [line.split(":")[0] for line in manners.bad_names(tmp_path)] == [
        "server/common/rules.py",
        "server/utils.py",
        "web/date-helpers.js",
    ]
    classes = Module("a.py", "class ConnectionManager: ...\nclass Hub: ...\n")
    assert list(manners.bad_class_names([classes])) == ["a.py:1: class ConnectionManager"]


def test_a_full_init_file_is_found() -> None:
    sources = [Module("a/__init__.py", "x = 1\n"), Module("b/__init__.py", ""), Module("c.py", "x = 1\n")]
    assert list(manners.full_inits(sources)) == ["a/__init__.py"]


def test_an_import_for_the_type_checker_is_found() -> None:
    plain = Module("a.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import json\n")
    dotted = Module("b.py", "import typing\nif typing.TYPE_CHECKING:\n    import json\n")
    assert list(manners.type_only_imports([plain, dotted])) == ["a.py:2", "b.py:2"]


def test_a_broad_except_and_a_loose_task_are_found() -> None:
    text = """
try:
    asyncio.create_task(work())
except Exception:
    pass
try:
    work()
except BaseException:
    undo()
    raise
except (ValueError, KeyError):
    pass
try:
    work()
except:
    pass
"""
    sample = Module("a.py", text)
    assert list(manners.broad_excepts([sample])) == ["a.py:4", "a.py:15"]
    assert list(manners.loose_tasks([sample])) == ["a.py:3"]


def test_a_statement_that_is_built_in_the_call_is_found() -> None:
    text = """
tx.run(insert(table), rows)
tx.all(select(table).where(a == b), {"a": 1})
tx.run(_ADD, rows)
tx.run(insert(table).values(rows))
tx.run(_move(len(names)), values)
"""
    assert list(manners.built_for_values([Module("a.py", text)])) == ["a.py:2", "a.py:3"]


def test_an_open_note_and_a_strange_place_are_found(tmp_path: Path) -> None:
    note, place = "TO" + "DO", "/wo" + "rk/main and https://py" + "pi.org/x"
    plant(tmp_path, "a.py", f"x = 1\n# {note}: later\n")
    plant(tmp_path, "b.md", f"see {place}\n")
    plant(tmp_path, "c.js", "// todomvc and hackney are words\n")
    assert list(manners.left_open(tmp_path)) == [f"a.py:2: # {note}: later"]
    assert [line.split(":")[0] for line in manners.foreign_places(tmp_path)] == ["b.md"]
