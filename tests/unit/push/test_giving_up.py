"""Whoever gives up an answer from outside, at a stop or a deadline, leaves no error in the log."""

import asyncio
import logging

import pytest

from server.handlers.notify import post_over_http
from server.push.senders.posting import HttpPost


class Silent:
    """Takes a connection, says nothing, and hangs up when it is told to."""

    def __init__(self):
        self.asked, self.hangs_up, self.gone = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def answer(self, reader, writer):
        await reader.readline()
        self.asked.set()
        await self.hangs_up.wait()
        writer.close()
        await writer.wait_closed()
        self.gone.set()


@pytest.mark.parametrize("who", ["the sandbox's courier", "a carrier"])
async def test_an_answer_that_nobody_waits_for_any_more_may_fail(who, caplog):
    post = HttpPost() if who == "a carrier" else None
    silent = Silent()
    server = await asyncio.start_server(silent.answer, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    asking = asyncio.create_task(post(url, {}) if post is not None else post_over_http(url, {}, b"{}"))
    await silent.asked.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    silent.hangs_up.set()
    await silent.gone.wait()
    await asyncio.sleep(0.1)  # the client sees it
    server.close()
    await server.wait_closed()
    if post is not None:
        post.close()
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []
