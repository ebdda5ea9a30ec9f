"""The program one version ahead, beside today's.

    python -m tests.fault.next_version --port P

It brings the schema to a revision that today's has never heard of, and uses what an older instance cannot know: events
of a new type in the channels of visits, parcels of a new topic, messages of a new kind on the bus.
"""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Any

from sqlalchemy import select, text

from config.settings import Settings
from server import serving
from server.app import Parts, Peihu
from server.core.channels import order_channel
from server.core.clock import server_now
from server.core.errors import Unavailable
from server.core.ids import new_id
from server.core.tasks import Tasks
from server.outside import database_url
from server.storage.migrate import migrate
from server.storage.pubsub.port import ControlMessage
from server.storage.tables.booking import t_order
from server.storage.transaction import Transaction
from tests.migration.next_version import scripts_of_the_next_version

TOPIC = "novelty"
TIMES = 5
_EVERY_S = 0.3
_NOTED = text("INSERT INTO novelty (novelty_id) VALUES (:number)")
_VISITS = select(t_order.c.order_id).where(t_order.c.status == "in_service").order_by(t_order.c.order_id)


class _Next(Peihu):
    """Tells something new in every visit, a few times."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._novelties = Tasks("novelty")
        self.base.outbox.deliver(TOPIC, self._deliver)

    async def start(self) -> None:
        await super().start()
        self._novelties.start("tell", self._tell_it_all())

    async def stop(self) -> None:
        await self._novelties.stop()
        await super().stop()

    async def _tell_it_all(self) -> None:
        told = 0
        while told < TIMES:
            try:
                await self.base.database.write(self._tell)
                told += 1
            except Unavailable:
                pass
            await asyncio.sleep(_EVERY_S)

    async def _tell(self, tx: Transaction) -> None:
        for row in await tx.all(_VISITS):
            now = server_now()
            event = {"type": "order.novelty", "id": new_id(), "at": now.isoformat(), "data": {"strange": [1]}}
            await self.base.log.append(tx, order_channel(row["order_id"]), event, at=now)
        await tx.run(_NOTED, {"number": new_id()})
        await self.base.outbox.put(tx, TOPIC, {"strange": True})

    async def _deliver(self, payload: dict[str, Any], _enclosed: Any) -> None:
        await self.base.bus.broadcast(ControlMessage(TOPIC, payload))


def _bring_up_to_date(settings: Settings) -> None:
    with tempfile.TemporaryDirectory() as directory:
        migrate(database_url(settings), scripts=scripts_of_the_next_version(Path(directory)))


def main() -> None:
    from server.verbs import app

    serving.bring_up_to_date = _bring_up_to_date
    serving.build_app = lambda settings, *, base_url: _Next(settings, base_url=base_url, parts=Parts())
    sys.argv[1:1] = ["serve"]
    app()


if __name__ == "__main__":
    main()
