"""Uploaded files in MongoDB's GridFS.

GridFS writes a file in pieces and has no change that puts a whole one in the place of another. So a document of its own
says which file lies under a key, and only a whole one is ever named. What that document calls "coming" or "going" is
nobody's: a process died over it, or is at it.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

from gridfs.errors import CorruptGridFile, FileExists, NoFile
from pymongo.errors import BulkWriteError, DuplicateKeyError

from server.core.clock import server_now
from server.core.errors import Unavailable
from server.core.ids import looks_like_id, new_id
from server.storage.documents.layout import FILE_BUCKET, KEPT_FILES
from server.storage.documents.mongo import Mongo
from server.storage.files.port import MissingFile

_COMING, _KEPT, _GOING = "coming", "kept", "going"
_AT_ONCE = 500
_PIECE_BYTES = 255 * 1024  # as GridFS cuts them
# All ids are new ones: what is there already is a first try of the driver's whose answer was lost. It is swept away.
_FIRST_TRIES = (DuplicateKeyError, BulkWriteError, FileExists)
_PIECE_WITHIN_S = 5.0  # a piece is a write of a quarter of a megabyte that a majority has to have


class GridFsFiles:
    """A FileStore; all instances share it."""

    def __init__(self, *, mongo: Mongo) -> None:
        self._mongo = mongo

    async def put(self, content: bytes) -> str:
        key = new_id()
        await self._keep(key, _cut(content))
        return key

    async def keep(self, key: str, pieces: AsyncIterator[bytes]) -> None:
        if not looks_like_id(key):
            raise ValueError("this key is none of ours")
        newest = await self._keep(key, pieces)
        for older in await self._named({"key": key, "state": _KEPT}):
            if older["_id"] != newest:
                await self._forget(older["_id"])

    async def _keep(self, key: str, pieces: AsyncIterator[bytes]) -> str:
        file_id = new_id()
        row = {"_id": file_id, "key": key, "state": _COMING, "at": server_now()}
        await self._ask(lambda db: db[KEPT_FILES].insert_one(row))
        try:
            await self._write(file_id, key, pieces)
            if not await self._become(file_id, _KEPT, before=_COMING):
                raise Unavailable()  # it took so long that a sweep took it for nobody's
        except Unavailable:
            raise  # it cannot be forgotten now; a sweep does it
        except BaseException:
            await self._forget(file_id)
            raise
        return file_id

    async def _write(self, file_id: str, key: str, pieces: AsyncIterator[bytes]) -> None:
        stream = self._mongo.bucket(FILE_BUCKET).open_upload_stream_with_id(file_id, key)
        async for piece in pieces:
            await self._ask(lambda _, piece=piece: stream.write(piece), within_s=_PIECE_WITHIN_S)
        await self._ask(lambda _: stream.close(), within_s=_PIECE_WITHIN_S)

    async def open(self, key: str) -> bytes:
        return b"".join([piece async for piece in self.pieces(key)])

    async def pieces(self, key: str) -> AsyncIterator[bytes]:
        found = await self._named({"key": key, "state": _KEPT}) if looks_like_id(key) else []
        if not found:
            raise MissingFile(key)
        file_id = max(row["_id"] for row in found)  # the newest, while an older one is just going
        bucket = self._mongo.bucket(FILE_BUCKET)
        try:
            stream = await self._ask(lambda _: bucket.open_download_stream(file_id))
            while piece := await self._ask(lambda _: stream.readchunk()):
                yield piece
        except (NoFile, CorruptGridFile):  # forgotten meanwhile
            raise MissingFile(key) from None

    async def delete(self, key: str) -> None:
        if looks_like_id(key):
            for row in await self._named({"key": key, "state": _KEPT}):
                await self._forget(row["_id"])

    async def sweep(self, *, older_than_s: float) -> int:
        before = server_now() - timedelta(seconds=older_than_s)
        left = await self._named({"state": {"$in": [_COMING, _GOING]}, "at": {"$lt": before}})
        for row in left:
            await self._forget(row["_id"])
        return len(left)

    async def aged(self, *, older_than_s: float) -> AsyncIterator[list[str]]:
        before, last = server_now() - timedelta(seconds=older_than_s), ""
        while found := await self._named({"state": _KEPT, "at": {"$lt": before}, "_id": {"$gt": last}}):
            last = found[-1]["_id"]
            yield [row["key"] for row in found]

    async def _named(self, which: dict[str, Any]) -> list[dict[str, Any]]:
        """Some hundred at most, in the order in which they came."""
        return await self._ask(lambda db: db[KEPT_FILES].find(which).sort("_id", 1).limit(_AT_ONCE).to_list(None))

    async def _become(self, file_id: str, state: str, *, before: str) -> bool:
        which, change = {"_id": file_id, "state": before}, {"$set": {"state": state, "at": server_now()}}
        changed = await self._ask(lambda db: db[KEPT_FILES].update_one(which, change))
        return bool(changed.matched_count)

    async def _forget(self, file_id: str) -> None:
        """The name first, so that nobody reads what is half gone; the note last, so that nothing is left over."""
        await self._become(file_id, _GOING, before=_KEPT)
        files, chunks = f"{FILE_BUCKET}.files", f"{FILE_BUCKET}.chunks"
        await self._ask(lambda db: db[chunks].delete_many({"files_id": file_id}))
        if await self._ask(lambda db: db[files].find_one({"_id": file_id})) is not None:
            await self._ask(lambda db: db[files].delete_one({"_id": file_id}))
        await self._ask(lambda db: db[KEPT_FILES].delete_one({"_id": file_id}))

    async def _ask(self, question: Callable[[Any], Awaitable[Any]], *, within_s: float | None = None) -> Any:
        try:
            return await self._mongo.ask(question, within_s=within_s)
        except _FIRST_TRIES as problem:
            raise Unavailable() from problem


async def _cut(content: bytes) -> AsyncIterator[bytes]:
    for begin in range(0, len(content), _PIECE_BYTES):
        yield content[begin : begin + _PIECE_BYTES]
