"""An archive that is not what was written says so, whatever was done to it."""

import os
import struct
from datetime import UTC, datetime

import msgpack
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.upkeep.archive import head as heads
from server.upkeep.archive.checking import checked
from server.upkeep.archive.cipher import CHUNK_BYTES, ChunkReader
from server.upkeep.archive.digests import Digest
from server.upkeep.archive.head import Head, read_head
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
    _inflated,
)

KEY = b"a key of more than thirty-two bytes"


def head(**values):
    made = {"key": "field key", "created_at": datetime.now(UTC), "tool": "1", "schema": "1", "sealed_with": "x"}
    return Head.begin(secret=KEY, **made | values)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "archive"


def write(path, *records, of=None):
    with path.open("wb") as file:
        archive = ArchiveWriter(file, head=of or head(), secret=KEY)
        for record in records:
            archive.put(*record)
        archive.finish()


def read(path, secret=KEY):
    return list(checked(ArchiveReader(path, secret=secret).records(), name=path.name))


def a_table(rows=3, *, size=0):
    """A whole table, and a manifest that fits."""
    packed = [msgpack.packb([number, "x" * size, bytes(64) if not size else b""]) for number in range(rows)]
    digest = Digest()
    for row in packed:
        digest.add(row)
    told = {"count": rows, "digest": digest.value}
    return [
        (PLAN, {"rows": rows}), (TABLE, "t", [["a", ""], ["b", ""], ["c", ""]]), (ROWS, packed),
        (END, rows, digest.value), (MANIFEST, {"tables": {"t": told}, "files": None}),
    ]  # fmt: skip


def chunks_of(content, start):
    """Where each chunk lies: (begin, end)."""
    places = []
    while start < len(content):
        (marked,) = struct.unpack_from(">I", content, start)
        end = start + 4 + (marked & 0x7FFFFFFF)
        places.append((start, end))
        start = end
    return places


@pytest.fixture
def long(path):
    """An archive of several chunks; its bytes and their places."""
    write(path, (TABLE, "t", [["a", ""]]), *[(ROWS, [os.urandom(90_000)]) for _ in range(12)])
    content = path.read_bytes()
    begin = len(b"PEIHU BACKUP\n") + 2 + len(ArchiveReader(path, secret=KEY).head.encoded())
    places = chunks_of(content, begin)
    assert len(places) >= 4
    return content, places


def test_what_is_written_is_read(path):
    records = a_table(rows=1_000, size=2_000)
    write(path, *records)
    assert [tuple(one) for one in read(path)] == records


