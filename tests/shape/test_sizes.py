"""Files, classes and functions can be read at once."""

from pathlib import Path

from tests.shape.sizes import CLASS_LINES, FILE_LINES, FUNCTION_STATEMENTS, long_classes, long_files, long_functions
from tests.shape.source import ROOT, Module, modules

CODE = ("server", "config", "run.py", "tests")
TOO_LONG: set[str] = set()  # to be split
# Classes that are to be split by reason to change; one that was split fails until it leaves this list.
TO_BE_SPLIT: set[str] = {"server/storage/pubsub/redis_bus.py:RedisBus"}


def test_no_file_is_longer_than_400_lines() -> None:
    found = {line.split(":")[0]: line for line in long_files(ROOT, "server", "config", "tests", "web", "run.py")}
    assert [line for path, line in found.items() if path not in TOO_LONG] == []
    assert sorted(TOO_LONG - set(found)) == []


def test_no_function_has_more_than_40_statements() -> None:
    sources = [module for module in modules(ROOT, *CODE) if "/migrations/versions/" not in module.path]
    assert list(long_functions(sources)) == []


def test_no_class_reaches_150_lines() -> None:
    """Of the product; a state machine of the tests is one class by nature."""
    found = {named(line): line for line in long_classes(modules(ROOT, "server", "config", "run.py"))}
    assert [line for name, line in found.items() if name not in TO_BE_SPLIT] == []
    assert sorted(TO_BE_SPLIT - set(found)) == []


def named(line: str) -> str:
    """`path:Class` of a complaint about a class."""
    return f"{line.split(':')[0]}:{line.split('class ')[1].split(' ')[0]}"


def test_a_file_of_401_lines_is_found(tmp_path: Path) -> None:
    (tmp_path / "long.py").write_text("x = 1\n" * (FILE_LINES + 1))
    (tmp_path / "just.js").write_text("x = 1\n" * FILE_LINES)
    assert list(long_files(tmp_path)) == ["long.py: 401 lines"]


def test_a_class_of_150_lines_is_found() -> None:
    body = "    x = 1\n"
    text = "class Just:\n" + body * (CLASS_LINES - 1) + "class Large:\n" + body * CLASS_LINES
    assert list(long_classes([Module("a.py", text)])) == [f"a.py:{CLASS_LINES + 1}: class Large has 150 lines"]


def test_a_function_of_41_statements_is_found() -> None:
    body = "    x = 1\n"
    text = "def just():\n" + body * FUNCTION_STATEMENTS + "async def large():\n" + body * (FUNCTION_STATEMENTS + 1)
    found = list(long_functions([Module("a.py", text)]))
    assert found == [f"a.py:{FUNCTION_STATEMENTS + 2}: large has 41 statements"]
