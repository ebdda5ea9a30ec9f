"""Behaviour events as they lie in MongoDB."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from server.storage.documents.copies import Document, keep_copies
from server.storage.documents.layout import BEHAVIOUR
from server.storage.documents.mongo import Mongo

_AT_ONCE = 500
_WITHIN_S = 15.0  # nobody waits for it but a job


class BehaviourDocuments:
    """All calls raise Unavailable; all of them may be repeated."""

    def __init__(self, *, mongo: Mongo) -> None:
        self._mongo = mongo

    async def keep(self, documents: list[Document]) -> None:
        """Write them under their ids, and see that they are there."""
        await keep_copies(self._mongo, BEHAVIOUR, documents)

    async def forget_before(self, instant: datetime) -> int:
        """What was entered earlier; how much that was."""
        which, gone = {"entered_at": {"$lt": instant}}, 0
        while True:
            old = await self._ask(lambda log: log.find(which, {"_id": 1}).limit(_AT_ONCE).to_list(None))
            if not old:
                return gone
            chosen = {"_id": {"$in": [one["_id"] for one in old]}}
            gone += (await self._ask(lambda log, chosen=chosen: log.delete_many(chosen))).deleted_count

    async def pages(self) -> AsyncIterator[list[Document]]:
        """All of them in order of their ids, some hundred at once."""
        last = ""
        while some := await self._page(last):
            last = some[-1]["_id"]
            yield some

    async def _page(self, after: str) -> list[Document]:
        which = {"_id": {"$gt": after}}
        return await self._ask(lambda log: log.find(which).sort("_id", 1).limit(_AT_ONCE).to_list(None))

    async def _ask(self, question: Any) -> Any:
        return await self._mongo.ask(lambda db: question(db[BEHAVIOUR]), within_s=_WITHIN_S)
