"""The steps over a SQL store, each on a connection of its own."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from sqlalchemy.engine import Connection

from server.core.progress import Progress
from server.upkeep.invariants import INVARIANTS, findings
from server.upkeep.sql.occupants import served_for_s
from server.upkeep.sql.opening import SqlStore
from server.upkeep.tending.compacting import compact, require_compactable
from server.upkeep.tending.figures import size_of, tables_of
from server.upkeep.tending.soundness import complaints_of
from server.upkeep.tending.statistics import refresh_statistics, shorten_log


class Steps:
    """What comes out of a step lies in `found` under its name, and how long it took in `found["took_s"]`.

    All raise StoreTrouble; the first two also NotFree.
    """

    def __init__(self, store: SqlStore, *, progress: Progress) -> None:
        self._store = store
        self._progress = progress
        self.found: dict[str, Any] = {"took_s": {}}

    def require_compactable(self) -> None:
        with self._store.connected() as connection:
            require_compactable(connection, self._store)

    def compact(self) -> None:
        self._step("compacted", lambda connection: compact(connection, self._store, self._progress))

    def look_after(self) -> None:
        """All but that."""
        store, progress = self._store, self._progress
        self._step("statistics", lambda one: refresh_statistics(one, is_sqlite=store.is_sqlite, progress=progress))
        if store.is_sqlite:
            self._step("log", shorten_log)
        self._step("integrity", lambda one: complaints_of(one, is_sqlite=store.is_sqlite, progress=progress))
        self._step("invariants", self._findings)
        self._step("tables", lambda one: tables_of(one, store, progress))
        self._step("size", lambda one: size_of(one, store))
        self._step("is_served", lambda one: served_for_s(one) > 0)

    def _findings(self, connection: Connection) -> list[dict[str, Any]]:
        self._progress.begin("invariants", len(INVARIANTS))
        found = []
        for one in findings(connection):
            found.append(asdict(one))
            self._progress.advance(1)
        connection.rollback()
        return found

    def _step(self, name: str, work: Callable[[Connection], Any]) -> None:
        with self.timed(name), self._store.connected() as connection:
            self.found[name] = work(connection)

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """A step that somebody else does."""
        begun = time.monotonic()
        yield
        self.found["took_s"][name] = round(time.monotonic() - begun, 3)
