"""Copies rows into MongoDB, and sees that they are there."""

from collections.abc import Sequence
from typing import Any

from pymongo import ReplaceOne
from pymongo.errors import BulkWriteError

from server.core.errors import Unavailable
from server.storage.documents.mongo import Mongo

_WITHIN_S = 15.0  # nobody waits for it but a job

Document = dict[str, Any]


async def keep_copies(mongo: Mongo, collection: str, documents: Sequence[Document]) -> None:
    """Each under its own `_id`, in the place of an older copy, so it may be done again. Raises Unavailable."""
    changes = [ReplaceOne({"_id": one["_id"]}, one, upsert=True) for one in documents]
    try:
        await mongo.ask(lambda db: db[collection].bulk_write(changes, ordered=False), within_s=_WITHIN_S)
    except BulkWriteError:
        pass  # somebody else, or a first try of ours, wrote the same; what is there decides
    ids = [one["_id"] for one in documents]
    found = await mongo.ask(lambda db: db[collection].find({"_id": {"$in": ids}}).to_list(None), within_s=_WITHIN_S)
    there = {one["_id"]: one for one in found}
    if any(there.get(one["_id"]) != one for one in documents):
        raise Unavailable()  # written, confirmed, and not there: a majority has changed its mind
