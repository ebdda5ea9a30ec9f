"""The client that the fault tests listen with leaves nothing behind when it is told to end."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application
from tornado.websocket import WebSocketHandler

from tests.fault.live_client import LiveClient
from tests.fault.server_process import until
from tests.standstill import evenly_s

_BARELY_S = 3.0  # Tornado gives up after five
_MESSAGES = 2_000


class Talkative(WebSocketHandler):
    """Says much as soon as somebody is there."""

    def initialize(self, open_ones):
        self._open_ones = open_ones

    def open(self):
        self._open_ones.append(self)

    def on_message(self, message):
        self.write_message(json.dumps({"connect": {}}))
        for number in range(_MESSAGES):
            self.write_message(json.dumps({"push": {"channel": "order:1", "join": {"n": number}}}))

    def on_close(self):
        self._open_ones.remove(self)


class Reluctant(Talkative):
    """Takes its time to greet."""

    async def prepare(self):
        self._open_ones.append(self)
        await asyncio.sleep(1.0)

    def open(self):
        pass


@asynccontextmanager
async def _served(kind):
    """Its address, and who is connected."""
    [listening], open_ones = bind_sockets(0, "127.0.0.1"), []
    server = HTTPServer(Application([("/connection/websocket", kind, {"open_ones": open_ones})]))
    server.add_socket(listening)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}", open_ones
    server.stop()


@pytest.mark.parametrize("kind", [Talkative, Reluctant])
async def test_it_ends_at_once_in_the_middle_of_much_talk_and_of_a_connect(kind, history):
    async with _served(kind) as (url, open_ones):
        client = LiveClient(lambda: url, token="", name="one", history=history)
        running = asyncio.create_task(client.run())
        await until(lambda: open_ones, within_s=10, what="it comes")
        if kind is Talkative:
            await client.connected()
        began_s = evenly_s()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await until(lambda: not open_ones, within_s=10, what="it goes")
        await until(lambda: client._socket is None or client._socket.stream.closed(), within_s=10, what="it has ended")
        assert evenly_s() - began_s < _BARELY_S
