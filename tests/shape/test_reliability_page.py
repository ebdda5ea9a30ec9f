"""Every test that docs/reliability.md names exists."""

import ast
import re
from pathlib import Path

from tests.shape.source import ROOT

PAGE = "docs/reliability.md"
_NAMED = re.compile(r"`(tests/[a-z0-9_/]+\.py)(?:::([a-z0-9_]+))?`")


def missing(text: str, root: Path) -> list[str]:
    """Names of files and tests in the text that are not there."""
    return [
        f"{path}::{name}" if name else path
        for path, name in _NAMED.findall(text)
        if not (root / path).is_file() or (name and name not in _functions(root / path))
    ]


def _functions(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_test_that_is_named_exists() -> None:
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    assert len(_NAMED.findall(text)) > 50
    assert missing(text, ROOT) == []


def test_a_test_that_is_gone_is_found(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_a.py").write_text("def test_here(): pass\n", encoding="utf-8")
    text = "`tests/test_a.py`, `tests/test_a.py::test_here`, `tests/test_a.py::test_gone`, `tests/test_b.py`"
    assert missing(text, tmp_path) == ["tests/test_a.py::test_gone", "tests/test_b.py"]
