"""Stands between a driver and a MongoDB, and lets chosen commands fail.

Reads the frames of MongoDB's protocol (a length, three numbers, flags, one document), so that a command is let
through, answered here, or done there and its answer lost.
"""

import asyncio
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import bson

_HEADER = struct.Struct("<iiii")
_MESSAGE = 2013
_MORE_TO_COME = 2
_BODY_AT = 21  # behind the header, the flags and the kind of the first section
_CUT = object()

Answer = dict[str, Any] | Callable[[], Awaitable[None]] | None


def refusal(code: int, words: str, *labels: str) -> dict[str, Any]:
    """What a server answers that will not do it."""
    return {"ok": 0.0, "code": code, "errmsg": words, "errorLabels": list(labels)}


NOT_PRIMARY = refusal(10107, "not primary")
DUPLICATE = {"ok": 1.0, "n": 0, "nModified": 0, "writeErrors": [{"index": 0, "code": 11000, "errmsg": "E11000"}]}


class MongoRelay:
    """Use as `async with`; faults are used up in the order in which they were given."""

    def __init__(self, far_port: int) -> None:
        self._far_port = far_port
        self._faults: list[tuple[str, bool, Any]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0
        self.seen: list[str] = []  # names of commands, in order; greetings are left out
        self.asked: list[dict[str, Any]] = []  # the same commands whole, but for what they insert or change

    async def __aenter__(self) -> "MongoRelay":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in tuple(self._writers):
            writer.transport.abort()
        await asyncio.gather(*self._tasks)

    def instead(self, command: str, answer: Answer = None) -> None:
        """The next such command is not done: it is answered so, or, without an answer, the connection is cut.

        Before a cut an answer that can be called is called and awaited: to do harm at this very moment.
        """
        self._faults.append((command, False, answer or _CUT))

    def afterwards(self, command: str, answer: Answer = None) -> None:
        """The next such command is done, and then answered so, or the connection is cut."""
        self._faults.append((command, True, answer or _CUT))

    def let_pass(self, command: str) -> None:
        """The next such command is none of those."""
        self._faults.append((command, False, None))

    @property
    def is_used_up(self) -> bool:
        return not self._faults

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        mine = {writer}
        self._writers.add(writer)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):  # also when the far side was killed
                far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._far_port)
                mine.add(far_writer)
                self._writers.add(far_writer)
                while True:
                    await self._relay(await _frame(reader), writer, far_reader, far_writer)
        finally:
            self._tasks.discard(task)
            self._writers -= mine
            for one in mine:
                one.close()

    async def _relay(
        self, frame: bytes, writer: asyncio.StreamWriter, far_reader: asyncio.StreamReader,
        far_writer: asyncio.StreamWriter,
    ) -> None:  # fmt: skip
        is_done, answer = self._fault_of(frame)
        if answer is None or is_done:
            far_writer.write(frame)
            while True:
                reply = await _frame(far_reader)
                if answer is None:
                    writer.write(reply)
                if not _has_more(reply):
                    break
        if answer is _CUT or callable(answer):
            if callable(answer):
                await answer()
            raise ConnectionResetError
        if answer is not None:
            writer.write(_answer(frame, answer))
        await writer.drain()

    def _fault_of(self, frame: bytes) -> tuple[bool, Any]:
        _, _, _, kind = _HEADER.unpack_from(frame)
        if kind != _MESSAGE:
            return False, None
        length = struct.unpack_from("<i", frame, _BODY_AT)[0]
        asked = bson.decode(frame[_BODY_AT : _BODY_AT + length])
        command = next(iter(asked))
        if command not in ("hello", "ismaster"):
            self.seen.append(command)
            self.asked.append(asked)
        for fault in self._faults:
            if fault[0] == command:
                self._faults.remove(fault)
                return fault[1:]
        return False, None


async def _frame(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readexactly(_HEADER.size)
    return head + await reader.readexactly(_HEADER.unpack(head)[0] - _HEADER.size)


def _has_more(frame: bytes) -> bool:
    return _HEADER.unpack_from(frame)[3] == _MESSAGE and bool(struct.unpack_from("<I", frame, 16)[0] & _MORE_TO_COME)


def _answer(frame: bytes, document: dict[str, Any]) -> bytes:
    body = struct.pack("<IB", 0, 0) + bson.encode(document)
    return _HEADER.pack(_HEADER.size + len(body), 1, _HEADER.unpack_from(frame)[1], _MESSAGE) + body
