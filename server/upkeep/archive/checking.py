"""Reads an archive as a whole and proves it whole.

Every section must have as many rows as it says, with their digest, in an order that makes sense, and the manifest at
the end must say the same of all of them. What comes out is what goes in; who reads to the end knows that all was right.
"""

from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Any

from server.upkeep.archive.digests import Digest
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
    SECTIONS,
    Record,
)


def checked(records: Iterable[Record], *, name: str) -> Iterator[Record]:
    """The records, each as soon as it is in order. Raises BadArchive."""
    walk = _Walk()
    try:
        for record in records:
            walk.step(*record)
            yield record
    except (ValueError, TypeError, KeyError, AttributeError):
        raise BadArchive(f"{name} contradicts itself: {walk.place}") from None
    if not walk.is_done:
        raise BadArchive(f"{name} has no manifest")


class _Walk:
    """Where a reader stands. Every step raises a ValueError, or one of what strange content raises by itself."""

    def __init__(self) -> None:
        self.place = "its beginning"
        self.is_done = False
        self._is_planned = False
        self._section: tuple[str, str] | None = None  # kind and name
        self._digest = Digest()
        self._size = 0
        self._file: Any = None
        self._file_size = 0
        self._found: dict[str, Any] = {part: {} for part in SECTIONS.values()} | {"files": None}
        self._steps = {
            PLAN: self._plan, ROWS: self._rows, END: self._end, FILES: self._begin_files, FILE: self._begin_file,
            BYTES: self._bytes, END_OF_FILE: self._end_file, MANIFEST: self._manifest,
        }  # fmt: skip

    def step(self, kind: str, *content: Any) -> None:
        _require(not self.is_done and self._is_planned == (kind != PLAN))
        if kind in SECTIONS:
            self._begin_rows(kind, *content)
        else:
            self._steps[kind](*content)

    def _plan(self, plan: dict[str, int]) -> None:
        _require(all(isinstance(units, int) for units in plan.values()))
        self._is_planned = True

    def _begin(self, kind: str, name: str) -> None:
        _require(self._section is None)
        self.place, self._section, self._digest, self._size = f"{kind} {name}".strip(), (kind, name), Digest(), 0

    def _begin_rows(self, kind: str, name: str, _columns: list[Any]) -> None:
        _require(name not in self._found[SECTIONS[kind]])
        self._begin(kind, name)

    def _begin_files(self) -> None:
        _require(self._found["files"] is None)
        self._begin(FILES, "")

    def _rows(self, rows: list[bytes]) -> None:
        _require(self._section is not None and self._section[0] in SECTIONS)
        for row in rows:
            self._digest.add(row)

    def _end(self, count: int, proof: Any) -> None:
        _require(self._section is not None and self._file is None and count == self._digest.count)
        kind, name = self._section or ("", "")
        if kind == FILES:
            _require(proof == self._size)
            self._found["files"] = {"count": count, "size_bytes": proof}
        else:
            _require(proof == self._digest.value)
            self._found[SECTIONS[kind]][name] = {"count": count, "digest": proof}
        self._section = None

    def _begin_file(self, key: str) -> None:
        _require(self._section == (FILES, "") and self._file is None)
        self._file, self._file_size = sha256(), 0
        self._digest.add(key.encode())

    def _bytes(self, piece: bytes) -> None:
        _require(self._file is not None)
        self._file.update(piece)
        self._file_size += len(piece)

    def _end_file(self, size: int, digest: str) -> None:
        _require(self._file is not None and size == self._file_size and digest == self._file.hexdigest())
        self._size += size
        self._file = None

    def _manifest(self, manifest: dict[str, Any]) -> None:
        self.place = "its manifest"
        _require(self._section is None)
        _require(all(manifest[part] == found for part, found in self._found.items()))
        self.is_done = True


def _require(fits: bool) -> None:
    if not fits:
        raise ValueError
