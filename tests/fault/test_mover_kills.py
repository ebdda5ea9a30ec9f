"""kill -9 of whoever moves events to MongoDB, at each step, and of MongoDB under it: nothing is lost or doubled."""

import shutil
import subprocess
import sys

import pytest
from sqlalchemy import select

from server.core.clock import server_now
from server.core.ids import new_id
from server.storage.behaviour.documents import BehaviourDocuments
from server.storage.behaviour.sql import SqlBehaviourLog
from server.storage.documents.address import read_address
from server.storage.documents.belonging import admit
from server.storage.documents.mongo import Mongo, MongoOptions
from server.storage.sql import Database
from server.storage.tables.system import behaviour_event, channel_event
from tests.fakes.mongo import MongoRelay
from tests.fault.server_process import ROOT, until
from tests.two_stores import TwoStores, numbers

pytestmark = [pytest.mark.slow, pytest.mark.services]

_CHANNELS = [f"order:{number}" for number in range(9)]
_EVENTS, _VISITS = 30, 200
_WITHIN_S = 90.0
_FAR = 10**9


class Mover:
    """The process, by way of a relay, and what there is for it to move."""

    def __init__(self, stores, relay, mongodb):
        self.stores, self.relay, self.mongodb = stores, relay, mongodb
        self.visits = []
        self._process = None

    async def fill(self):
        for channel in _CHANNELS:
            await self.stores.append(channel, *range(_EVENTS))
        values = {"user_id": "u", "kind": "view", "page": "p", "detail": None, "duration_ms": 1}
        rows = [{"event_id": new_id(), "entered_at": server_now(), **values} for _ in range(_VISITS)]
        self.visits = sorted(row["event_id"] for row in rows)
        log = SqlBehaviourLog(database=self.stores.database)
        await self.stores.database.write(lambda tx: log.add(tx, rows))

    def start(self, *more):
        database = self.stores.mongo.address.database
        url = f"mongodb://127.0.0.1:{self.relay.port}/{database}"
        store = str(self.stores.database.url.database)
        command = [sys.executable, "-m", "tests.fault.small_mover", "--store", store, "--mongo", url, *more]
        self._process = subprocess.Popen(command, cwd=ROOT)

    async def kill(self):
        """At the very moment at which it waits for an answer."""
        self._process.kill()

    async def ended(self):
        await until(lambda: self._process.poll() is not None, within_s=_WITHIN_S, what="it goes on and on")
        return self._process.returncode

    def put_away(self):
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    async def nothing_is_lost_or_doubled(self):
        """Whatever has moved by now: a reader sees every event once, and every visit is somewhere."""
        for channel in _CHANNELS:
            found = await self.stores.reader.since(channel, 0, limit=1_000, max_bytes=_FAR)
            assert numbers(found) == list(range(_EVENTS))
        assert sorted({*await self._visits_in_sql(), *await self._visits_in_mongo()}) == self.visits

    async def everything_has_moved(self):
        assert await self.stores.count(channel_event) == 0
        for channel in _CHANNELS:
            assert await self.stores.in_mongo(channel) == list(range(1, _EVENTS + 1))
        assert (await self._visits_in_sql(), sorted(await self._visits_in_mongo())) == ([], self.visits)
        await self.nothing_is_lost_or_doubled()

    async def _visits_in_sql(self):
        async with self.stores.database.read() as tx:
            return [row["event_id"] for row in await tx.all(select(behaviour_event.c.event_id))]

    async def _visits_in_mongo(self):
        pages = BehaviourDocuments(mongo=self.stores.mongo).pages()
        return [one["_id"] async for some in pages for one in some]


@pytest.fixture
def mover(io_loop, tmp_path, migrated_file, keys, mongodb):
    loop, path = io_loop.asyncio_loop, tmp_path / "peihu.db"
    shutil.copyfile(migrated_file, path)
    database = Database(f"sqlite+aiosqlite:///{path}", keys=keys, readers=1, acquire_timeout_s=10.0)
    mongo = Mongo(read_address(f"{mongodb.server.url}kills_{new_id()}"), options=MongoOptions())
    relay = MongoRelay(mongodb.server.port)
    loop.run_until_complete(relay.__aenter__())
    loop.run_until_complete(admit(mongo, database))
    mover = Mover(TwoStores(database, mongo), relay, mongodb)
    loop.run_until_complete(mover.fill())
    yield mover
    mover.put_away()
    mongo.close()
    loop.run_until_complete(database.close())
    loop.run_until_complete(relay.__aexit__())


async def _goes_on(mover):
    """The heir, who knows nothing of what was begun."""
    await mover.nothing_is_lost_or_doubled()
    mover.start()
    assert await mover.ended() == 0
    await mover.everything_has_moved()


@pytest.mark.parametrize("command", ["update", "find"], ids=["copy", "look"])
@pytest.mark.parametrize("is_done", [False, True], ids=["asked", "done"])
@pytest.mark.parametrize("nth", [2, 9])  # of the events, of the visits
async def test_it_dies_at_mongodb(mover, command, is_done, nth):
    skipped = nth - 1 + (command == "find")  # it looks for the mark first
    for _ in range(skipped):
        mover.relay.let_pass(command)
    (mover.relay.afterwards if is_done else mover.relay.instead)(command, mover.kill)
    mover.start()
    assert await mover.ended() == -9
    assert mover.relay.is_used_up
    await _goes_on(mover)


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_it_dies_at_the_commit(mover, moment):
    mover.start("--dies", moment)
    assert await mover.ended() == -9
    moved = sum([len(await mover.stores.in_mongo(channel)) for channel in _CHANNELS])
    assert 0 < moved < _EVENTS * len(_CHANNELS)
    await _goes_on(mover)


@pytest.mark.parametrize("is_done", [False, True], ids=["asked", "done"])
async def test_mongodb_dies_under_it_and_it_goes_on_by_itself(mover, is_done):
    async def dies_and_rises():
        await mover.mongodb.kill()
        await mover.mongodb.start()

    for _ in range(3):
        mover.relay.let_pass("update")
    (mover.relay.afterwards if is_done else mover.relay.instead)("update", dies_and_rises)
    mover.start()
    assert await mover.ended() == 0
    assert mover.relay.is_used_up
    await mover.everything_has_moved()
