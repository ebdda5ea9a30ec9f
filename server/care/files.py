"""Gives out uploaded files, only to those who may see them.

Its owner; whoever holds an address that we signed; the party of the order that shows it; administrators,
who leave a trace before the bytes leave. For everybody else it is not there.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from server.care.commands import OpenFile
from server.care.ports import Orders
from server.core.call import Call
from server.core.errors import Refused
from server.storage.audit import write_audit
from server.storage.files.links import FileLinks
from server.storage.files.port import MissingFile
from server.storage.files.shelf import FileShelf
from server.storage.sql import Database
from server.storage.transaction import Transaction

_SHOWN_IN_ORDERS = ("chat", "note")
_FOR_ADMINISTRATORS = ("chat", "note", "qualification")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """Bytes to serve with the type that is in the row."""

    content: bytes
    media_type: str


class Files:
    """The use case behind GET `/api/file/<file_id>`."""

    def __init__(self, *, database: Database, shelf: FileShelf, links: FileLinks, orders: Orders) -> None:
        self._database = database
        self._shelf = shelf
        self._links = links
        self._orders = orders

    async def open_file(self, call: Call, command: OpenFile) -> OpenedFile:
        """Raises `not_found`; `unauthorized` for who shows neither a login nor a signature; Unavailable."""
        signed = command.signature is not None and command.expires is not None
        if call.actor is None and not signed:
            raise Refused("unauthorized")
        async with self._database.read() as tx:
            row = await self._shelf.find(tx, command.file_id)
            if row is None or not await self._may_see(tx, call, command, row):
                raise Refused("not_found")
        if self._is_looked_into(call, command, row):
            await self._database.write(lambda tx: _trace(tx, call, row))
        try:
            return OpenedFile(await self._shelf.read(row), row["media_type"])
        except MissingFile:
            _log.error("a file has a row and no bytes", extra={"file_id": command.file_id})
            raise Refused("not_found") from None

    async def _may_see(self, tx: Transaction, call: Call, command: OpenFile, row: Mapping[str, Any]) -> bool:
        if self._has_signed_address(command):
            return True
        actor = call.actor
        if actor is None:
            return False
        if row["user_id"] == actor.user_id:
            return True
        if actor.user_type == "admin":
            return row["purpose"] in _FOR_ADMINISTRATORS
        if row["order_id"] is None or row["purpose"] not in _SHOWN_IN_ORDERS:
            return False
        return await self._orders.standing(tx, row["order_id"], actor.user_id, actor.user_type) is not None

    def _has_signed_address(self, command: OpenFile) -> bool:
        if command.expires is None or command.signature is None:
            return False
        return self._links.check(command.file_id, expires=command.expires, signature=command.signature)

    def _is_looked_into(self, call: Call, command: OpenFile, row: Mapping[str, Any]) -> bool:
        """An administrator reads what is not the administrator's own, by login and not by an address."""
        actor = call.actor
        if actor is None or actor.user_type != "admin" or self._has_signed_address(command):
            return False
        return row["user_id"] != actor.user_id


async def _trace(tx: Transaction, call: Call, row: Mapping[str, Any]) -> None:
    detail = {"purpose": row["purpose"], "owner_id": row["user_id"], "order_id": row["order_id"]}
    await write_audit(tx, call, action="file.open", target=f"file:{row['file_id']}", detail=detail)
