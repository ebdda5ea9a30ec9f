"""How large files, classes and functions may become.

style.md §3 of the design: a file stops at 400 lines, a class stays below 150, a function has at most 40
statements. Nearly all are far smaller; whoever reaches a limit splits by reason to change.
"""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.shape.source import Module, files

FILE_LINES = 400
CLASS_LINES = 149
FUNCTION_STATEMENTS = 40


_SUFFIXES = (".py", ".js", ".mjs", ".ts", ".vue", ".css", ".scss", ".html")


def long_files(root: Path, *parts: str, suffixes: Iterable[str] = _SUFFIXES) -> Iterator[str]:
    for path in files(root, *parts):
        if path.suffix not in suffixes:
            continue
        count = len(path.read_text(encoding="utf-8").splitlines())
        if count > FILE_LINES:
            yield f"{path.relative_to(root).as_posix()}: {count} lines"


def long_classes(sources: Iterable[Module]) -> Iterator[str]:
    for module in sources:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ClassDef) and node.end_lineno is not None:
                count = node.end_lineno - node.lineno + 1
                if count > CLASS_LINES:
                    yield f"{module.path}:{node.lineno}: class {node.name} has {count} lines"


def long_functions(sources: Iterable[Module]) -> Iterator[str]:
    for module in sources:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                count = sum(isinstance(part, ast.stmt) for part in ast.walk(node)) - 1
                if count > FUNCTION_STATEMENTS:
                    yield f"{module.path}:{node.lineno}: {node.name} has {count} statements"
