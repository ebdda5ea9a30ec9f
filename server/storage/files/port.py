"""Where uploaded bytes are kept.

A store knows keys and bytes. Who owns a file, what it is and who may see it is a row in the database, that
is written after `put` has returned; so a crash leaves bytes without a row, never a row without bytes.
"""
from typing import Protocol


class MissingFile(LookupError):
    """No bytes are kept under this key."""


class FileStore(Protocol):
    """Keys are made by the store and never hold anything that a user typed."""

    async def put(self, content: bytes) -> str:
        """Keep the bytes durably, then return their new key. Raises Unavailable (no space, no store)."""

    async def open(self, key: str) -> bytes:
        """The whole bytes. Raises MissingFile, Unavailable."""

    async def delete(self, key: str) -> None:
        """Forget the bytes; a key that is unknown or gone already is no error. Raises Unavailable."""

    async def sweep(self, *, older_than_s: float) -> int:
        """Remove what interrupted `put`s left behind that long ago; the number removed."""
