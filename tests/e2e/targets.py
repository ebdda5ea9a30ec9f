"""Everything that can be asked, as bad input and the matrix see it.

Read from the operations that the composition root declares, so that a new one is a new target by itself.
"""
import asyncio
import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from config.load import load_settings, prepare_data_dir, with_secrets
from server.app import build_app
from server.core.operation import Operation
from server.handlers.http.downloads import Download
from server.handlers.http.strictness import takes_key
from server.handlers.http.uploads import Upload
from server.handlers.routes import Declared
from tests.e2e.people import Person
from tests.e2e.shapes import Shape

# What may change without anybody having done something: counters, kept answers, what waits to leave.
_BOOKKEEPING = {"attempt", "idempotency_key", "outbox", "lease", "instance_figure", "alembic_version"}
DOCUMENTED = {400, 401, 403, 404, 405, 409, 413, 415, 422, 429}


@dataclass(frozen=True)
class Target:
    """One operation from outside; `declared` is what the composition root knows of it."""

    declared: Declared

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def rpc_name(self) -> str:
        """The method over the live channel, or nothing."""
        return self.declared.name if isinstance(self.declared, Operation) and self.declared.rpc else ""

    @property
    def path(self) -> str:
        return self.declared.path

    @property
    def method(self) -> str:
        match self.declared:
            case Upload():
                return "POST"
            case Download():
                return "GET"
        return self.declared.method

    @property
    def has_http(self) -> bool:
        return not isinstance(self.declared, Operation) or self.declared.rest

    @property
    def is_form(self) -> bool:
        return isinstance(self.declared, Upload)

    @property
    def has_json(self) -> bool:
        return isinstance(self.declared, Operation) and self.method == "POST" and self.has_http

    @property
    def roles(self) -> frozenset[str]:
        return self.declared.roles

    @property
    def takes_key(self) -> bool:
        return isinstance(self.declared, Operation) and takes_key(self.declared)

    @cached_property
    def shape(self) -> Shape:
        return Shape(self.declared.command.model_json_schema())


async def _declared(data_dir: Path) -> list[Declared]:
    settings = load_settings(None, {"PEIHU_DATA_DIR": str(data_dir)})
    prepare_data_dir(settings)
    peihu = build_app(with_secrets(settings), base_url="http://127.0.0.1:0")
    try:
        return [*peihu.operations, *peihu.sandbox_operations]
    finally:
        await peihu.close()


def targets(data_dir: Path) -> list[Target]:
    """All targets; `data_dir` is any directory of one's own."""
    return [Target(one) for one in asyncio.run(_declared(data_dir))]


class Crowd:
    """Somebody for every role, taken in turns: one alone would soon be slowed down."""

    def __init__(self, everybody: list[Person], *, service_key: str) -> None:
        self._by_role: dict[str, list[Person]] = {}
        for person in everybody:
            self._by_role.setdefault(person.user_type, []).append(person)
        self._service_key = service_key

    def headers_for(self, target: Target) -> dict[str, str]:
        """The credentials of somebody who may ask this."""
        if not target.roles:
            return {}
        if target.roles == {"service"}:
            return {"X-Service-Key": self._service_key}
        return {"Authorization": f"Bearer {self.someone(target).token}"}

    def someone(self, target: Target) -> Person:
        role = next(role for role in ("caregiver", "patient", "admin") if role in target.roles)
        waiting = self._by_role[role]
        waiting.append(waiting.pop(0))
        return waiting[-1]


def fingerprint(data_dir: Path) -> dict[str, str]:
    """A hash over every table but bookkeeping, and over the names of all stored files."""
    with closing(sqlite3.connect(f"file:{data_dir / 'peihu.db'}?mode=ro", uri=True)) as store:
        tables = [name for (name,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found = {name: _hash(sorted(map(repr, _rows(store, name)))) for name in tables if name not in _BOOKKEEPING}
    files = sorted(str(path) for path in data_dir.rglob("*") if path.is_file() and "peihu.db" not in path.name)
    return found | {"files": _hash(files)}


def _rows(store: sqlite3.Connection, table: str) -> Iterator[Any]:
    return store.execute(f'SELECT * FROM "{table}"')  # noqa: S608, the name comes from the store itself


def _hash(lines: list[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
