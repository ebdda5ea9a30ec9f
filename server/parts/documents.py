"""What lives in MongoDB, where settings name one."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from config.settings import MongoSettings
from server.core.clock import BusinessClock
from server.jobs.loops import Job
from server.storage.behaviour.documents import BehaviourDocuments
from server.storage.behaviour.mongo import MongoBehaviourLog
from server.storage.channel_log.mongo import MongoChannelLog
from server.storage.channel_log.settled import SettledEvents
from server.storage.channel_log.settled_retention import SettledRetention
from server.storage.channel_log.settling import Settling
from server.storage.channel_log.sql import SqlChannelLog
from server.storage.documents.belonging import admit
from server.storage.documents.mongo import Mongo
from server.storage.documents.watch import ANSWERS, MongoWatch
from server.storage.files.gridfs import GridFsFiles
from server.storage.sql import Database


class Documents:
    """Files, behaviour, and the settled part of the channels; without it they are on disk and in SQL."""

    def __init__(
        self, mongo: Mongo, *, database: Database, log: SqlChannelLog, clock: BusinessClock, limits: MongoSettings
    ) -> None:
        self.watch = MongoWatch(mongo, admit=lambda: admit(mongo, database))
        self.files = GridFsFiles(mongo=mongo)
        settled = SettledEvents(mongo=mongo, keys=database.keys)
        self.reader = MongoChannelLog(recent=log, settled=settled)
        self.settling = Settling(
            database=database,
            settled=settled,
            after=timedelta(hours=limits.settle_after_h),
            beyond=limits.settle_beyond,
            now=clock.now,
        )
        self.behaviour = MongoBehaviourLog(database=database, documents=BehaviourDocuments(mongo=mongo))
        self._retention = SettledRetention(database=database, settled=settled)

    def jobs(self) -> list[Job]:
        """What moves there, and what goes."""
        return [
            Job("behaviour_settling", self.while_it_answers(self.behaviour.move), 10.0),
            Job("settling", self.while_it_answers(self.settling.run_once), 60.0),
            Job("settled_retention", self.while_it_answers(self._retention.run_once), 3_600.0),
        ]

    def while_it_answers(self, work: Callable[[], Awaitable[int]]) -> Callable[[], Awaitable[int]]:
        """A round is left out while MongoDB is away: that is said once, and not by every job that waits for it."""

        async def round_() -> int:
            return await work() if self.watch.state == ANSWERS else 0

        return round_
