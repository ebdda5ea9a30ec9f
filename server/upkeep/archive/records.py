"""An archive's records: msgpack, compressed, sealed.

    [plan, {what: units}]  how much is to come, for who shows progress
    [table, name, [[column, kind], …]]  then [rows, [row, …]] …, then [end, count, digest]
    [files]  then for each [file, key], [bytes, …] …, [end of file, size, sha256]; at last [end, count, size]
    [manifest, {…}]  the last one, with every section's count and digest once more

A row is packed by itself, so its bytes are digested as they are kept. Reading and writing hold a chunk and a record.

What lives in another kind of store comes in one of two ways. What some configurations keep in SQL (a channel's
events, behaviour) travels as rows of that table wherever it lies, so that an archive fits every configuration. What
has no table gets a kind of section of its own: a name beside TABLE, an entry in SECTIONS, and rows of any shape; it is
counted, digested and named in the manifest as tables are. Whoever restores must know every kind, so FORMAT in `head.py`
rises with a new one, and a program that is older says so.
"""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import msgpack

from server.upkeep.archive.cipher import ChunkReader, ChunkWriter
from server.upkeep.archive.head import Head, read_head
from server.upkeep.archive.problems import BadArchive

PLAN = "plan"
TABLE, ROWS, END = "table", "rows", "end"
FILES, FILE, BYTES, END_OF_FILE = "files", "file", "bytes", "end of file"
MANIFEST = "manifest"

SECTIONS = {TABLE: "tables"}  # what holds rows, and where the manifest speaks of it

Record = list[Any]

# What is sealed already hardly shrinks: a higher level costs four times the time for a twentieth of the size.
_LEVEL = 1
_RECORD_BYTES = 64 * 1024 * 1024  # no row is as long: MySQL's longest text has 16 MiB
_PIECE_BYTES = 1024 * 1024


class ArchiveWriter:
    """Writes records; only after `finish` is it an archive."""

    def __init__(self, file: BinaryIO, *, head: Head, secret: bytes) -> None:
        head.write(file)
        self._chunks = ChunkWriter(file, key=head.purpose_key(secret, "content"), head=head.encoded())
        self._compressor = zlib.compressobj(_LEVEL)
        self._packer = msgpack.Packer(use_bin_type=True)

    def put(self, *record: Any) -> None:
        self._chunks.write(self._compressor.compress(self._packer.pack(record)))

    def finish(self) -> None:
        self._chunks.write(self._compressor.flush())
        self._chunks.finish()


class ArchiveReader:
    """Reads an archive from its beginning, as often as `records` is called."""

    def __init__(self, path: Path, *, secret: bytes) -> None:
        self._path = path
        self._secret = secret
        with self._opened() as file:
            self.head, _ = read_head(file, name=path.name)
        if not self.head.fits(secret):
            raise BadArchive(
                f"{path.name} was encrypted with another key (a {self.head.key}); "
                "give the one it was made with: PEIHU_FIELD_KEY, or --key-file"
            )

    @property
    def size_bytes(self) -> int:
        return self._path.stat().st_size

    def _opened(self) -> BinaryIO:
        try:
            return self._path.open("rb")
        except OSError as problem:
            raise BadArchive(f"{self._path} cannot be read ({problem.strerror})") from None

    def records(self) -> Iterator[Record]:
        """Every record, in order; the last is the manifest. Raises BadArchive."""
        with self._opened() as file:
            head, encoded = read_head(file, name=self._path.name)
            key = head.purpose_key(self._secret, "content")
            chunks = ChunkReader(file, key=key, head=encoded, name=self._path.name)
            unpacker = msgpack.Unpacker(raw=False, max_buffer_size=_RECORD_BYTES)
            try:
                for piece in _inflated(chunks):
                    unpacker.feed(piece)
                    yield from unpacker
            except (zlib.error, msgpack.UnpackException, ValueError):
                # Sealed as it stands, so it was written so.
                raise BadArchive(f"{self._path.name} holds what this version cannot read") from None


def _inflated(chunks: ChunkReader) -> Iterator[bytes]:
    inflater = zlib.decompressobj()
    while (chunk := chunks.read()) is not None:
        while chunk:
            yield inflater.decompress(chunk, _PIECE_BYTES)
            chunk = inflater.unconsumed_tail
    yield inflater.flush()
    if not inflater.eof:
        raise zlib.error
