"""A store moves from SQLite to MySQL and back: the way from the trial to production."""

import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from config.load import load_settings
from server.core.progress import Silent
from server.demo.planting import Planter
from server.keeping.maintenance import Maintenance
from server.storage.documents.address import read_address
from server.storage.documents.belonging import admit
from server.storage.documents.mongo import Mongo, MongoOptions
from server.storage.files.disk import DiskFiles
from server.storage.files.gridfs import GridFsFiles
from server.storage.migrate import HalfRestored, migrate
from server.storage.sql import Database
from server.storage.tables.system import channel_event
from server.upkeep.archive.records import ArchiveReader
from server.upkeep.backing_up import Backup, CannotBackUp, Owner, Secret
from server.upkeep.documents import Documents
from server.upkeep.restoring import CannotRestore, Restore
from server.upkeep.sql.opening import SqlStore
from server.upkeep.sql.targets import target_for
from tests.e2e.server import ROOT, environment
from tests.services.rooms import shared_server
from tests.services.stores import connected
from tests.stores import make_user
from tests.two_stores import TwoStores

pytestmark = pytest.mark.services

AT = datetime(2026, 11, 23, 4, 5, 6, tzinfo=UTC)
_STRANGE = "👩‍⚕️ Ärztin\x00\t'\"\\"
_SECRET = Secret(key=b"k" * 32, called="field key")


@pytest.fixture
def new_mysql():
    """Makes empty databases of the test's own."""
    server = shared_server("PEIHU_TEST_MYSQL_URL", "MySQL or MariaDB")
    made = []

    def new():
        made.append(make_url(server).set(database=f"peihu_test_between_{uuid.uuid4().hex[:12]}"))
        _tell(make_url(server), f"CREATE DATABASE {made[-1].database} CHARACTER SET utf8mb4")
        return SqlStore(url=made[-1])

    yield new
    for url in made:
        _tell(make_url(server), f"DROP DATABASE {url.database}")


@pytest.fixture
def mysql(new_mysql):
    return new_mysql()


@pytest.fixture
def sqlite(tmp_path):
    """A place where nothing is yet."""
    return SqlStore(url=make_url(f"sqlite+aiosqlite:///{tmp_path / 'back' / 'peihu.db'}"))


@pytest.fixture
def files(tmp_path):
    with ThreadPoolExecutor(1) as executor:
        yield DiskFiles(directory=tmp_path / "files", executor=executor)


@pytest.fixture
def back_up(files, keys, tmp_path):
    async def back_up(store, name, *, mongo=None):
        owner = Owner(tool="test", sealed_with=keys.key_id, field_key_print="")
        beside = _beside(mongo, files, keys)
        backup = Backup(store=store, secret=_SECRET, owner=owner, progress=Silent(), **beside)
        return await backup.write(tmp_path / name, at=AT)

    return back_up


@pytest.fixture
def restore(files, keys):
    async def restore(made, into, *, replace=False, mongo=None):
        archive, beside = ArchiveReader(made.path, secret=_SECRET.key), _beside(mongo, files, keys)
        work = Restore(
            archive, name=made.path.name, sealed_with=keys.key_id, progress=Silent(), documents=beside["documents"]
        )
        return await work.into(target_for(into), beside["files"], replace=replace)

    return restore


def _beside(mongo, files, keys):
    """Where files and documents are: with MongoDB both are there."""
    if mongo is None:
        return {"files": files, "documents": None}
    return {"files": GridFsFiles(mongo=mongo), "documents": Documents(mongo, keys=keys)}


@pytest.fixture
def world(embedded, files, back_up, io_loop):
    """A backup of people and orders on SQLite."""

    async def make():
        planter = Planter(database=embedded, files=files)
        await planter.plant_generated(caregivers=4, orders=60, seed=3, progress=Silent())
        await make_user(embedded, username="末尾有空格 ")
        await make_user(embedded, username=_STRANGE)
        return await back_up(SqlStore(url=embedded.url), "world.peihu")

    return io_loop.asyncio_loop.run_until_complete(make())


def _tell(url, statement):
    with connected(url) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def _digests(made):
    """All but that of the heads, which begin new epochs."""
    return {name: one["digest"] for name, one in made.manifest["tables"].items() if name != "channel_head"}


