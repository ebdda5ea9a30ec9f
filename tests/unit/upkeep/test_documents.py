"""What lives in MongoDB is in the archive, whatever moves meanwhile, and comes back anywhere."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import insert, select

from server.core.clock import server_now
from server.core.ids import new_id
from server.core.progress import Silent
from server.storage.agreement import fingerprint
from server.storage.behaviour.documents import BehaviourDocuments
from server.storage.behaviour.mongo import MongoBehaviourLog
from server.storage.channel_log.settled import SettledEvents
from server.storage.documents.address import read_address
from server.storage.documents.belonging import ForeignDocuments, admit
from server.storage.documents.mongo import Mongo, MongoOptions
from server.storage.files.disk import DiskFiles
from server.storage.files.gridfs import GridFsFiles
from server.storage.sql import Database
from server.storage.tables.roster import stored_file
from server.storage.tables.system import behaviour_event, channel_head
from server.upkeep.archive.records import ArchiveReader
from server.upkeep.backing_up import Backup, CannotBackUp, Owner
from server.upkeep.documents import Documents
from server.upkeep.restoring import CannotRestore, Restore
from server.upkeep.sql.targets import target_for
from tests.stores import make_user
from tests.two_stores import TwoStores, numbers

from .conftest import AT

pytestmark = pytest.mark.services

_FAR = 10**9
_CHANNELS = {"order:1": range(1, 8), "order:2": range(1, 4), "user:1": range(1, 31)}


@pytest.fixture
def mongo(io_loop, mongo_url, database):
    """The documents of `database`."""
    mongo = Mongo(read_address(mongo_url), options=MongoOptions())
    io_loop.run_sync(lambda: admit(mongo, database))
    yield mongo
    mongo.close()


@pytest.fixture
def world(io_loop, database, mongo):
    """Channels whose older part has moved, and a file."""
    world = TwoStores(database, mongo)
    world.files = GridFsFiles(mongo=mongo)

    async def fill():
        for channel, given in _CHANNELS.items():
            await world.append(channel, *given)
        world.behaviour = MongoBehaviourLog(database=database, documents=BehaviourDocuments(mongo=mongo))
        await _visit(world, "moved", 7)
        await world.behaviour.move()
        await _visit(world, "waits", 3)
        await world.settling(beyond=3).run_once()
        world.key = await world.files.put(b"a picture" * 50_000)
        row = {
            "file_id": new_id(), "user_id": await make_user(database), "purpose": "chat", "store_key": world.key,
            "media_type": "image/jpeg", "size_bytes": 1, "sha256": "0" * 64, "created_at": server_now(),
        }  # fmt: skip
        await database.write(lambda tx: tx.run(insert(stored_file).values(**row)))

    io_loop.run_sync(fill)
    return world


async def _visit(world, page, times):
    values = {"user_id": "u", "kind": "view", "page": page, "entered_at": server_now(), "duration_ms": 1}
    rows = [{"event_id": new_id(), "detail": "密", **values} for _ in range(times)]
    await world.database.write(lambda tx: world.behaviour.add(tx, rows))


async def _visited(database):
    """Pages in the SQL store, and what else is known of the visits."""
    async with database.read() as tx:
        rows = await tx.all(select(behaviour_event))
    assert {(row["detail"], row["duration_ms"], row["entered_at"].utcoffset().seconds) for row in rows} == {("密", 1, 0)}
    return Counter(row["page"] for row in rows)


@pytest.fixture
def back_up(world, store, secret, keys, tmp_path, mongo):
    async def back_up(documents=None, *, files=None):
        owner = Owner(tool="test", sealed_with=keys.key_id, field_key_print=fingerprint("field_key", "k" * 32))
        documents = documents or Documents(mongo, keys=keys)
        work = Backup(
            store=store, files=files or world.files, secret=secret, owner=owner, progress=Silent(), documents=documents
        )
        return (await work.write(tmp_path / "archive.peihu", at=AT)).path

    return back_up


@pytest.fixture
def restore(secret, keys):
    async def restore(path, into, *, files, documents=None, replace=False):
        archive = ArchiveReader(path, secret=secret.key)
        work = Restore(archive, name=path.name, sealed_with=keys.key_id, progress=Silent(), documents=documents)
        return await work.into(target_for(into), files, replace=replace)

    return restore


@pytest.fixture
def on_disk(tmp_path):
    with ThreadPoolExecutor(1) as executor:
        yield DiskFiles(directory=tmp_path / "restored", executor=executor)


@asynccontextmanager
async def _opened(store, keys):
    database = Database(store.url.render_as_string(hide_password=False), keys=keys, readers=1, acquire_timeout_s=10.0)
    try:
        yield database
    finally:
        await database.close()


async def _everything(stores):
    return {name: numbers(await stores.reader.since(name, 0, limit=999, max_bytes=_FAR)) for name in _CHANNELS}


_ALL = {name: list(given) for name, given in _CHANNELS.items()}


async def test_everything_comes_back_where_there_is_no_mongodb(world, back_up, restore, other, on_disk, keys):
    restored = await restore(await back_up(), other, files=on_disk)
    assert [one for one in restored.findings if one.count] == []
    assert await on_disk.open(world.key) == b"a picture" * 50_000
    async with _opened(other, keys) as database:
        alone = TwoStores(database, world.mongo)
        for name, given in _ALL.items():
            assert await alone.in_sql(name) == given
            assert numbers(await alone.log.since(name, 0, limit=999, max_bytes=_FAR)) == given
        async with database.read() as tx:
            assert {row["settled"] for row in await tx.all(select(channel_head.c.settled))} == {0}
        assert await _visited(database) == {"moved": 7, "waits": 3}


async def test_everything_comes_back_into_other_stores_and_moves_again(
    world, back_up, restore, other, keys, mongo_url
):
    path = await back_up()
    there = Mongo(read_address(f"{mongo_url}_2"), options=MongoOptions())
    try:
        await restore(path, other, files=GridFsFiles(mongo=there), documents=Documents(there, keys=keys))
        async with _opened(other, keys) as database:
            there.is_admitted = False
            await admit(there, database)
            stores = TwoStores(database, there)
            assert await stores.in_mongo("user:1") == []
            assert await _everything(stores) == _ALL
            assert await stores.settling(beyond=3).run_once() == 4 + 27
            assert await _everything(stores) == _ALL
        assert await GridFsFiles(mongo=there).open(world.key) == b"a picture" * 50_000
    finally:
        await there.probe(lambda db: db.client.drop_database(db.name))
        there.close()


class Hurried(Documents):
    """`before_reading()` runs when the rows of SQL are in the archive already."""

    async def rows_of(self, shape, snapshot):
        if shape.name == "behaviour_event":  # which comes before the events of channels
            await self.before_reading()
        async for rows in super().rows_of(shape, snapshot):
            yield rows


async def test_what_moves_during_a_backup_is_in_it_once(world, back_up, restore, other, on_disk, keys):
    documents = Hurried(world.mongo, keys=keys)

    async def move_all():
        await world.append("order:3", 1, 2)
        await world.append("order:1", 8)
        assert await world.settling(beyond=0).run_once() > 0
        assert await world.behaviour.move() == 3

    documents.before_reading = move_all
    restored = await restore(await back_up(documents), other, files=on_disk)
    assert [one for one in restored.findings if one.count] == []
    async with _opened(other, keys) as database:
        alone = TwoStores(database, world.mongo)
        assert {name: await alone.in_sql(name) for name in _CHANNELS} == _ALL, "as it was when the backup began"
        assert await alone.in_sql("order:3") == []
        assert await _visited(database) == {"moved": 7, "waits": 3}


async def test_what_retention_takes_during_a_backup_leaves_no_gap(
    world, back_up, restore, other, on_disk, keys, monkeypatch
):
    real = SettledEvents.all_of

    async def all_of(self, borders):
        await world.settled.forget({"user:1": 9})
        return await real(self, borders)

    monkeypatch.setattr(SettledEvents, "all_of", all_of)
    restored = await restore(await back_up(), other, files=on_disk)
    assert [one for one in restored.findings if one.count] == []
    async with _opened(other, keys) as database:
        assert await TwoStores(database, world.mongo).in_sql("user:1") == list(range(10, 31))


async def test_without_its_documents_a_store_is_not_backed_up(world, store, secret, keys, tmp_path, mongo_url):
    owner = Owner(tool="test", sealed_with=keys.key_id, field_key_print=fingerprint("field_key", "k" * 32))
    work = Backup(store=store, files=world.files, secret=secret, owner=owner, progress=Silent())
    with pytest.raises(CannotBackUp, match="PEIHU_MONGO_URL is needed"):
        await work.write(tmp_path / "a.peihu", at=AT)
    for url, says in ((f"{mongo_url}_2", "are gone"), ("mongodb://127.0.0.1:1/peihu", "see whether it runs")):
        elsewhere = Mongo(read_address(url), options=MongoOptions(timeout_s=0.3))
        documents = Documents(elsewhere, keys=keys)
        work = Backup(
            store=store, files=world.files, secret=secret, owner=owner, progress=Silent(), documents=documents
        )
        with pytest.raises(CannotBackUp, match=says):
            await work.write(tmp_path / "a.peihu", at=AT)
        elsewhere.close()


async def test_documents_that_are_there_are_replaced_only_when_told(
    world, back_up, restore, other, keys, mongo
):
    path, documents = await back_up(), Documents(mongo, keys=keys)
    with pytest.raises(CannotRestore, match="is not empty; say --replace"):
        await restore(path, other, files=world.files, documents=documents)
    assert await _everything(world) == _ALL
    await restore(path, other, files=world.files, documents=documents, replace=True)
    async with _opened(other, keys) as database:
        await admit(mongo, database)
        stores = TwoStores(database, mongo)
        assert await stores.in_mongo("user:1") == []
        assert await _everything(stores) == _ALL


class CutOff(Documents):
    """Dies when the SQL store has just gone live."""

    async def begin_anew(self, mark):
        raise KeyboardInterrupt


async def test_a_restore_that_ends_between_the_stores_is_not_served_and_run_again(
    world, back_up, restore, other, keys, mongo
):
    path = await back_up()
    with pytest.raises(KeyboardInterrupt):
        await restore(path, other, files=world.files, documents=CutOff(mongo, keys=keys), replace=True)
    async with _opened(other, keys) as database:
        with pytest.raises(ForeignDocuments):
            await admit(mongo, database)
    await restore(path, other, files=world.files, documents=Documents(mongo, keys=keys), replace=True)
    async with _opened(other, keys) as database:
        await admit(mongo, database)
        assert await _everything(TwoStores(database, mongo)) == _ALL


async def test_a_store_with_files_on_disk_is_not_joined_to_an_empty_mongodb(database, mongo_url):
    row = {
        "file_id": new_id(), "user_id": await make_user(database), "purpose": "chat", "store_key": new_id(),
        "media_type": "image/jpeg", "size_bytes": 1, "sha256": "0" * 64, "created_at": server_now(),
    }  # fmt: skip
    await database.write(lambda tx: tx.run(insert(stored_file).values(**row)))
    mongo = Mongo(read_address(mongo_url), options=MongoOptions())
    with pytest.raises(ForeignDocuments, match="move them by a backup"):
        await admit(mongo, database)
    mongo.close()
