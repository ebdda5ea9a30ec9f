"""What the code declares: operations, codes, settings, columns.

Read from syntax trees, so that a page about the code can be compared with it while nothing runs.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.shape.source import Module

_RAISED = {"Refused", "CommittedRefusal"}
_POSTED = {"Upload": "POST", "Download": "GET"}
_PATH = re.compile(r"/[A-Za-z0-9_{}/.-]*")


@dataclass(frozen=True)
class Declared:
    """One operation, upload or download, and where it stands."""

    method: str
    path: str
    place: str

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


def operations(sources: Iterable[Module]) -> list[Declared]:
    """Every `Operation`, `Upload` and `Download` whose path is written out, in the order of files."""
    found = []
    for module in sources:
        named = _assigned(module)
        for call in _calls(module):
            parts = [named.get(part.id, part) if isinstance(part, ast.Name) else part for part in call.args[:2]]
            texts = [part.value for part in parts if isinstance(part, ast.Constant)]
            place = f"{module.path}:{call.lineno}"
            if _name(call) == "Operation" and len(texts) == 2:
                found.append(Declared(texts[0], texts[1], place))
            elif _name(call) in _POSTED and texts:
                found.append(Declared(_POSTED[_name(call)], texts[0], place))
    return found


def plain_paths(sources: Iterable[Module]) -> set[str]:
    """Texts that look like an address: routes that are no operations (`/healthz`, the socket)."""
    paths = set()
    for module in sources:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = node.value.removesuffix("$").replace("\\", "")
                if _PATH.fullmatch(text):
                    paths.add(text)
    return paths


def repeated(declared: Iterable[Declared]) -> Iterator[str]:
    first: dict[str, str] = {}
    for one in declared:
        if one.name in first:
            yield f"{one.place}: {one.name} stands at {first[one.name]} already"
        first.setdefault(one.name, one.place)


def refused_codes(sources: Iterable[Module]) -> dict[str, str]:
    """Every code that is raised by name or promised in `refusals`, with one place of it."""
    codes: dict[str, str] = {}
    for module in sources:
        named = _assigned(module)
        for call in _calls(module):
            raised = call.args[:1] if _name(call) in _RAISED else []
            promised = [word.value for word in call.keywords if word.arg == "refusals"]
            for value in [*raised, *promised]:
                for code in _codes_in(value, named):
                    codes.setdefault(code, f"{module.path}:{call.lineno}")
    return codes


def keys_of(module: Module, name: str) -> set[str]:
    """The text keys of a dict that is assigned to `name` at the top of a module."""
    for node in module.tree.body:
        target = node.target if isinstance(node, ast.AnnAssign) else None
        if isinstance(node, ast.Assign):
            target = node.targets[0]
        if isinstance(target, ast.Name) and target.id == name and isinstance(node.value, ast.Dict):
            return {key.value for key in node.value.keys if isinstance(key, ast.Constant)}
    raise LookupError(f"{module.path} has no dict {name}")


def columns(sources: Iterable[Module]) -> set[str]:
    """`table.column` of every table that is described."""
    found = set()
    for module in sources:
        for call in _calls(module):
            if _name(call) == "Table":
                table = call.args[0].value
                for part in call.args[2:]:
                    if isinstance(part, ast.Call) and _name(part) in ("Column", "key", "ref", "serial"):
                        found.add(f"{table}.{part.args[0].value}")
    return found


def settings(module: Module) -> set[str]:
    """Dotted names of all settings: `ws.ping_interval_s`, `port`."""
    classes = {node.name: node for node in module.tree.body if isinstance(node, ast.ClassDef)}

    def names(class_name: str, prefix: str) -> Iterator[str]:
        for node in classes[class_name].body:
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                kind = ast.unparse(node.annotation)
                if kind in classes:
                    yield from names(kind, f"{prefix}{node.target.id}.")
                elif node.target.id != "model_config":
                    yield prefix + node.target.id

    return set(names("Settings", ""))


def _calls(module: Module) -> Iterator[ast.Call]:
    return (node for node in ast.walk(module.tree) if isinstance(node, ast.Call))


def _name(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def _assigned(module: Module) -> dict[str, ast.expr]:
    assigned = (node for node in ast.walk(module.tree) if isinstance(node, ast.Assign))
    return {node.targets[0].id: node.value for node in assigned if isinstance(node.targets[0], ast.Name)}


def _codes_in(value: ast.expr, named: dict[str, ast.expr], depth: int = 3) -> Iterator[str]:
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield value.value
    elif isinstance(value, ast.Name) and value.id in named and depth:
        yield from _codes_in(named[value.id], named, depth - 1)
    elif isinstance(value, ast.Starred):
        yield from _codes_in(value.value, named, depth)
    elif isinstance(value, ast.IfExp):
        yield from _codes_in(value.body, named, depth)
        yield from _codes_in(value.orelse, named, depth)
    elif isinstance(value, ast.Tuple | ast.List):
        for part in value.elts:
            yield from _codes_in(part, named, depth)
