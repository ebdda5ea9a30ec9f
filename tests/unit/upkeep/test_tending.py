"""Maintenance finds what is unsound, and stands in nobody's way."""

import asyncio
import threading

import pytest
from sqlalchemy import insert, text

from server.core.clock import server_now
from server.core.ids import new_id
from server.core.progress import Silent
from server.demo.planting import Planter
from server.storage.files.orphans import Orphans
from server.storage.tables.roster import stored_file
from server.upkeep.sql.occupants import NotFree
from server.upkeep.sql.opening import SqlStore
from server.upkeep.tending.compacting import compact
from server.upkeep.tending.figures import size_of, tables_of
from server.upkeep.tending.soundness import complaints_of
from server.upkeep.tending.statistics import refresh_statistics, shorten_log
from tests.stores import make_user


@pytest.fixture
def planted(plant, database, store, io_loop):
    """A store with orders, which nobody has open."""

    async def fill():
        await plant(caregivers=4, orders=100)
        await database.close()

    io_loop.asyncio_loop.run_until_complete(fill())
    return store


@pytest.fixture
def file(embedded, files, io_loop):
    """The same on SQLite, whatever the others run on."""

    async def fill():
        planter = Planter(database=embedded, files=files)
        await planter.plant_generated(caregivers=2, orders=20, seed=3, progress=Silent())
        await embedded.close()

    io_loop.asyncio_loop.run_until_complete(fill())
    return SqlStore(url=embedded.url)


def test_a_sound_store_has_no_complaint_and_is_counted(planted):
    with planted.connected() as connection:
        assert complaints_of(connection, is_sqlite=planted.is_sqlite, progress=Silent()) == []
        told = refresh_statistics(connection, is_sqlite=planted.is_sqlite, progress=Silent())
        assert told == {"tables": told["tables"], "complaints": []} and told["tables"] > 40
        rows = {one["name"]: one["rows"] for one in tables_of(connection, planted, Silent())}
        assert rows["t_order"] == 100 == connection.scalar(text("SELECT count(*) FROM t_order"))
        assert size_of(connection, planted)["bytes"] > 500_000


def test_statistics_are_kept(planted):
    count = "SELECT count(*) FROM sqlite_stat1 WHERE tbl = 't_order'"
    if not planted.is_sqlite:
        count = "SELECT count(*) FROM mysql.innodb_table_stats WHERE table_name = 't_order' AND n_rows > 50"
    with planted.connected() as connection:
        refresh_statistics(connection, is_sqlite=planted.is_sqlite, progress=Silent())
        assert connection.scalar(text(count)) >= 1


def test_an_index_that_somebody_dropped_is_missed(planted):
    on = "" if planted.is_sqlite else " ON channel_event"
    with planted.connected() as connection:
        connection.execute(text(f"DROP INDEX ix_channel_event_at{on}"))
        connection.commit()
        try:
            complaints = complaints_of(connection, is_sqlite=planted.is_sqlite, progress=Silent())
            assert complaints == ["the schema differs: add_index ix_channel_event_at"]
        finally:
            connection.execute(text("CREATE INDEX ix_channel_event_at ON channel_event (at)"))
            connection.commit()


def test_a_row_that_refers_to_nobody_is_found(file):
    with file.connected() as connection:
        noted = "(SELECT order_id FROM service_note LIMIT 1)"
        connection.execute(text(f"DELETE FROM t_order_detail WHERE order_id = {noted}"))
        connection.commit()
        complaints = complaints_of(connection, is_sqlite=True, progress=Silent())
    assert complaints and all("refers to no t_order_detail" in line for line in complaints)


def test_an_index_that_contradicts_its_table_is_found(file):
    with file.connected() as connection:
        connection.exec_driver_sql("PRAGMA writable_schema=ON")
        change = "UPDATE sqlite_master SET sql = replace(sql, '(at)', '(channel)') WHERE name = 'ix_channel_event_at'"
        connection.execute(text(change))
        connection.commit()
    with file.connected() as connection:
        complaints = complaints_of(connection, is_sqlite=True, progress=Silent())
    assert any("missing from index ix_channel_event_at" in line for line in complaints)


async def test_room_of_what_was_deleted_is_given_back(plant, database, store):
    await plant(caregivers=4, orders=200)
    await database.close()
    with store.connected() as connection:
        before = size_of(connection, store)["bytes"]
        connection.execute(text("DELETE FROM channel_event"))
        connection.commit()
        told = compact(connection, store, Silent())
        assert told["complaints"] == []
        if store.is_sqlite:
            assert told["bytes_after"] < told["bytes_before"]
            assert size_of(connection, store)["bytes"] < before and size_of(connection, store)["bytes_free"] == 0


async def test_a_file_that_is_served_is_not_compacted(embedded):
    await make_user(embedded)
    store = SqlStore(url=embedded.url)
    with store.connected() as connection, pytest.raises(NotFree, match="another program has .* open"):
        compact(connection, store, Silent())


async def test_writers_go_on_while_it_is_at_work(database, store, plant):
    """Also behind a reader that keeps the log from being emptied."""
    await plant(caregivers=2, orders=20)
    done = threading.Event()

    def tend():
        try:
            with store.connected() as connection:
                while not done.is_set():
                    refresh_statistics(connection, is_sqlite=store.is_sqlite, progress=Silent())
                    if store.is_sqlite:
                        shorten_log(connection)
        finally:
            done.set()

    tending = asyncio.get_running_loop().run_in_executor(None, tend)
    async with database.read():
        for _ in range(50):
            await asyncio.wait_for(make_user(database), 4.0)
    done.set()
    await tending


async def test_rows_whose_bytes_are_gone_are_counted(database, files):
    user_id = await make_user(database)
    kept = [await files.put(b"x") for _ in range(3)]
    for key in kept:
        row = {
            "file_id": new_id(), "user_id": user_id, "purpose": "chat", "store_key": key, "media_type": "image/jpeg",
            "size_bytes": 1, "sha256": "0" * 64, "created_at": server_now(),
        }  # fmt: skip
        await database.write(lambda tx, row=row: tx.run(insert(stored_file).values(**row)))
    await files.put(b"nobody's")
    orphans = Orphans(store=files, database=database)
    assert await orphans.lost() == 0
    await files.delete(kept[1])
    assert await orphans.lost() == 1
