"""A process that moves what is old to MongoDB, and nothing else, until all has moved.

    python -m tests.fault.small_mover --store PATH --mongo URL [--dies before|after]

`--dies`: it kills itself around the commit that makes the third move count.
"""

import argparse
import asyncio
import os
import signal
from datetime import timedelta
from typing import Any

from server.core.errors import Unavailable
from server.storage.behaviour import mongo as behaviour_mongo
from server.storage.behaviour.documents import BehaviourDocuments
from server.storage.behaviour.mongo import MongoBehaviourLog
from server.storage.channel_log import settling
from server.storage.channel_log.settled import SettledEvents
from server.storage.channel_log.settling import Settling
from server.storage.documents.address import read_address
from server.storage.documents.belonging import admit
from server.storage.documents.mongo import Mongo, MongoOptions
from server.storage.sealed import FieldKeys
from server.storage.sql import Database

KEY = "k" * 32
AT_ONCE = 40  # so that a few hundred events are many steps
_NTH = 3
_PAUSE_S = 0.2


class Deadly(Database):
    """Counts commits that it was told to count."""

    dies: str | None = None
    commits = 0

    async def _commit(self, connection: Any) -> None:
        self.commits += 1
        self._reach("before")
        await super()._commit(connection)
        self._reach("after")

    def _reach(self, moment: str) -> None:
        if self.dies == moment and self.commits == _NTH:
            os.kill(os.getpid(), signal.SIGKILL)


async def move_all(store: str, mongo_url: str, *, dies: str | None) -> None:
    database = Deadly(f"sqlite+aiosqlite:///{store}", keys=FieldKeys(KEY), readers=1, acquire_timeout_s=10.0)
    mongo = Mongo(read_address(mongo_url), options=MongoOptions())
    await _until_it_answers(lambda: admit(mongo, database))
    database.commits, database.dies = 0, dies
    settled = SettledEvents(mongo=mongo, keys=database.keys)
    mover = Settling(database=database, settled=settled, after=timedelta(0), beyond=0)
    behaviour = MongoBehaviourLog(database=database, documents=BehaviourDocuments(mongo=mongo))
    while await _until_it_answers(mover.run_once) + await _until_it_answers(behaviour.move):
        pass
    mongo.close()
    await database.close()


async def _until_it_answers(work: Any) -> Any:
    while True:
        try:
            return await work()
        except Unavailable:
            await asyncio.sleep(_PAUSE_S)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--store", required=True)
    parser.add_argument("--mongo", required=True)
    parser.add_argument("--dies", choices=("before", "after"))
    given = parser.parse_args()
    settling._EVENTS_AT_ONCE = behaviour_mongo._AT_ONCE = AT_ONCE
    asyncio.run(move_all(given.store, given.mongo, dies=given.dies))


if __name__ == "__main__":
    main()
