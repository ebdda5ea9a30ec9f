"""Brings an archive back into stores, or changes nothing.

What can be known beforehand is asked first: the key, the versions, whether the place is free. Then the whole archive is
read once and proven whole, before anything is written. What was written is read again and compared with the archive.
"""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import msgpack
from sqlalchemy.engine import Connection

from server.core.errors import Unavailable
from server.core.progress import Progress
from server.storage.migrate import CannotMigrate, known_revisions, migrate
from server.upkeep.archive.checking import checked
from server.upkeep.archive.digests import Digest
from server.upkeep.archive.head import Head
from server.upkeep.archive.problems import BadArchive
from server.upkeep.archive.records import BYTES, END_OF_FILE, FILE, MANIFEST, PLAN, ROWS, TABLE, ArchiveReader, Record
from server.upkeep.documents import Documents, WrongDocuments
from server.upkeep.invariants import INVARIANTS, Finding, findings
from server.upkeep.sql.loading import Loader
from server.upkeep.sql.occupants import NotFree
from server.upkeep.sql.opening import SqlStore, StoreTrouble
from server.upkeep.sql.positions import begin_new_epochs
from server.upkeep.sql.shapes import TableShape
from server.upkeep.sql.snapshot import snapshot_of
from server.upkeep.sql.targets import Target


class CannotRestore(Exception):
    """Why nothing was restored, in one sentence for the operator."""


class Files(Protocol):
    """As much of a FileStore as a restore needs."""

    async def keep(self, key: str, pieces: AsyncIterator[bytes]) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What was done: the archive's head and manifest, the migrations after it, and what the invariants say.

    `set_aside` is where a damaged file that was in the way lies now.
    """

    head: Head
    manifest: dict[str, Any]
    migrated: list[str]
    findings: list[Finding]
    set_aside: Path | None


class Restore:
    """One archive into one place. Every way out but success is CannotRestore."""

    def __init__(
        self, archive: ArchiveReader, *, name: str, sealed_with: str, progress: Progress,
        documents: Documents | None = None,
    ) -> None:  # fmt: skip
        self._archive = archive
        self._documents = documents
        self._name = name
        self._sealed_with = sealed_with
        self._progress = progress

    def verify(self) -> dict[str, Any]:
        """Read everything and change nothing; the manifest."""
        self._require_fit()
        try:
            manifest = None
            for record in self._records("verifying"):
                if record[0] == MANIFEST:
                    manifest = record[1]
        except BadArchive as problem:
            raise CannotRestore(str(problem)) from None
        assert manifest is not None
        return manifest

    async def into(self, target: Target, files: Files, *, replace: bool) -> Restored:
        """Put it there; what was there before is gone then."""
        self._require_fit()
        try:
            with target.alone():
                target.require_free(replace=replace)
                if self._documents is not None:
                    await self._documents.require_free(replace=replace)
                manifest = self.verify()
                return await self._replace(target, files, manifest)
        except (BadArchive, NotFree, StoreTrouble, CannotMigrate, WrongDocuments) as problem:
            raise CannotRestore(str(problem)) from None
        except Unavailable:
            place = self._documents.place if self._documents else "the file store"
            raise CannotRestore(f"{place} does not take what belongs there; see whether it runs and has room") from None
        except OSError as problem:
            raise CannotRestore(f"{problem.filename or target.building.place}: {problem.strerror}") from None

    async def _replace(self, target: Target, files: Files, manifest: dict[str, Any]) -> Restored:
        try:
            migrated, found, mark = await self._build(target, files, manifest)
            target.go_live()
            if self._documents is not None:
                await self._documents.begin_anew(mark)
        except BaseException:  # also when somebody has had enough of it
            target.abandon()
            raise
        return Restored(
            head=self._archive.head, manifest=manifest, migrated=migrated, findings=found, set_aside=target.set_aside
        )

    async def _build(
        self, target: Target, files: Files, manifest: dict[str, Any]
    ) -> tuple[list[str], list[Finding], str]:
        with target.loading(self._archive.head.schema) as loader:
            await _Unpacking(self._records("restoring"), loader, files).run()
        self._compare(target.building, manifest)
        migrated = migrate(target.building.url, tls=target.building.tls, restoring=True)
        with target.building.connected() as connection:
            begin_new_epochs(connection)
            mark = self._documents.mark(connection) if self._documents else ""
            return migrated, list(self._found(connection)), mark

    def _found(self, connection: Connection) -> Iterator[Finding]:
        self._progress.begin("invariants", len(INVARIANTS))
        for one in findings(connection):
            self._progress.advance(1)
            yield one

    def _require_fit(self) -> None:
        head = self._archive.head
        if head.schema not in known_revisions():
            raise CannotRestore(
                f"{self._name} is of a newer version of Peihu (schema {head.schema}, version {head.tool}); "
                "restore it with that one"
            )
        if head.sealed_with != self._sealed_with:
            raise CannotRestore(
                f"what is sealed in {self._name} was sealed with another PEIHU_FIELD_KEY; set the one it was made with"
            )

    def _records(self, what: str) -> Iterator[Record]:
        """All of them, checked. Raises BadArchive."""
        for record in checked(self._archive.records(), name=self._name):
            if record[0] == PLAN:
                self._progress.begin(what, sum(record[1].values()))
            elif record[0] == ROWS:
                self._progress.advance(len(record[1]))
            elif record[0] == END_OF_FILE:
                self._progress.advance(1)
            yield record

    def _compare(self, store: SqlStore, manifest: dict[str, Any]) -> None:
        """What lies in the store now is what the archive says. Raises BadArchive."""
        expected = manifest["tables"]
        self._progress.begin("comparing", sum(one["count"] for one in expected.values()))
        with snapshot_of(store) as snapshot:
            for table in snapshot.tables():
                digest, pack = Digest(), msgpack.Packer(use_bin_type=True).pack
                for rows in snapshot.rows(table):
                    for row in rows:
                        digest.add(pack(row))
                    self._progress.advance(len(rows))
                if table.name in expected and expected[table.name] != {"count": digest.count, "digest": digest.value}:
                    raise BadArchive(f"the rows of {table.name} did not arrive as they were; nothing was put in place")


class _Unpacking:
    """Hands rows to the loader and bytes to the file store, as they come."""

    def __init__(self, records: Iterator[Record], loader: Loader, files: Files) -> None:
        self._records = records
        self._loader = loader
        self._files = files

    async def run(self) -> None:
        for record in self._records:
            kind, *content = record
            if kind == TABLE:
                name, columns = content
                self._loader.table(TableShape(name, tuple((column, of) for column, of in columns)))
            elif kind == ROWS:
                self._loader.rows(map(msgpack.unpackb, content[0]))
            elif kind == FILE:
                await self._files.keep(content[0], self._pieces())

    async def _pieces(self) -> AsyncIterator[bytes]:
        for record in self._records:
            if record[0] == END_OF_FILE:
                return
            assert record[0] == BYTES
            yield record[1]
