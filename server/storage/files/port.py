"""Where uploaded bytes are kept.

A store knows keys and bytes. Who owns a file, what it is and who may see it is a row in the database, that
is written after `put` has returned; so a crash leaves bytes without a row, never a row without bytes.
"""
from collections.abc import AsyncIterator
from typing import Protocol


class MissingFile(LookupError):
    """No bytes are kept under this key."""


class FileStore(Protocol):
    """Keys are made by the store and never hold anything that a user typed."""

    async def put(self, content: bytes) -> str:
        """Keep the bytes durably, then return their new key. Raises Unavailable (no space, no store)."""

    async def open(self, key: str) -> bytes:
        """The whole bytes. Raises MissingFile, Unavailable."""

    def pieces(self, key: str) -> AsyncIterator[bytes]:
        """The same bytes, some hundred kilobytes at once. Raises MissingFile, Unavailable."""

    async def keep(self, key: str, pieces: AsyncIterator[bytes]) -> None:
        """Keep bytes under a key that a store made, whole or not at all; there already: in their place.

        Only for what comes from a backup or from another store. Raises Unavailable, ValueError (a strange key).
        """

    async def delete(self, key: str) -> None:
        """Forget the bytes; a key that is unknown or gone already is no error. Raises Unavailable."""

    async def sweep(self, *, older_than_s: float) -> int:
        """Remove what interrupted `put`s left behind that long ago; the number removed."""

    def aged(self, *, older_than_s: float) -> AsyncIterator[list[str]]:
        """Keys of what has been kept that long, some hundred at once and in no order. Raises Unavailable."""
