"""The project's own text, read as files and syntax trees.

Shape tests read what is written and import nothing of it, so that they also work on a tree that does
not start, and on a violating sample below a temporary directory.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# `dist` and `generated` are made by tools from what is ours.
_NOT_OURS = {".git", ".venv", "var", "node_modules", "__pycache__", "dist", "unpackage", "generated"}


@dataclass(frozen=True)
class Module:
    """One Python file: `path` is relative to the tree's root, with slashes."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, filename=self.path)

    @property
    def line_count(self) -> int:
        return len(self.text.splitlines())


def files(root: Path, *parts: str) -> Iterator[Path]:
    """All files of ours below `root`, or below some of its parts, in order of their paths."""
    for part in parts or (".",):
        start = root / part
        found = [start] if start.is_file() else sorted(start.rglob("*"))
        for path in found:
            here = path.relative_to(root).parts
            hidden = any(name in _NOT_OURS or name.endswith("_cache") for name in here)
            if path.is_file() and not hidden and ".hypothesis" not in here:
                yield path


def modules(root: Path, *parts: str) -> list[Module]:
    """The Python files of a tree."""
    return [
        Module(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8"))
        for path in files(root, *parts)
        if path.suffix == ".py"
    ]


def plant(root: Path, path: str, text: str) -> None:
    """Write a sample file of a violating tree."""
    place = root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text, encoding="utf-8")
