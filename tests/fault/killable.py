"""The product, composed with parts that kill their own process.

    python -m tests.fault.killable --port P --point after_commit --writes "INSERT INTO chat_message"

Only the parts differ from `run.py serve`. The marked transaction is the first one that executes a statement
beginning with `--writes`; the points lie around it:

    before_commit         everything is written, nothing is committed
    after_commit          committed; no reply has left, the bus has heard nothing
    after_publish         its first event was given to the bus
    before_outbox_delete  its events were delivered, their rows are about to be deleted
"""
import argparse
import asyncio
import os
import signal
import sqlite3
from dataclasses import dataclass

from sqlalchemy import Engine, event

from config.settings import Settings
from server.app import Parts
from server.outside import database_url
from server.storage.pubsub.in_process import InProcessBus
from server.storage.pubsub.port import ChannelMessage
from server.storage.sealed import FieldKeys
from server.storage.sql import Database
from tests.fault.composed import serve_composed

POINTS = ("before_commit", "after_commit", "after_publish", "before_outbox_delete")


@dataclass(slots=True)
class Trap:
    """Where the process dies; `passes` counts how often the point was reached after the mark."""

    point: str
    writes: str
    nth: int
    marked: bool = False
    committed: bool = False
    passes: int = 0

    def reach(self, point: str) -> None:
        """Die here, if this is the place and the moment."""
        if point != self.point or not self.marked:
            return
        self.passes += 1
        if self.passes == self.nth:
            os.kill(os.getpid(), signal.SIGKILL)


class DeadlyDatabase(Database):
    """Dies around the commit of the marked transaction, or before an outbox row is deleted."""

    def __init__(self, trap: Trap, *args, **options) -> None:
        self._trap = trap
        super().__init__(*args, **options)
        event.listen(Engine, "connect", self._watch)

    def _watch(self, connection, _record) -> None:
        if isinstance(connection, sqlite3.Connection):  # the writer's; readers run in threads of their own
            connection.set_trace_callback(self._look)

    def _look(self, statement: str) -> None:
        if statement.startswith(self._trap.writes):
            self._trap.marked = True
        if self._trap.committed and statement.startswith("DELETE FROM outbox"):
            self._trap.reach("before_outbox_delete")

    async def _commit(self, connection) -> None:
        self._trap.reach("before_commit")
        await super()._commit(connection)
        self._trap.committed = self._trap.marked
        self._trap.reach("after_commit")


class DeadlyBus(InProcessBus):
    """Dies when it has published an event of the marked transaction."""

    def __init__(self, trap: Trap) -> None:
        super().__init__()
        self._trap = trap

    async def publish(self, message: ChannelMessage) -> None:
        await super().publish(message)
        if self._trap.committed:
            self._trap.reach("after_publish")


def deadly(settings: Settings, trap: Trap) -> Parts:
    database = DeadlyDatabase(
        trap,
        database_url(settings).render_as_string(hide_password=False),
        keys=FieldKeys(settings.field_key),
        readers=settings.database.readers,
        acquire_timeout_s=settings.database.acquire_timeout_s,
    )
    return Parts(database=database, bus=DeadlyBus(trap))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--point", choices=POINTS, required=True)
    parser.add_argument("--writes", required=True)
    parser.add_argument("--nth", type=int, default=1)
    given = parser.parse_args()
    trap = Trap(given.point, given.writes, given.nth)
    asyncio.run(serve_composed(given.port, lambda settings: deadly(settings, trap)))


if __name__ == "__main__":
    main()
