"""Nobody leaves a socket open."""

import asyncio

import pytest

from tests.unit.ws.fallback.streams import HttpClient


@pytest.fixture(autouse=True)
def all_hang_up(io_loop):
    yield
    for client in HttpClient.opened:
        client.writer.transport.abort()
    HttpClient.opened.clear()
    io_loop.asyncio_loop.run_until_complete(asyncio.sleep(0))
