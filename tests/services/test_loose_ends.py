"""Who leaves a connection open fails, and nobody else does."""

import pytest

from tests.services.test_shared import pytest_runs

_PREPARED = """
import asyncio
import gc
import threading

import pytest
from tornado.iostream import IOStream
from tornado.tcpclient import TCPClient
from tornado.tcpserver import TCPServer

KEPT = []


class Server(TCPServer):
    async def handle_stream(self, stream, address):
        await stream.read_until_close()


@pytest.fixture
def run(all_closed):
    with asyncio.Runner() as runner:
        yield runner.run
        runner.run(all_closed())


async def connected():
    server = Server()
    server.listen(0, "127.0.0.1")
    [port] = {one.getsockname()[1] for one in server._sockets.values()}
    stream = await TCPClient().connect("127.0.0.1", port)
    server.stop()
    return stream
"""
_KEPT = """
def test_it(run):
    KEPT.append(run(connected()))

def test_after():
    gc.collect()
"""
_DROPPED = """
def test_it(run):
    async def drop():
        (await connected()).io_loop.handlers.clear()
        gc.collect()
    run(drop())

def test_after():
    gc.collect()
"""
_CLOSED = """
def test_it(run):
    async def close():
        (await connected()).close()
    run(close())
"""
_SLOWLY = """
def test_it(run):
    async def close_soon():
        asyncio.get_running_loop().call_later(1.0, (await connected()).close)
    run(close_soon())
"""
_ELSEWHERE = """
@pytest.fixture(scope="module")
def provider():
    over, there = threading.Event(), threading.Event()

    async def serve():
        stream = await connected()
        there.set()
        await asyncio.to_thread(over.wait)
        stream.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    yield there
    over.set()
    thread.join()

def test_it(run, request):
    assert request.getfixturevalue("provider").wait(10)

def test_after(provider, run):
    pass
"""


@pytest.mark.parametrize("content", [_KEPT, _DROPPED], ids=["kept", "dropped"])
def test_who_leaves_a_connection_open_fails_and_not_the_next(tmp_path, content):
    code, said = _runs(tmp_path, content)
    assert code == 1 and "2 passed, 1 error in" in said, said
    assert "ERROR test_some.py::test_it" in said and "left open: ('127.0.0.1'" in said, said


@pytest.mark.parametrize("content", [_CLOSED, _SLOWLY, _ELSEWHERE], ids=["closed", "slowly", "elsewhere"])
def test_who_closes_it_in_the_end_passes(tmp_path, content):
    code, said = _runs(tmp_path, content)
    assert code == 0 and " passed in" in said, said


def _runs(tmp_path, content):
    files = {"test_some.py": _PREPARED + content}
    return pytest_runs(tmp_path, files, plugins=["tests.loose_ends"], options=["-W", "error"])
