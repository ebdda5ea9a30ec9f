"""Uploaded files in the data directory.

A file appears under its key only whole: it is written beside, flushed to the disk and renamed. Paths are
made of our own ids alone, so nothing a user sent can name a place outside.
"""
import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from pathlib import Path
from typing import BinaryIO, TypeVar

from server.core.errors import Unavailable
from server.core.ids import looks_like_id, new_id
from server.storage.files.port import MissingFile

_INCOMING = "incoming"
_AT_ONCE = 500
_PIECE_BYTES = 256 * 1024
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

    async def pieces(self, key: str) -> AsyncIterator[bytes]:
        path = self._path(key)
        if path is None:
            raise MissingFile(key)
        try:
            file = await self._run(lambda: path.open("rb"))
        except FileNotFoundError:
            raise MissingFile(key) from None
        with file:
            while piece := await self._run(lambda: file.read(_PIECE_BYTES)):
                yield piece

    async def keep(self, key: str, pieces: AsyncIterator[bytes]) -> None:
        kept = self._path(key)
        if kept is None:
            raise ValueError("this key is none of ours")
        incoming = self._directory / _INCOMING / key
        file = await self._run(lambda: _begin(incoming))
        try:
            with file:
                async for piece in pieces:
                    await self._run(lambda piece=piece: file.write(piece))
                await self._run(lambda: _flush(file))
            await self._run(lambda: _appear(incoming, kept))
        except BaseException:
            await self._run(lambda: incoming.unlink(missing_ok=True))
            raise

    async def delete(self, key: str) -> None:
        path = self._path(key)
        if path is not None:
            await self._run(lambda: path.unlink(missing_ok=True))

    async def sweep(self, *, older_than_s: float) -> int:
        return await self._run(lambda: self._sweep(time.time() - older_than_s))

    async def aged(self, *, older_than_s: float) -> AsyncIterator[list[str]]:
        before = time.time() - older_than_s
        for folder in await self._run(lambda: [one.name for one in self._directory.glob("??")]):
            keys = await self._run(lambda folder=folder: self._kept(folder, before))
            for begin in range(0, len(keys), _AT_ONCE):
                yield keys[begin : begin + _AT_ONCE]

    def _kept(self, folder: str, before: float) -> list[str]:
        with os.scandir(self._directory / folder) as found:
            return [one.name for one in found if looks_like_id(one.name) and one.stat().st_mtime < before]

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
        try:
            with _begin(incoming) as file:
                file.write(content)
                _flush(file)
            _appear(incoming, kept)
        except OSError:
            incoming.unlink(missing_ok=True)
            raise

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


def _begin(incoming: Path) -> BinaryIO:
    """A file that nobody else writes; one that was left under this name is not gone on with."""
    incoming.parent.mkdir(parents=True, exist_ok=True)
    incoming.unlink(missing_ok=True)
    return open(os.open(incoming, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _flush(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _appear(incoming: Path, kept: Path) -> None:
    """Under its key, for good."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    os.replace(incoming, kept)
    descriptor = os.open(kept.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
