"""Uploaded files in the data directory.

A file appears under its key only whole: it is written beside, flushed to the disk and renamed. Paths are
made of our own ids alone, so nothing a user sent can name a place outside.
"""
import asyncio
import os
import time
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path
from typing import TypeVar

from server.core.errors import Unavailable
from server.core.ids import looks_like_id, new_id
from server.storage.files.port import MissingFile

_INCOMING = "incoming"
_FULL_DISK_RETRY_S = 60  # somebody has to make room first

T = TypeVar("T")


class DiskFiles:
    """A FileStore in one directory; `executor` runs what would block the loop."""

    def __init__(self, *, directory: Path, executor: Executor) -> None:
        self._directory = directory
        self._executor = executor

    async def put(self, content: bytes) -> str:
        key = new_id()
        await self._run(lambda: self._write(key, content))
        return key

    async def open(self, key: str) -> bytes:
        path = self._path(key)
        if path is None:
            raise MissingFile(key)
        try:
            return await self._run(path.read_bytes)
        except FileNotFoundError:
            raise MissingFile(key) from None

    async def delete(self, key: str) -> None:
        path = self._path(key)
        if path is not None:
            await self._run(lambda: path.unlink(missing_ok=True))

    async def sweep(self, *, older_than_s: float) -> int:
        return await self._run(lambda: self._sweep(time.time() - older_than_s))

    def _path(self, key: str) -> Path | None:
        # The last characters are random, the first ones are the time: the last spread the files evenly.
        return self._directory / key[-2:] / key if looks_like_id(key) else None

    async def _run(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, work)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise Unavailable(retry_after_s=_FULL_DISK_RETRY_S) from error

    def _write(self, key: str, content: bytes) -> None:
        incoming = self._directory / _INCOMING / key
        kept = self._path(key)
        assert kept is not None
        incoming.parent.mkdir(parents=True, exist_ok=True)
        kept.parent.mkdir(parents=True, exist_ok=True)
        try:
            _write_through(incoming, content)
            os.replace(incoming, kept)
        except OSError:
            incoming.unlink(missing_ok=True)
            raise
        _flush_directory(kept.parent)

    def _sweep(self, before: float) -> int:
        removed = 0
        for path in (self._directory / _INCOMING).glob("*"):
            try:
                if path.stat().st_mtime < before:
                    path.unlink()
                    removed += 1
            except FileNotFoundError:
                continue  # its own `put` was only slow, or another instance sweeps too
        return removed


def _write_through(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _flush_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
