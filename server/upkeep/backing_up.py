"""Writes an archive of all stores as they are at one moment.

The SQL store's snapshot decides the moment. A file's bytes are there before its row and stay as long as it, so the
files of the snapshot's rows are those of the moment, too.
"""

import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import msgpack

from server.core.errors import Unavailable
from server.core.progress import Progress
from server.storage.documents.belonging import MARK
from server.storage.files.port import MissingFile
from server.storage.migrate import known_revisions
from server.storage.tables.roster import stored_file
from server.upkeep.archive.checking import checked
from server.upkeep.archive.digests import Digest
from server.upkeep.archive.head import Head
from server.upkeep.archive.problems import BadArchive
from server.upkeep.archive.records import (
    BYTES,
    END,
    END_OF_FILE,
    FILE,
    FILES,
    MANIFEST,
    PLAN,
    ROWS,
    TABLE,
    ArchiveReader,
    ArchiveWriter,
)
from server.upkeep.documents import Documents, WrongDocuments, without_border
from server.upkeep.sql.opening import SqlStore, StoreTrouble
from server.upkeep.sql.shapes import PLAIN, TableShape
from server.upkeep.sql.snapshot import Snapshot, snapshot_of

SUFFIX, DRAFT = ".peihu", ".draft"
_KEYS = TableShape(stored_file.name, ((stored_file.c.store_key.name, PLAIN),))
_RECORD_BYTES = 1024 * 1024  # of rows in one record, beside the last one
_MISSING_NAMED = 10


class CannotBackUp(Exception):
    """Why no backup was made, in one sentence for the operator."""


class Files(Protocol):
    """As much of a FileStore as a backup needs."""

    def pieces(self, key: str) -> AsyncIterator[bytes]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """What an archive is encrypted with, and what people call it ("field key", "key file")."""

    key: bytes
    called: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whose stores these are: the program's version, the field key's id, and the fingerprint it leaves there."""

    tool: str
    sealed_with: str
    field_key_print: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """An archive that was made, and what it holds."""

    path: Path
    head: Head
    manifest: dict[str, Any]
    size_bytes: int

    @property
    def rows(self) -> int:
        return sum(one["count"] for one in self.manifest["tables"].values())

    @property
    def missing_files(self) -> int:
        """Rows that name bytes which are not there."""
        return int(self.manifest["missing_files"]["count"])


def place_for(destination: str, at: datetime) -> Path:
    """The archive's path: a name of the time in a directory, else the destination itself. Raises CannotBackUp."""
    path = Path(destination)
    try:
        if path.is_dir() or destination.endswith(os.sep):
            path = path / f"peihu-{at:%Y%m%dT%H%M%SZ}{SUFFIX}"
        if path.exists():
            raise CannotBackUp(f"{path} is there already; a backup is never overwritten")
        if not path.parent.is_dir():
            raise CannotBackUp(f"the directory {path.parent} is not there")
    except OSError as problem:
        raise CannotBackUp(f"{path} cannot be written ({problem.strerror})") from None
    return path


class Backup:
    """One backup, into one file that appears under its name when it is whole and was read back."""

    def __init__(
        self, *, store: SqlStore, files: Files, secret: Secret, owner: Owner, progress: Progress,
        documents: Documents | None = None,
    ) -> None:  # fmt: skip
        self._store = store
        self._files = files
        self._documents = documents
        self._secret = secret
        self._owner = owner
        self._progress = progress

    async def write(self, path: Path, *, at: datetime) -> Made:
        """Raises CannotBackUp; then nothing is left behind."""
        if not self._store.exists():
            raise CannotBackUp(f"there is no database at {self._store.path}")
        draft = draft_of(path)
        try:
            try:
                head, manifest = await self._fill(draft, at)
                self._read_back(draft)
                _appear(draft, path)
            finally:
                draft.unlink(missing_ok=True)
        except OSError as problem:
            raise CannotBackUp(f"{path} cannot be written ({problem.strerror})") from None
        except (StoreTrouble, WrongDocuments) as problem:
            raise CannotBackUp(str(problem)) from None
        except Unavailable:
            place = self._documents.place if self._documents else "the file store"
            raise CannotBackUp(f"{place} does not give what lies there; see whether it runs") from None
        return Made(path=path, head=head, manifest=manifest, size_bytes=path.stat().st_size)

    async def _fill(self, draft: Path, at: datetime) -> tuple[Head, dict[str, Any]]:
        with snapshot_of(self._store) as snapshot, _private(draft) as file:
            head = self._head(snapshot, at)
            await self._require_documents(snapshot)
            archive = ArchiveWriter(file, head=head, secret=self._secret.key)
            content = _Content(snapshot, archive, self._progress, self._documents)
            manifest = await content.tables() | await content.files(self._files)
            archive.put(MANIFEST, manifest)
            archive.finish()
            file.flush()
            os.fsync(file.fileno())
        return head, manifest

    def _head(self, snapshot: Snapshot, at: datetime) -> Head:
        place, revision = self._store.place, snapshot.revision
        if snapshot.is_half_restored:
            raise CannotBackUp(f"{place} is half full of a restore that was cut off; restore it again first")
        if revision is None:
            raise CannotBackUp(f"the database {place} is empty: nobody has migrated it yet")
        if revision not in known_revisions():
            raise CannotBackUp(f"the database is of a newer version of Peihu ({revision}); back it up with that one")
        if snapshot.fingerprint("field_key") not in (None, self._owner.field_key_print):
            raise CannotBackUp(f"PEIHU_FIELD_KEY is not the one with which the instances on {place} seal; give that")
        return Head.begin(
            secret=self._secret.key, key=self._secret.called, created_at=at, tool=self._owner.tool, schema=revision,
            sealed_with=self._owner.sealed_with,
        )  # fmt: skip

    async def _require_documents(self, snapshot: Snapshot) -> None:
        if self._documents is not None:
            await self._documents.require_those_of(snapshot)
        elif snapshot.fingerprint(MARK) is not None:
            raise CannotBackUp("PEIHU_MONGO_URL is needed: documents and files of this database are in MongoDB")

    def _read_back(self, draft: Path) -> None:
        try:
            for record in checked(ArchiveReader(draft, secret=self._secret.key).records(), name=draft.name):
                if record[0] == PLAN:
                    self._progress.begin("reading back", sum(record[1].values()))
                elif record[0] in (ROWS, END_OF_FILE):
                    self._progress.advance(len(record[1]) if record[0] == ROWS else 1)
        except BadArchive as problem:
            raise CannotBackUp(f"what was written does not read back ({problem}); look at the disk") from None


