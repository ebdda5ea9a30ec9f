"""The page for authors of clients lists the codes that there are."""

import ast
import re

from tests.shape.source import ROOT, Module

PAGE = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
CODES = Module("codes.py", (ROOT / "server" / "ws" / "wire" / "codes.py").read_text(encoding="utf-8"))
_KINDS = ("ErrorCode", "Disconnect", "Unsubscription")


def declared(module: Module) -> dict[int, str]:
    """Number and text of every code that is made in the module."""
    calls = (node for node in ast.walk(module.tree) if isinstance(node, ast.Call))
    made = (call for call in calls if isinstance(call.func, ast.Name) and call.func.id in _KINDS)
    return {call.args[0].value: call.args[1].value for call in made}


def told(page: str) -> set[int]:
    """Numbers in first or fourth cells of the tables below "Codes", and of unsubscribe pushes."""
    page = page.partition("## Codes")[2]
    numbers = re.findall(r"^\| (\d{3,4}) \|| \| (\d{3,4}) \| [a-z]", page, flags=re.MULTILINE)
    pushes = re.findall(r"\b(2\d{3}) [a-z]", page)
    return {int(number) for pair in numbers for number in pair if number} | {int(number) for number in pushes}


def test_every_code_is_told_with_its_text() -> None:
    codes = declared(CODES)
    assert len(codes) > 20, "the reader of codes has gone blind"
    assert [code for code, text in codes.items() if f"{code} | {text}" not in PAGE
            and f"{code} {text}" not in PAGE] == []  # fmt: skip


def test_every_code_is_sent_by_somebody() -> None:
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "server").rglob("*.py") if path.name != "codes.py"]
    families = [node for node in CODES.tree.body if isinstance(node, ast.ClassDef) and not node.decorator_list]
    names = [f"{family.name}.{made.targets[0].id}" for family in families for made in family.body
             if isinstance(made, ast.Assign)]  # fmt: skip
    assert len(names) > 20, "the reader of names has gone blind"
    assert [name for name in names if not any(re.search(rf"\b{name}\b", text) for text in texts)] == []


def test_no_code_is_told_that_there_is_not() -> None:
    assert sorted(told(PAGE) - set(declared(CODES))) == []


def test_a_code_that_is_left_out_is_found() -> None:
    module = Module("codes.py", 'A = ErrorCode(100, "internal")\nB = Disconnect(3001, "shutdown")\n')
    assert declared(module) == {100: "internal", 3001: "shutdown"}
    assert told("| 99 | a limit |\n## Codes\n| 100 | internal | yes | 107 | bad | |\nor 2000 access ended\n") == {
        100,
        107,
        2000,
    }
