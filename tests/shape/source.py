"""The project's own text, read as files and syntax trees.

Shape tests read what is written and import nothing of it, so that they also work on a tree that does
not start, and on a violating sample below a temporary directory.
"""

import ast
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# `dist` and `generated` are made by tools from what is ours.
_NOT_OURS = {".git", ".venv", "var", "node_modules", "__pycache__", "dist", "unpackage", "generated", ".hypothesis"}


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
        for path in [start] if start.is_file() else sorted(_below(start)):
            if not any(map(_is_foreign, path.relative_to(root).parts)):
                yield path


def _below(folder: Path) -> Iterator[Path]:
    """All files but those in folders that are not ours, which hold many more than all others."""
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not _is_foreign(name)]
        yield from (path for path in map(Path(place).joinpath, names) if path.is_file())


def _is_foreign(name: str) -> bool:
    return name in _NOT_OURS or name.endswith("_cache")


def modules(root: Path, *parts: str) -> list[Module]:
    """The Python files of a tree."""
    return [
        module(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8"))
        for path in files(root, *parts)
        if path.suffix == ".py"
    ]


@cache
def module(path: str, text: str) -> Module:
    """Read once by the tests of one file (conftest.py): its tree is what takes long."""
    return Module(path, text)


def plant(root: Path, path: str, text: str) -> None:
    """Write a sample file of a violating tree."""
    place = root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text, encoding="utf-8")
