"""The edition in force, in memory of every instance.

A document is read once into the values that areas ask for. A job looks for a newer edition every second, and the
bus says when there is one; so a change is felt everywhere within two seconds.
"""

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from server.core.clock import server_now
from server.core.in_force import Edition
from server.rulebook import store
from server.storage.sql import Database
from server.storage.transaction import Transaction

T = TypeVar("T")
FIRST = 1
Readers = Mapping[str, Callable[[dict[str, Any]], Any]]  # by the name of a view


class Rulebook:
    """`first` is the document that a fresh store begins with; `readers` make a value of any document."""

    def __init__(self, *, database: Database, first: dict[str, Any], readers: Readers) -> None:
        self._database = database
        self.first = first
        self._readers = readers
        self._known = {FIRST: self._read(first)}
        self._first_is_kept = False
        self.number = FIRST

    def _read(self, document: dict[str, Any]) -> dict[str, Any]:
        return {name: read(document) for name, read in self._readers.items()}

    def view(self, name: str) -> "View[Any]":
        """One of the values, by edition."""
        return View(self, name)

    def value(self, name: str) -> Any:
        return self._known[self.number][name]

    async def value_of(self, tx: Transaction, name: str, number: int) -> Any:
        """Of any edition; one that does not exist reads as the first, so that no order is ever without rules."""
        if number not in self._known:
            document = await store.document_of(tx, number)
            if document is None:
                return self._known[FIRST][name]
            self._known[number] = self._read(document)
        return self._known[number][name]

    async def refresh(self) -> bool:
        """Take the newest edition; True when it is a newer one. Raises Unavailable."""
        async with self._database.glance() as tx:
            newest = await store.newest_number(tx)
        if newest is None:
            await self._database.write(self.keep_first)
            return False
        if newest <= self.number and self._first_is_kept:
            return False
        async with self._database.read() as tx:
            for number in {FIRST, newest}:
                document = await store.document_of(tx, number)
                if document is not None:
                    self._known[number] = self._read(document)
        is_newer, self.number, self._first_is_kept = newest > self.number, newest, True
        return is_newer

    async def keep_first(self, tx: Transaction) -> None:
        """Write the first edition down, so that a later program's defaults do not change what orders began with."""
        await store.add_edition(tx, FIRST, self.first, changed=[], reason=None, by=None, at=server_now())


class View(Generic[T]):
    """Implements `InForce`: one value of the book."""

    def __init__(self, book: Rulebook, name: str) -> None:
        self._book = book
        self._name = name

    @property
    def edition(self) -> Edition[T]:
        return Edition(self._book.number, self._book.value(self._name))

    @property
    def now(self) -> T:
        return self._book.value(self._name)

    async def of(self, tx: Transaction, number: int) -> T:
        return await self._book.value_of(tx, self._name, number)