def test_an_archive_that_ends_early_is_cut_off_wherever_it_ends(path, long):
    content, places = long
    for length in (places[0][0], places[0][0] + 3, places[1][0], places[1][0] + 100, places[-1][0], len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(BadArchive, match="archive is cut off: its end is missing"):
            list(ArchiveReader(path, secret=KEY).records())


def test_a_last_part_that_is_missing_cannot_be_hidden_by_marking_another_as_the_last(path, long):
    content, places = long
    cut = bytearray(content[: places[-2][1]])
    cut[places[-2][0]] |= 0x80
    path.write_bytes(cut)
    with pytest.raises(BadArchive, match="damaged or was altered: part"):
        list(ArchiveReader(path, secret=KEY).records())


def test_parts_that_changed_places_or_came_twice_are_found(path, long):
    content, places = long
    (a, b), (c, d) = places[1], places[2]
    for changed in (
        content[:a] + content[c:d] + content[a:b] + content[d:],
        content[:b] + content[a:],
        content[:a] + content[b:],
    ):
        path.write_bytes(changed)
        with pytest.raises(BadArchive, match=r"damaged or was altered: part [23] "):
            list(ArchiveReader(path, secret=KEY).records())


def test_a_part_of_another_archive_is_not_taken(path, tmp_path, long):
    content, places = long
    other = tmp_path / "other"
    write(other, *a_table(rows=400, size=3_000))
    path.write_bytes(content[: places[0][0]] + other.read_bytes()[places[0][0] :])
    with pytest.raises(BadArchive, match="part 1"):
        list(ArchiveReader(path, secret=KEY).records())


def test_something_behind_the_end_is_found(path, long):
    path.write_bytes(long[0] + b"x")
    with pytest.raises(BadArchive, match="something stands behind its end"):
        list(ArchiveReader(path, secret=KEY).records())


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_any_flipped_bit_is_found(path, place, bit):
    write(path, *a_table(rows=20))
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 1 << bit
    path.write_bytes(content)
    with pytest.raises(BadArchive, match="damaged|altered|cut off|no backup|another key|newer version|behind its end"):
        read(path)


def test_another_key_is_told_from_damage(path):
    write(path, *a_table())
    with pytest.raises(BadArchive, match=r"encrypted with another key \(a field key\); give the one it was made with"):
        ArchiveReader(path, secret=b"another key")


def test_a_file_of_another_kind_and_a_missing_one_are_refused(path, tmp_path):
    path.write_bytes(b"SQLite format 3\0")
    with pytest.raises(BadArchive, match="archive is no backup of Peihu"):
        ArchiveReader(path, secret=KEY)
    path.write_bytes(b"")
    with pytest.raises(BadArchive, match="is no backup of Peihu"):
        ArchiveReader(path, secret=KEY)
    with pytest.raises(BadArchive, match="cannot be read"):
        ArchiveReader(tmp_path / "nowhere", secret=KEY)


def test_a_format_of_the_future_is_named(path, monkeypatch):
    future = head(tool="9.9")
    monkeypatch.setattr(heads, "FORMAT", 2)
    write(path, *a_table(), of=Head(**{name: getattr(future, name) for name in Head.__slots__} | {"format": 2}))
    monkeypatch.undo()
    with pytest.raises(BadArchive, match=r"written by a newer version of Peihu \(9.9, format 2\)"):
        ArchiveReader(path, secret=KEY)


@pytest.mark.parametrize(
    "change",
    [
        lambda records: records[:-1],  # no manifest
        lambda records: [*records, records[-1]],
        lambda records: records[1:],  # no plan
        lambda records: [records[0], *records],  # two of them
        lambda records: [(PLAN, 5), *records[1:]],
        lambda records: [(PLAN, {"rows": "many"}), *records[1:]],
        lambda records: [*records[:2], *records[3:]],  # no rows
        lambda records: [records[0], records[2], *records[1:]],  # rows of no table
        lambda records: [*records[:2], *records[1:]],
        lambda records: [*records[:3], (END, 3, "0" * 64), records[4]],
        lambda records: [*records[:3], (END, 4, records[3][2]), records[4]],
        lambda records: [*records[:4], (MANIFEST, {"tables": {}, "files": None})],
        lambda records: [records[0], (END, 0, 0), *records[1:]],
        lambda records: [records[0], ("novelty", 1), *records[1:]],
        lambda records: [records[0], (TABLE,), *records[1:]],
        lambda records: [records[0], 5, *records[1:]],
        lambda records: [records[0], ([1], 5), *records[1:]],
        lambda records: [*records[:2], (END, 0, records[3][2]), *records[2:]],
        lambda records: [*records[:4], (FILES,), (FILE, "x"), (END, 1, 0), records[4]],  # a file without an end
        lambda records: [*records[:4], (FILES,), (BYTES, b"x"), (END, 0, 0), records[4]],
        lambda records: [*records[:4], (FILES,), (FILE, 5), (END_OF_FILE, 0, ""), (END, 1, 0), records[4]],
    ],
)
def test_an_archive_that_contradicts_itself_is_refused(path, change):
    records = change(a_table())
    with path.open("wb") as file:
        archive = ArchiveWriter(file, head=head(), secret=KEY)
        for record in records:
            archive.put(*record) if isinstance(record, tuple) else archive._chunks.write(
                archive._compressor.compress(msgpack.packb(record))
            )
        archive.finish()
    with pytest.raises(BadArchive, match="contradicts itself|no manifest"):
        read(path)


def test_a_digest_does_not_depend_on_the_order_but_on_every_row():
    def digest(*rows):
        made = Digest()
        for row in rows:
            made.add(row)
        return made.value

    assert digest(b"a", b"b", b"c") == digest(b"c", b"a", b"b")
    assert len({digest(), digest(b"a"), digest(b"a", b"a"), digest(b"a", b"b"), digest(b"ab")}) == 5


def test_no_more_than_some_chunks_are_held(path):
    """A long row of equal bytes shrinks to nothing; it does not come back in one piece."""
    write(path, (TABLE, "t", []), (ROWS, [b"\0" * (20 * CHUNK_BYTES)]))
    with path.open("rb") as file:
        head_read, encoded = read_head(file, name="x")
        chunks = ChunkReader(file, key=head_read.purpose_key(KEY, "content"), head=encoded, name="x")
        assert max(map(len, _inflated(chunks))) <= 1024 * 1024