async def test_the_same_rows_arrive_there_and_back(world, back_up, restore, mysql, sqlite, keys, io_loop):
    assert world.rows > 1_000 and world.manifest["files"]["count"] == 5
    there = await restore(world, mysql)
    assert [one for one in there.findings if one.count] == []
    on_mysql = await back_up(mysql, "on_mysql.peihu")
    assert _digests(on_mysql) == _digests(world)
    back = await restore(on_mysql, sqlite)
    assert [one for one in back.findings if one.count] == []
    again = await back_up(sqlite, "again.peihu")
    assert _digests(again) == _digests(world)
    assert again.manifest["files"] == world.manifest["files"]
    for store in (mysql, sqlite):
        database = Database(
            store.url.render_as_string(hide_password=False), keys=keys, readers=1, acquire_timeout_s=5.0
        )
        async with database.read() as tx:
            names = {row["username"] for row in await tx.all(text("SELECT username FROM t_user"))}
        await database.close()
        assert {"末尾有空格 ", _STRANGE} <= names


async def test_the_same_rows_arrive_in_mysql_and_mongodb_together_and_back(
    world, back_up, restore, mysql, sqlite, mongo_url, keys, io_loop
):
    """The way into production, and out of it again after most events have moved to MongoDB."""
    mongo = Mongo(read_address(mongo_url), options=MongoOptions())
    database = Database(mysql.url.render_as_string(hide_password=False), keys=keys, readers=1, acquire_timeout_s=10.0)
    try:
        there = await restore(world, mysql, mongo=mongo)
        assert [one for one in there.findings if one.count] == []
        mongo.is_admitted = False  # as for an instance that starts
        await admit(mongo, database)
        stores = TwoStores(database, mongo)
        moved = await stores.settling(beyond=3).run_once()
        assert moved > 100 and await stores.count(channel_event) > 0, "events are in both stores"
        on_both = await back_up(mysql, "on_both.peihu", mongo=mongo)
        assert _digests(on_both) == _digests(world)
        assert on_both.manifest["files"] == world.manifest["files"]
    finally:
        await database.close()
        mongo.close()
    back = await restore(on_both, sqlite)
    assert [one for one in back.findings if one.count] == []
    assert _digests(await back_up(sqlite, "again.peihu")) == _digests(world)


async def test_a_backup_of_mysql_is_one_moment(world, back_up, restore, mysql, keys, io_loop):
    """Each transaction adds a user and an alarm: a moment has as many of the one as of the other."""
    await restore(world, mysql)
    _tell(mysql.url, "DELETE FROM ops_alarm")
    before = _tell(mysql.url, "SELECT count(*) FROM t_user")[0][0]
    stop, written = [], []

    def write():
        with connected(mysql.url) as connection, connection.cursor() as cursor:
            connection.autocommit(False)
            while not stop:
                name = uuid.uuid4().hex
                cursor.execute(
                    "INSERT INTO t_user (user_id, username, password_hash, phone, phone_hash, user_type, registered_at,"
                    " terms_accepted_at) VALUES (%s, 'x', '!', 'x', %s, 'patient', now(3), now(3))", (name, name)
                )  # fmt: skip
                cursor.execute(
                    "INSERT INTO ops_alarm (alarm_id, kind, text, once_key, raised_at)"
                    " VALUES (%s, 'k', '', %s, now(3))", (name, name)
                )  # fmt: skip
                connection.commit()
                written.append(name)

    with ThreadPoolExecutor(1) as writers:
        writing = writers.submit(write)
        made = [await back_up(mysql, f"moment-{number}") for number in range(3)]
        stop.append(True)
        writing.result()
    tables = [one.manifest["tables"] for one in made]
    counts = [(one["t_user"]["count"] - before, one["ops_alarm"]["count"]) for one in tables]
    assert all(users == alarms for users, alarms in counts)
    assert counts[0] < counts[-1] and 0 < counts[-1][0] < len(written)


async def test_a_database_that_anybody_is_connected_to_is_left_alone(world, restore, mysql):
    """An instance with `--roles api` holds no lease."""
    with connected(mysql.url), pytest.raises(CannotRestore, match="has connections of others .*; end them"):
        await restore(world, mysql)
    assert _tell(mysql.url, "SHOW TABLES") == ()
    await restore(world, mysql)


async def test_what_is_there_is_replaced_only_when_told(world, restore, mysql):
    await restore(world, mysql)
    with pytest.raises(CannotRestore, match="is not empty"):
        await restore(world, mysql)
    await restore(world, mysql, replace=True)
    assert _tell(mysql.url, "SELECT count(*) FROM t_order") == ((60,),)


