"""What every area stands on: stores and machinery."""
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from config.settings import Settings
from server.bridge.chapters import first_document, templates_of, terms_of
from server.core.clock import BusinessClock
from server.core.facts import Facts
from server.core.ids import new_id
from server.core.in_force import InForce
from server.outside import open_bus, open_cache, open_database, open_mongo, open_redis
from server.parts.documents import Documents
from server.push.templates import Templates
from server.roster.catalog import DEFAULT_CATALOG, Catalog
from server.roster.terms import Terms
from server.rulebook.book import Rulebook
from server.storage.behaviour.port import BehaviourLog
from server.storage.behaviour.sql import SqlBehaviourLog
from server.storage.business_time import BusinessTime
from server.storage.cache.port import Cache
from server.storage.channel_log.port import ChannelLog
from server.storage.channel_log.sql import SqlChannelLog
from server.storage.documents.watch import MongoWatch
from server.storage.files.disk import DiskFiles
from server.storage.files.images import ImageWorkshop
from server.storage.files.links import FileLinks
from server.storage.files.port import FileStore
from server.storage.files.shelf import FileShelf
from server.storage.leases import Leases
from server.storage.outbox import Outbox
from server.storage.pubsub.port import Bus
from server.storage.redis.link import RedisLink
from server.storage.sql import Database
from server.storage.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class Foundation:
    """Built once a process; areas take from it what they need."""

    settings: Settings
    instance_id: str
    rulebook: Rulebook
    terms: InForce[Terms]
    templates: InForce[Templates]
    catalog: Catalog
    database: Database
    redis: RedisLink | None
    bus: Bus
    cache: Cache
    outbox: Outbox
    leases: Leases
    log: SqlChannelLog  # what areas append to
    reader: ChannelLog  # the same channels, wherever their events lie
    units: UnitOfWork
    facts: Facts
    clock: BusinessClock
    time: BusinessTime
    behaviour: BehaviourLog
    documents: Documents | None
    files: FileStore
    shelf: FileShelf
    links: FileLinks
    workshop: ImageWorkshop
    executor: ThreadPoolExecutor

    async def begin(self) -> None:
        """Know business time and hear the bus, before anything else runs."""
        await self.time.refresh()
        await self.rulebook.refresh()
        self.bus.start()
        if self.mongo is not None:
            self.mongo.start()

    @property
    def mongo(self) -> MongoWatch | None:
        """How MongoDB is; None: it is not used."""
        return self.documents.watch if self.documents is not None else None

    async def close(self) -> None:
        await self.bus.close()
        if self.redis is not None:
            await self.redis.close()
        if self.mongo is not None:
            await self.mongo.close()
        await self.database.close()
        self.executor.shutdown(wait=False, cancel_futures=True)


def lay_foundation(
    settings: Settings,
    *,
    database: Database | None = None,
    bus: Bus | None = None,
    units: type[UnitOfWork] = UnitOfWork,
) -> Foundation:
    """Open what settings name; tests may bring parts of their own. Raises CannotOpen."""
    database = database or open_database(settings)
    instance_id = new_id()
    redis = open_redis(settings)
    bus = bus or open_bus(settings, redis=redis, instance_id=instance_id)
    outbox = Outbox(
        database=database,
        instance_id=instance_id,
        claim_s=settings.outbox.claim_s,
        sweep_every_s=settings.outbox.sweep_every_s,
    )
    executor = ThreadPoolExecutor(2, thread_name_prefix="files")
    log = SqlChannelLog(database=database, outbox=outbox, bus=bus)
    mongo = open_mongo(settings)
    clock = BusinessClock()
    documents = Documents(mongo, database=database, log=log, clock=clock, limits=settings.mongo) if mongo else None
    files = documents.files if documents else DiskFiles(directory=settings.data_dir / "files", executor=executor)
    readers = {"terms": terms_of, "templates": templates_of}
    rulebook = Rulebook(database=database, first=first_document(), readers=readers)
    return Foundation(
        settings=settings,
        instance_id=instance_id,
        rulebook=rulebook,
        terms=rulebook.view("terms"),
        templates=rulebook.view("templates"),
        catalog=DEFAULT_CATALOG,
        database=database,
        redis=redis,
        bus=bus,
        cache=open_cache(settings, redis=redis, keys=database.keys),
        outbox=outbox,
        leases=Leases(database=database, holder=instance_id, lasts_s=settings.jobs.lease_s),
        log=log,
        reader=documents.reader if documents else log,
        units=units(database=database),
        facts=Facts(),
        clock=clock,
        time=BusinessTime(database=database, clock=clock),
        behaviour=documents.behaviour if documents else SqlBehaviourLog(database=database),
        documents=documents,
        files=files,
        shelf=FileShelf(store=files),
        links=FileLinks(secret=settings.jwt_secret),
        workshop=ImageWorkshop(executor=executor),
        executor=executor,
    )
