"""Takes in pictures and voice messages.

What is kept is a picture that we encoded ourselves, or a recording whose bytes are one. An account's share
of the disk is bounded a day, exactly, also when twenty files arrive at once (reliability.md §4C C54, C55).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from server.care.commands import UploadFile
from server.care.store_uploads import lock_uploads, uploaded_since
from server.core.call import Call
from server.core.clock import server_now
from server.core.errors import Refused
from server.storage.files.images import ImageWorkshop
from server.storage.files.shelf import Encoded, FileShelf
from server.storage.files.sounds import check_sound
from server.storage.sql import Database
from server.storage.transaction import Transaction

_WINDOW = timedelta(days=1)
_RETRY_AFTER_S = 3600


class Part(Protocol):
    """What came in the file part of the form."""

    @property
    def content(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Quota:
    """What one account may upload in 24 hours of server time."""

    files: int = 500  # a long day's photos of a busy caregiver, many times over
    size_bytes: int = 209_715_200  # 200 MiB


class Uploads:
    """The use case behind `/api/file/upload`."""

    def __init__(
        self, *, database: Database, shelf: FileShelf, workshop: ImageWorkshop, quota: Quota = Quota()
    ) -> None:
        self._database = database
        self._shelf = shelf
        self._workshop = workshop
        self._quota = quota

    async def upload_file(self, call: Call, command: UploadFile, files: Mapping[str, Part]) -> dict[str, Any]:
        """{"file_id", "media_type", "size_bytes"}; the part is named `file`.

        Raises `unsupported_type`, `invalid`, `too_many_requests` (the day's share is used up), Unavailable.
        """
        user_id = call.user.user_id
        async with self._database.read() as tx:
            await self._require_room(tx, user_id, size_bytes=1)  # decoding is dear
        encoded = await self._encode(files["file"].content, command.purpose)
        async with self._shelf.deposit([encoded]) as (deposit,):

            async def body(tx: Transaction) -> str:
                await lock_uploads(tx, user_id)
                await self._require_room(tx, user_id, size_bytes=deposit.size_bytes)
                return await self._shelf.keep(tx, user_id=user_id, purpose=command.purpose, encoded=deposit)

            file_id = await self._database.write(body)
        return {"file_id": file_id, "media_type": deposit.media_type, "size_bytes": deposit.size_bytes}

    async def _encode(self, content: bytes, purpose: str) -> Encoded:
        """Chat takes recordings too; everything else is a picture."""
        if purpose == "chat":
            try:
                return check_sound(content)
            except Refused as refused:
                if refused.code != "unsupported_type":
                    raise
        return await self._workshop.reencode(content)

    async def _require_room(self, tx: Transaction, user_id: str, *, size_bytes: int) -> None:
        files, used_bytes = await uploaded_since(tx, user_id, server_now() - _WINDOW)
        if files >= self._quota.files or used_bytes + size_bytes > self._quota.size_bytes:
            raise Refused("too_many_requests", "今日上传已达上限", retry_after_s=_RETRY_AFTER_S)
