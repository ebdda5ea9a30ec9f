"""Knows whether MongoDB answers, to spare others the wait."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Literal

from server.core.errors import Unavailable
from server.core.tasks import Tasks
from server.storage.documents.belonging import ForeignDocuments
from server.storage.documents.mongo import Mongo

_log = logging.getLogger(__name__)
_LOOK_EVERY_S = 2.0

State = Literal["ok", "away", "foreign"]
ANSWERS: State = "ok"


class MongoWatch:
    """Asks every two seconds; `admit` runs when there is an answer for the first time."""

    def __init__(self, mongo: Mongo, *, admit: Callable[[], Awaitable[None]]) -> None:
        self.mongo = mongo
        self._admit = admit
        self._tasks = Tasks("mongo")
        self.state: State = "away"
        self._why_foreign = ""

    def start(self) -> None:
        self._tasks.forever("look", self._look_for_ever)

    async def close(self) -> None:
        await self._tasks.stop()
        self.mongo.close()

    async def look(self) -> None:
        """Find out how it is, and let everybody in. Raises ForeignDocuments, MongoRefuses, Unavailable."""
        try:
            await self.ping()
            if not self.mongo.is_admitted:
                await self._admit()
        except ForeignDocuments as problem:
            if self.state != "foreign":
                _log.error("the documents of MongoDB %s", problem)
            self.state, self._why_foreign = "foreign", str(problem)
            raise
        except Unavailable:
            self.state, self.mongo.is_away = "away", True
            raise
        self.state, self.mongo.is_away = ANSWERS, False

    async def ping(self) -> None:
        """Raises MongoRefuses, Unavailable."""
        await self.mongo.probe(_ping)

    @property
    def place(self) -> str:
        """For people; without the password."""
        return self.mongo.address.place

    @property
    def trouble(self) -> str:
        """What the last look found wrong, as a sentence."""
        if self.state == "foreign":
            return f"the documents at {self.place} {self._why_foreign}"
        return f"MongoDB at {self.place} {self.mongo.why_away or 'does not answer'}"

    async def _look_for_ever(self) -> None:
        while True:
            try:
                await self.look()
            except (ForeignDocuments, Unavailable):
                pass  # said already; `/readyz` goes on saying it
            await asyncio.sleep(_LOOK_EVERY_S)


def _ping(database: Any) -> Any:
    return database.command("ping")
