"""The story's wire, inbox and stage, without a server."""
import asyncio
import io
import time
from contextlib import suppress
from types import SimpleNamespace

import pytest
from rich.console import Console

from server.demo.story import tell
from server.demo.tale.inbox import Inbox
from server.demo.tale.stage import Broken, Stage, yuan
from server.demo.tale.wire import Wire


class Echo:
    """A server that sends back what it gets and knows when its connections have ended."""

    def __init__(self):
        self._ended = []

    async def open(self):
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        return self._server.sockets[0].getsockname()[1]

    async def _answer(self, reader, writer):
        self._ended.append(asyncio.current_task())
        with suppress(ConnectionError):
            while chunk := await reader.read(1_000):
                writer.write(chunk)
                await writer.drain()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async def close(self):
        self._server.close()
        await asyncio.gather(*self._ended)


async def speak(port, text):
    """Send a text through a new connection and return what comes back; empty when it was reset."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = b""
    with suppress(ConnectionError):
        writer.write(text)
        answer = await reader.read(len(text))
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()
    return answer


async def test_a_wire_carries_until_it_is_cut_and_again_when_mended():
    echo = Echo()
    wire = Wire(host="127.0.0.1", port=await echo.open())
    port = await wire.open()
    assert await speak(port, b"hello") == b"hello"
    wire.cut()
    assert await speak(port, b"lost") == b""
    wire.mend()
    assert await speak(port, b"again") == b"again"
    await wire.close()
    await echo.close()


async def test_cutting_a_wire_resets_the_connections_that_are_open():
    echo = Echo()
    wire = Wire(host="127.0.0.1", port=await echo.open())
    reader, writer = await asyncio.open_connection("127.0.0.1", await wire.open())
    writer.write(b"hello")
    assert await reader.readexactly(5) == b"hello"
    wire.cut()
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await reader.readexactly(1)
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()
    await wire.close()
    await echo.close()


def publication(offset, event_type, **data):
    return SimpleNamespace(offset=offset, data={"type": event_type, "id": f"id-{offset}", "at": "", "data": data})


async def test_an_inbox_finds_what_came_before_and_what_is_still_to_come():
    inbox = Inbox()
    await inbox.put("order:1", publication(1, "order.status", status="paid"))
    early = await inbox.await_event("order.status", where=lambda e: e.data["status"] == "paid", within_s=1)
    waiting = asyncio.ensure_future(inbox.await_event("note.added", where=lambda e: True, within_s=5))
    await asyncio.sleep(0)
    await inbox.put("order:1", publication(2, "note.added", text="x"))
    await inbox.put("order:1", publication(None, "chat.typing", user_id="u"))
    assert early.offset == 1
    assert (await waiting).data == {"text": "x"}
    assert inbox.offsets("order:1") == [1, 2]


async def test_an_inbox_answers_nothing_when_the_event_stays_out():
    began = time.monotonic()
    assert await Inbox().await_event("notice", where=lambda e: True, within_s=0.05) is None
    assert time.monotonic() - began < 2


def test_a_failed_check_ends_the_story_with_its_sentence():
    with pytest.raises(Broken, match="恰好一人"):
        Stage(Console(file=io.StringIO())).check(False, "恰好一人接到")


def test_amounts_are_told_in_yuan():
    assert [yuan(5), yuan(1_250), yuan(24_000)] == ["¥0.05", "¥12.50", "¥240.00"]


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "https://example.invalid", "nonsense"])
async def test_a_server_that_is_not_there_is_told_in_one_sentence(url):
    written = io.StringIO()
    assert await tell(url, console=Console(file=written, width=200)) == 1
    assert "✗" in written.getvalue()