class _Content:
    """Puts what is there at one moment into an archive."""

    def __init__(
        self, snapshot: Snapshot, archive: ArchiveWriter, progress: Progress, documents: Documents | None
    ) -> None:
        self._snapshot = snapshot
        self._archive = archive
        self._progress = progress
        self._documents = documents
        self._shapes = snapshot.tables()
        self._rows = {shape.name: snapshot.count(shape) for shape in self._shapes}
        self._files = self._rows[_KEYS.name] if _KEYS.name in self._rows else 0

    async def tables(self) -> dict[str, Any]:
        """Begins the archive; the tables' part of the manifest."""
        total = sum(self._rows.values())
        self._archive.put(PLAN, {"rows": total, "files": self._files})
        self._progress.begin("rows", total)
        return {"tables": {shape.name: await self._table(shape) for shape in self._shapes}}

    async def _table(self, shape: TableShape) -> dict[str, Any]:
        self._archive.put(TABLE, shape.name, shape.columns)
        digest = Digest()
        for rows in self._snapshot.rows(shape):
            self._put(rows, shape, digest)
        if digest.count != self._rows[shape.name]:
            raise AssertionError("the stream of rows is not the table")
        if self._documents is not None:
            async for rows in self._documents.rows_of(shape, self._snapshot):
                self._put(rows, shape, digest)
        self._archive.put(END, digest.count, digest.value)
        return {"count": digest.count, "digest": digest.value}

    def _put(self, rows: list[list[Any]], shape: TableShape, digest: Digest) -> None:
        pack = msgpack.Packer(use_bin_type=True).pack
        for packed in _some(pack(without_border(shape, row)) for row in rows):
            for row in packed:
                digest.add(row)
            self._archive.put(ROWS, packed)
        self._progress.advance(len(rows))

    async def files(self, files: Files) -> dict[str, Any]:
        """Their part of the manifest."""
        count, total, missing, named = 0, 0, 0, []
        self._progress.begin("files", self._files)
        self._archive.put(FILES)
        for rows in self._snapshot.rows(_KEYS) if self._files else ():
            for (key,) in rows:
                size = await self._file(files, key)
                if size is None:
                    missing += 1
                    named += [key] if len(named) < _MISSING_NAMED else []
                else:
                    count, total = count + 1, total + size
                self._progress.advance(1)
        self._archive.put(END, count, total)
        return {"files": {"count": count, "size_bytes": total}, "missing_files": {"count": missing, "some": named}}

    async def _file(self, files: Files, key: str) -> int | None:
        """Its size, or None when its bytes are gone."""
        size, digest = 0, sha256()
        try:
            async for piece in files.pieces(key):
                if size == 0:
                    self._archive.put(FILE, key)
                self._archive.put(BYTES, piece)
                size += len(piece)
                digest.update(piece)
        except MissingFile:
            return None
        if size == 0:
            self._archive.put(FILE, key)
        self._archive.put(END_OF_FILE, size, digest.hexdigest())
        return size


def _some(packed: Iterator[bytes]) -> Iterator[list[bytes]]:
    """As many rows at once as a record may hold."""
    waiting, size = [], 0
    for row in packed:
        waiting.append(row)
        size += len(row)
        if size >= _RECORD_BYTES:
            yield waiting
            waiting, size = [], 0
    if waiting:
        yield waiting


def draft_of(path: Path) -> Path:
    """Under which name this process writes an archive before it is whole."""
    return path.with_name(f".{path.name}.{os.getpid()}{DRAFT}")


def _private(path: Path) -> BinaryIO:
    """For its owner only."""
    path.unlink(missing_ok=True)  # a process of the same number may have left one
    return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _appear(draft: Path, path: Path) -> None:
    """Under its name, for good, and never in the place of another."""
    if path.exists():
        raise CannotBackUp(f"{path} came to be meanwhile; a backup is never overwritten")
    os.replace(draft, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
