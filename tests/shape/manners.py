"""Captions, names and the small habits of every module.

style.md §2 and §3 of the design; the sentence a module begins with is what a newcomer reads of it.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.shape.source import Module, files

CAPTION_CHARACTERS = 60
_EXECUTE = {"run", "one", "all", "value", "insert_numbered"}  # `Transaction`'s
_BUILD = {"insert", "update", "delete", "select", "where", "values", "order_by", "limit", "with_for_update", "returning"}
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers"}
_LEFT_OPEN = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
_READ_FOR_NOTES = {".py", ".js", ".mjs", ".ts", ".vue", ".scss", ".json", ".css", ".html", ".toml", ".md", ".sh", ".txt", ".conf", ".yml"}
# Paths of one machine and hosts of package registries say nothing to whoever checks the project out.
_FOREIGN = re.compile(r"/wor" r"k/|/tm" r"p/|/ro" r"ot/|/hom" r"e/[a-z]|pypi\.o" r"rg|npmjs\.|registry\.[a-z]+\.[a-z]")


def bad_captions(sources: Iterable[Module], *, longest: int = CAPTION_CHARACTERS) -> Iterator[str]:
    """Modules whose first docstring sentence is missing, unfinished or too long."""
    for module in sources:
        if not module.text.strip():
            continue
        caption = first_sentence(ast.get_docstring(module.tree) or "")
        if not caption:
            yield f"{module.path}: no caption"
        elif len(caption) > longest:
            yield f"{module.path}: {len(caption)} characters in {caption!r}"
        elif caption[-1] not in ".?!:":
            yield f"{module.path}: {caption!r} is no sentence"


def first_sentence(docstring: str) -> str:
    paragraph = " ".join(docstring.split("\n\n")[0].split())
    end = re.search(r"[.?!](?= |$)", paragraph)
    return paragraph[: end.end()] if end else paragraph


def bad_names(root: Path, *parts: str) -> Iterator[str]:
    """Files and folders called after nothing."""
    for path in files(root, *parts):
        relative = path.relative_to(root)
        for name in (*relative.parts[:-1], relative.stem):
            if FORBIDDEN_NAMES & set(re.split(r"[_\-.]", name.lower())):
                yield f"{relative.as_posix()}: the name {name!r}"


def bad_class_names(sources: Iterable[Module]) -> Iterator[str]:
    for module in sources:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ClassDef):
                words = re.findall(r"[A-Z][a-z]+", node.name)
                if FORBIDDEN_NAMES & {word.lower() for word in words}:
                    yield f"{module.path}:{node.lineno}: class {node.name}"


def full_inits(sources: Iterable[Module]) -> Iterator[str]:
    """`__init__.py` files that hold something."""
    return (module.path for module in sources if module.path.endswith("__init__.py") and module.text)


def type_only_imports(sources: Iterable[Module]) -> Iterator[str]:
    """An arrow drawn for the type checker is an arrow."""
    for module in sources:
        for node in ast.walk(module.tree):
            named = isinstance(node, ast.Name) and node.id == "TYPE_CHECKING"
            dotted = isinstance(node, ast.Attribute) and node.attr == "TYPE_CHECKING"
            if named or dotted:
                yield f"{module.path}:{node.lineno}"


def broad_excepts(sources: Iterable[Module]) -> Iterator[str]:
    """Handlers that catch everything; those that raise it again at their end only clean up."""
    for module in sources:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ExceptHandler) and _catches_all(node.type):
                last = node.body[-1]
                if not (isinstance(last, ast.Raise) and last.exc is None):
                    yield f"{module.path}:{node.lineno}"


def _catches_all(caught: ast.expr | None) -> bool:
    return caught is None or (isinstance(caught, ast.Name) and caught.id in ("Exception", "BaseException"))


def loose_tasks(sources: Iterable[Module]) -> Iterator[str]:
    """Tasks that are made without an owner."""
    for module in sources:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Attribute) and node.attr in ("create_task", "ensure_future"):
                yield f"{module.path}:{node.lineno}"


def built_for_values(sources: Iterable[Module]) -> Iterator[str]:
    """Statements built in the very call that gives them values: each call would compile them anew, and keep that."""
    for module in sources:
        for node in ast.walk(module.tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and len(node.args) == 2):
                continue
            if node.func.attr in _EXECUTE and _outermost(node.args[0]) in _BUILD:
                yield f"{module.path}:{node.lineno}"


def _outermost(node: ast.expr) -> str | None:
    """The name of the function or method that is called last."""
    if not isinstance(node, ast.Call):
        return None
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", None)


def left_open(root: Path, *parts: str) -> Iterator[str]:
    """Notes to oneself: a thing is done, or it is written down as missing."""
    return _lines_with(_LEFT_OPEN, root, parts)


def foreign_places(root: Path, *parts: str) -> Iterator[str]:
    return _lines_with(_FOREIGN, root, parts)


def _lines_with(pattern: re.Pattern[str], root: Path, parts: tuple[str, ...]) -> Iterator[str]:
    for path in files(root, *parts):
        if path.suffix not in _READ_FOR_NOTES:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if pattern.search(line):
                yield f"{path.relative_to(root).as_posix()}:{number}: {line.strip()[:80]}"
