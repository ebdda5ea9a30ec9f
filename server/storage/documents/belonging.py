"""Makes sure that the documents are this SQL database's.

What no row speaks of is removed as nobody's, so two deployments must never share one database of MongoDB. The first
instance leaves the same mark in both; whoever finds another one in MongoDB touches nothing.
"""

from typing import Any

from pymongo.errors import DuplicateKeyError
from sqlalchemy import bindparam, insert, select
from sqlalchemy.exc import IntegrityError

from server.core.ids import new_id
from server.storage.documents.layout import CONTENT, DEPLOYMENT, KEPT_FILES, make_indexes
from server.storage.documents.mongo import Mongo
from server.storage.sql import Database
from server.storage.tables.roster import stored_file
from server.storage.tables.system import cluster_secret

MARK = "documents"  # its name among the fingerprints of the SQL database
_HERE = {"_id": "deployment"}
_INDEXES_WITHIN_S = 10.0
_KNOWN = select(cluster_secret.c.fingerprint).where(cluster_secret.c.name == bindparam("of_name"))
_MARK = insert(cluster_secret)


class ForeignDocuments(Exception):
    """These stores do not belong together; the text ends a sentence that begins "the documents at …"."""


OF_ANOTHER = "belong to another SQL database; name an empty database, or restore a backup of this one into both"
_ELSEWHERE = (
    "are none yet, and this SQL database has its files in a data directory: move them by a backup without "
    "PEIHU_MONGO_URL and a restore with it"
)


async def admit(mongo: Mongo, database: Database) -> None:
    """Compare the marks, make the indexes, and let everybody in. Raises ForeignDocuments, Unavailable.

    MongoDB is asked first: a mark that is there was in the SQL database before.
    """
    found = await mark_in(mongo)
    known = await mark_of(database)
    if known is None and found is None:
        known = await _make(database)
    if found is None:
        found = await _leave(mongo, known)
    if found != known:
        raise ForeignDocuments(OF_ANOTHER)
    await mongo.probe(make_indexes, within_s=_INDEXES_WITHIN_S)
    mongo.is_admitted = True


async def is_empty(mongo: Mongo) -> bool:
    """Whether nothing has ever been kept here. Raises Unavailable."""
    for name in CONTENT:
        if await mongo.probe(lambda db, name=name: db[name].find_one({})) is not None:
            return False
    return True


async def mark_of(database: Database) -> str | None:
    """None: its documents never were in MongoDB. Raises Unavailable."""
    async with database.read() as tx:
        known: str | None = await tx.value(_KNOWN, {"of_name": MARK})
        return known


async def mark_in(mongo: Mongo) -> str | None:
    """None: nobody's. Raises Unavailable."""
    document = await mongo.probe(lambda db: db[DEPLOYMENT].find_one(_HERE))
    return None if document is None else document["of"]


async def _make(database: Database) -> str | None:
    async with database.read() as tx:
        if await tx.one(select(stored_file.c.file_id).limit(1)) is not None:
            raise ForeignDocuments(_ELSEWHERE)
    row = {"name": MARK, "fingerprint": new_id()}
    try:
        await database.write(lambda tx: tx.run(_MARK, row))
    except IntegrityError:
        pass  # another instance started at the same moment; its mark is the one
    return await mark_of(database)


async def _leave(mongo: Mongo, mark: str | None) -> str | None:
    def leave(db: Any) -> Any:
        return db[DEPLOYMENT].update_one(_HERE, {"$setOnInsert": {"of": mark}}, upsert=True)

    try:
        await mongo.probe(leave)
    except DuplicateKeyError:
        pass  # as above
    return await mark_in(mongo)


async def begin_anew(mongo: Mongo, mark: str) -> None:
    """Forget the documents of whoever was here before, but for files: of these, what nobody owns goes by itself."""
    await mongo.probe(make_indexes, within_s=_INDEXES_WITHIN_S)
    for name in CONTENT:
        if name != KEPT_FILES:
            await mongo.probe(lambda db, name=name: db.drop_collection(name), within_s=_INDEXES_WITHIN_S)
    await mongo.probe(make_indexes, within_s=_INDEXES_WITHIN_S)
    await mongo.probe(lambda db: db[DEPLOYMENT].replace_one(_HERE, {"of": mark}, upsert=True))
