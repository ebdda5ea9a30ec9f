"""Hashes passwords beside the loop, two at a time.

argon2id with OWASP's first parameters (m 19,456 KiB, t 2, p 1). A hash takes some 20 ms of a core, so a
login storm waits in this queue instead of stalling every socket; the queue is bounded.
"""

import asyncio
import base64
import os
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type

from server.core.errors import Unavailable

_SALT_BYTES, _HASH_BYTES = 16, 32
_WAITING_LIMIT = 400  # some 4 s of work; who comes later would have given up by his turn


class Passwords:
    """`memory_kib`, `rounds` and `lanes` are argon2's m, t and p; stored hashes carry their own."""

    def __init__(self, *, memory_kib: int = 19_456, rounds: int = 2, lanes: int = 1, threads: int = 2) -> None:
        self._hasher = PasswordHasher(
            time_cost=rounds,
            memory_cost=memory_kib,
            parallelism=lanes,
            hash_len=_HASH_BYTES,
            salt_len=_SALT_BYTES,
            type=Type.ID,
        )
        # Of no password, with the present cost: verifying against it takes as long as a real one.
        self._nobodys = (
            f"$argon2id$v=19$m={memory_kib},t={rounds},p={lanes}$"
            f"{_base64(os.urandom(_SALT_BYTES))}${_base64(os.urandom(_HASH_BYTES))}"
        )
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="password")
        self._waiting = 0

    async def hash(self, password: str) -> str:
        """The encoded argon2id hash. Raises Unavailable when too many wait."""
        return await self._beside_the_loop(self._hasher.hash, _plain(password))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether the password fits; None (nobody has that phone) costs the same time and never fits.

        Raises Unavailable when too many wait.
        """
        return await self._beside_the_loop(self._fits, stored or self._nobodys, _plain(password))

    def is_outdated(self, stored: str) -> bool:
        """Whether the hash was made at another cost than the present one."""
        return self._hasher.check_needs_rehash(stored)

    def _fits(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _beside_the_loop(self, work: Any, *given: Any) -> Any:
        if self._waiting >= _WAITING_LIMIT:
            raise Unavailable(retry_after_s=5)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *given)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Let what runs end and start nothing more."""
        self._threads.shutdown(cancel_futures=True)


def _plain(password: str) -> str:
    """One spelling: keyboards differ in how they compose the same letter."""
    return unicodedata.normalize("NFC", password)


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode().rstrip("=")