async def test_a_database_of_a_newer_version_is_not_half_replaced(world, restore, mysql):
    """Its own tables would stay, full, and the next upgrade would pass them over."""
    migrate(mysql.url)
    _tell(mysql.url, "CREATE TABLE novelty (novelty_id INT PRIMARY KEY)")
    _tell(mysql.url, "UPDATE alembic_version SET version_num = '9001_next'")
    with pytest.raises(CannotRestore, match=r"newer version of Peihu \(9001_next\).*DROP DATABASE"):
        await restore(world, mysql, replace=True)
    assert _tell(mysql.url, "SELECT version_num FROM alembic_version") == (("9001_next",),)


async def test_of_two_restores_at_once_the_second_waits_for_another_time(world, restore, mysql):
    with target_for(mysql).alone(), pytest.raises(CannotRestore, match="another restore into .* is under way"):
        await restore(world, mysql)


async def test_a_restore_that_is_killed_leaves_a_mark_and_is_run_again(world, back_up, restore, mysql, tmp_path):
    """Nobody serves, migrates or backs up what is half full."""
    url = mysql.url.render_as_string(hide_password=False)
    settings = {"PEIHU_DATABASE_URL": url, "PEIHU_FIELD_KEY": "k" * 32}
    command = [sys.executable, "run.py", "restore", str(world.path)]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment(tmp_path / "data", settings), stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as restoring:  # fmt: skip
        deadline, server = time.monotonic() + 60, mysql.url.set(database="")  # connected to it, it would refuse
        while ("t_order",) not in _tell(server, f"SHOW TABLES FROM {mysql.url.database}"):
            assert restoring.poll() is None and time.monotonic() < deadline, restoring.stdout.read()
        restoring.kill()
    assert ("peihu_restoring",) in _tell(mysql.url, "SHOW TABLES")
    with pytest.raises(HalfRestored, match="run it again: run.py restore SRC --replace"):
        migrate(mysql.url)
    with pytest.raises(CannotBackUp, match="half full of a restore"):
        await back_up(mysql, "half.peihu")
    with pytest.raises(CannotRestore, match="half full of a restore that was cut off; say --replace"):
        await restore(world, mysql)
    done = await restore(world, mysql, replace=True)
    assert [one for one in done.findings if one.count] == []
    assert migrate(mysql.url) == []


async def test_a_server_that_goes_away_in_the_middle_is_told_in_a_sentence(world, back_up, restore, mysql, tmp_path):
    await restore(world, mysql)
    pieces = DiskFiles.pieces

    async def cut(self, key):
        others = "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> connection_id()"
        for (number,) in _tell(mysql.url, others):
            _tell(mysql.url, f"KILL {number}")
        async for piece in pieces(self, key):
            yield piece

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(DiskFiles, "pieces", cut)
        with pytest.raises(CannotBackUp, match="the database .*cannot be"):
            await back_up(mysql, "cut.peihu")
    assert not (tmp_path / "cut.peihu").exists()


async def test_rows_that_mysql_does_not_take_are_told_with_their_reason(embedded, files, back_up, restore, mysql):
    """SQLite keeps text of any length."""
    user_id = await make_user(embedded)
    store = SqlStore(url=embedded.url)
    with store.connected() as connection:
        change = text("UPDATE t_user SET user_type = :long WHERE user_id = :id")
        connection.execute(change, {"long": "x" * 99, "id": user_id})
        connection.commit()
    made = await back_up(store, "long.peihu")
    with pytest.raises(CannotRestore, match="Data too long for column 'user_type'"):
        await restore(made, mysql)
    with pytest.raises(HalfRestored):
        migrate(mysql.url)


async def test_a_store_on_mysql_is_maintained_beside_those_who_use_it(world, restore, mysql, keys, tmp_path, io_loop):
    await restore(world, mysql)
    url = mysql.url.render_as_string(hide_password=False)
    settings = load_settings(None, {
        "PEIHU_DATABASE_URL": url, "PEIHU_DATA_DIR": str(tmp_path), "PEIHU_FIELD_KEY": "k" * 32,
        "PEIHU_JWT_SECRET": "j" * 32, "PEIHU_SERVICE_KEY": "s" * 32,
    })  # fmt: skip
    serving = Database(url, keys=keys, readers=1, acquire_timeout_s=5.0)
    async with serving.read() as tx:
        assert await tx.value(text("SELECT count(*) FROM t_order")) == 60
        report = await Maintenance(settings, progress=Silent()).run(with_compact=False)
    await make_user(serving)
    again = await Maintenance(settings, progress=Silent()).run(with_compact=True)
    await serving.close()
    assert (report["broken"], again["broken"]) == ([], [])
    assert again["compacted"]["complaints"] == []
    assert {one["name"]: one["rows"] for one in report["tables"]}["t_order"] == 60
    assert report["size"]["bytes"] > 1_000_000
