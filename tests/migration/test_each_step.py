"""Each version's migration, back and forth, over rows in every table."""

import msgpack
import pytest
from sqlalchemy import inspect
from sqlalchemy.engine import make_url

from server.core.progress import Silent
from server.storage.migrate import known_revisions, migrate
from server.upkeep.archive.digests import Digest
from server.upkeep.invariants import findings
from server.upkeep.sql.opening import SqlStore
from server.upkeep.sql.shapes import TableShape
from server.upkeep.sql.snapshot import snapshot_of
from server.upkeep.tending.soundness import complaints_of

# Migrations after which an older program cannot go on, and why all were stopped for them.
BREAKING: dict[str, str] = {}
FIRST_RELEASED = "0008_receipts"  # before it nobody had rows


def shapes_of(store):
    with snapshot_of(store) as snapshot:
        return {shape.name: shape for shape in snapshot.tables()}


def digests(store, shapes):
    """Of these tables with these columns, whatever else there is."""
    found = {}
    with snapshot_of(store) as snapshot:
        for shape in shapes.values():
            digest = Digest()
            for rows in snapshot.rows(shape):
                for row in rows:
                    digest.add(msgpack.packb(row))
            found[shape.name] = (digest.count, digest.value)
    return found


def in_common(ones, others):
    """What both know: tables with the columns that they share."""
    shared = {}
    for name in ones.keys() & others.keys():
        columns = tuple(sorted(set(ones[name].columns) & set(others[name].columns)))
        shared[name] = TableShape(name, columns)
    return shared


@pytest.mark.slow
def test_each_step_back_and_forth_keeps_what_both_versions_know(full):
    url, newest_first = full.url, known_revisions()
    for newer, older in zip(newest_first, newest_first[1:], strict=False):
        above = shapes_of(full)
        assert migrate(url, to=older) == [newer]
        below = shapes_of(full)
        known = in_common(above, below)
        kept = digests(full, known)
        assert sum(count for count, _ in kept.values()) > 0
        assert migrate(url, to=newer) == [newer]
        assert digests(full, known) == kept, f"{newer} changes rows that {older} knows"
        assert shapes_of(full) == above
        assert migrate(url, to=older) == [newer]
        assert digests(full, known) == kept, f"going back from {newer} loses rows that {older} knows"
    assert migrate(url)[-1] == newest_first[0]
    with full.connected() as connection:
        assert complaints_of(connection, is_sqlite=full.is_sqlite, progress=Silent()) == []


def test_going_back_by_one_and_forward_again_is_the_same_store(full):
    """What an operator does who upgraded too early: version N + 1, N, N + 1."""
    newest, before = known_revisions()[:2]
    migrate(full.url, to=before)
    known = shapes_of(full)
    kept = digests(full, known)
    migrate(full.url)
    assert digests(full, known) == kept
    with full.connected() as connection:
        assert complaints_of(connection, is_sqlite=full.is_sqlite, progress=Silent()) == []
        made_up = {"x"}  # rows that were only made to be there
        broken = [one for one in findings(connection) if set(one.examples) - made_up]
    assert broken == []


def columns_of(store):
    """By table: each column's type, and whether who does not know it may leave it out."""
    with store.connected() as connection:
        inspector = inspect(connection)
        return {
            table: {
                one["name"]: (str(one["type"]), one["nullable"] or one["default"] is not None)
                for one in inspector.get_columns(table)
            }
            for table in inspector.get_table_names()
        }


def what_breaks(older, newer):
    """What a program of the older version could not do on the newer schema."""
    for table, columns in older.items():
        there = newer.get(table)
        if there is None:
            yield f"{table} is gone"
            continue
        for name, (kind, _) in columns.items():
            if there.get(name, ("",))[0] != kind:
                yield f"{table}.{name} is gone or of another type"
        yield from (f"{table}.{name} must be given" for name in there.keys() - columns if not there[name][1])


def test_a_migration_leaves_the_programs_that_still_run_their_tables(tmp_path):
    """A roll migrates while old processes serve (docs/operations.md, Upgrade)."""
    store = SqlStore(url=make_url(f"sqlite+aiosqlite:///{tmp_path / 'peihu.db'}"))
    oldest_first = known_revisions()[::-1]
    migrate(store.url, to=FIRST_RELEASED)
    before = columns_of(store)
    for revision in oldest_first[oldest_first.index(FIRST_RELEASED) + 1 :]:
        migrate(store.url, to=revision)
        after = columns_of(store)
        assert revision in BREAKING or list(what_breaks(before, after)) == [], revision
        before = after


def test_what_breaks_an_older_program_is_seen():
    older = {"t": {"a": ("TEXT", False)}, "gone": {"a": ("TEXT", True)}}
    newer = {"t": {"a": ("INTEGER", False), "b": ("TEXT", False), "c": ("TEXT", True)}}
    assert sorted(what_breaks(older, newer)) == [
        "gone is gone", "t.a is gone or of another type", "t.b must be given"
    ]  # fmt: skip
