"""A test that leaves a connection open fails itself.

Otherwise it is found as garbage in the middle of a later test, and that one fails for it. Of every stream of Tornado's
the bare socket is held here until the test ends: whether it was closed is known then, whatever became of the stream.
"""

import asyncio
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tornado.iostream import IOStream

_CLOSED_WITHIN_S = 6.0  # Tornado waits five seconds for the other side's goodbye
_TESTS = str(Path(__file__).parent)
_CODE = str(Path(__file__).parents[1])


class _Held(NamedTuple):
    """Of one stream: its socket, the loop that it was opened in, the nearest line of ours that opened it."""

    socket: socket.socket
    loop: asyncio.AbstractEventLoop
    line: str

    def __str__(self) -> str:
        try:
            ends = f"{self.socket.getsockname()} to {self.socket.getpeername()}"
        except OSError:
            ends = "one whose other side is gone"
        return f"{ends}, opened at {self.line}"


_held: list[_Held] = []


def pytest_configure() -> None:
    opened = IOStream.__init__

    def opened_and_held(self: IOStream, its: socket.socket, *args: Any, **more: Any) -> None:
        opened(self, its, *args, **more)
        _held.append(_Held(its, self.io_loop.asyncio_loop, _line()))  # type: ignore[attr-defined]

    IOStream.__init__ = opened_and_held  # type: ignore[method-assign]


def _line() -> str:
    """Who connects stands behind a task, who takes connections behind a server: then there is none."""
    frame = sys._getframe(2)
    while frame is not None:
        path = frame.f_code.co_filename
        if path.startswith((f"{_TESTS}/", f"{_CODE}/server/")):
            return f"{path.removeprefix(_CODE)[1:]}:{frame.f_lineno}"
        frame = frame.f_back  # type: ignore[assignment]
    return "no line of ours"


@pytest.fixture
def all_closed() -> Callable[[], Awaitable[None]]:
    """To be awaited in the test's loop when everything that it uses is over. Raises AssertionError."""
    _held.clear()
    return _all_closed


async def _all_closed() -> None:
    deadline = time.monotonic() + _CLOSED_WITHIN_S
    while (still := _open_here()) and time.monotonic() < deadline:
        await asyncio.sleep(0.01)
    told = [str(one) for one in still]
    for one in still:
        one.socket.close()
    assert not told, f"left open: {'; '.join(told)}"


def _open_here() -> list[_Held]:
    loop = asyncio.get_running_loop()
    return [one for one in _held if one.loop is loop and one.socket.fileno() >= 0]
