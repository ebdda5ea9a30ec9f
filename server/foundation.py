"""What every area stands on: stores and machinery."""
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from config.policy import Policy
from config.settings import Settings
from server.core.clock import BusinessClock
from server.core.facts import Facts
from server.core.ids import new_id
from server.outside import open_bus, open_database
from server.roster.catalog import DEFAULT_CATALOG, Catalog
from server.storage.business_time import BusinessTime
from server.storage.channel_log.sql import SqlChannelLog
from server.storage.files.disk import DiskFiles
from server.storage.files.images import ImageWorkshop
from server.storage.files.links import FileLinks
from server.storage.files.shelf import FileShelf
from server.storage.outbox import Outbox
from server.storage.pubsub.port import Bus
from server.storage.sql import Database
from server.storage.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class Foundation:
    """Built once a process; areas take from it what they need."""

    settings: Settings
    policy: Policy
    catalog: Catalog
    database: Database
    bus: Bus
    outbox: Outbox
    log: SqlChannelLog
    units: UnitOfWork
    facts: Facts
    clock: BusinessClock
    time: BusinessTime
    files: DiskFiles
    shelf: FileShelf
    links: FileLinks
    workshop: ImageWorkshop
    executor: ThreadPoolExecutor

    async def close(self) -> None:
        await self.bus.close()
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
    bus = bus or open_bus(settings)
    outbox = Outbox(
        database=database,
        instance_id=new_id(),
        claim_s=settings.outbox.claim_s,
        sweep_every_s=settings.outbox.sweep_every_s,
    )
    executor = ThreadPoolExecutor(2, thread_name_prefix="files")
    files = DiskFiles(directory=settings.data_dir / "files", executor=executor)
    clock = BusinessClock()
    return Foundation(
        settings=settings,
        policy=Policy(),
        catalog=DEFAULT_CATALOG,
        database=database,
        bus=bus,
        outbox=outbox,
        log=SqlChannelLog(database=database, outbox=outbox, bus=bus),
        units=units(database=database),
        facts=Facts(),
        clock=clock,
        time=BusinessTime(database=database, clock=clock),
        files=files,
        shelf=FileShelf(store=files),
        links=FileLinks(secret=settings.jwt_secret),
        workshop=ImageWorkshop(executor=executor),
        executor=executor,
    )
