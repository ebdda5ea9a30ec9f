"""A real server of live channels on a free port."""

import asyncio
import json
import time
from contextlib import asynccontextmanager

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application
from tornado.websocket import websocket_connect

from server.core.clock import server_now
from server.core.errors import Refused
from server.core.ids import new_id
from server.core.tasks import Tasks
from server.storage.channel_log.sql import SqlChannelLog
from server.storage.pubsub.in_process import InProcessBus
from server.storage.pubsub.port import ChannelMessage, ControlMessage
from server.ws.fallback.handlers import fallback_routes
from server.ws.handler import WebSocketHandler
from server.ws.limits import Limits
from server.ws.live import LiveChannels
from server.ws.ports import Identity, UnknownMethod

DEADLINE_S = 8.0


async def until(condition):
    """Wait for a condition that becomes true by itself, with a deadline."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        await asyncio.sleep(0.005)


class Place:
    """The server, its log, and the collaborators that the composition root would give it."""

    def __init__(self, *, database, outbox, limits, allowed_origins=(), compress_from_bytes=None):
        self.database, self.outbox = database, outbox
        self.bus = InProcessBus()
        self.log = SqlChannelLog(database=database, outbox=outbox, bus=self.bus)
        self.tokens = {name: self.identity(name) for name in ("alice", "bob")}
        self.forbidden = {"order:foreign"}
        self.methods = {}
        self.checking, self.being_checked = asyncio.Event(), 0
        self.checking.set()  # cleared: tokens wait here after they were looked up
        self.tasks = Tasks("ws")
        self.clients = []
        self.live = LiveChannels(
            log=self.log,
            bus=self.bus,
            authenticate=self.authenticate,
            may_follow=self.may_follow,
            call=self.call,
            tasks=self.tasks,
            limits=limits,
            allowed_origins=allowed_origins,
            compress_from_bytes=compress_from_bytes,
        )
        application = Application(
            [(r"/connection/websocket", WebSocketHandler, {"live": self.live}), *fallback_routes(self.live)]
        )
        self.server = HTTPServer(application)
        [listening] = bind_sockets(0, "127.0.0.1")
        self.port = listening.getsockname()[1]
        self.server.add_socket(listening)
        self.url = f"ws://127.0.0.1:{self.port}/connection/websocket"

    @staticmethod
    def identity(name, *, ttl_s=900.0):
        return Identity(name, "patient", f"login-of-{name}", time.time() + ttl_s, {"name": name})

    async def authenticate(self, token):
        if token == "expired":
            raise Refused("token_expired")
        if token not in self.tokens:
            raise Refused("unauthorized")
        identity = self.tokens[token]
        self.being_checked += 1
        await self.checking.wait()
        self.being_checked -= 1
        return identity

    async def may_follow(self, identity, channel):
        return channel not in self.forbidden

    async def call(self, identity, method, data, remote_address):
        if method not in self.methods:
            raise UnknownMethod
        return await self.methods[method](identity, data)

    async def publish(self, channel, data, *, event_id=None):
        """Store an event and hand it to the bus, as a use case does; returns its position."""
        event = {"type": "test", "id": event_id or new_id(), "at": "", "data": data}
        return await self.database.write(lambda tx: self.log.append(tx, channel, event, at=server_now()))

    async def ephemeral(self, channel, data):
        await self.bus.publish(ChannelMessage(channel, "", None, json.dumps(data).encode()))

    async def order(self, kind, **body):
        await self.bus.broadcast(ControlMessage(kind, body))

    async def raw(self, **options):
        self.clients.append(await websocket_connect(self.url, **options))
        return Client(self.clients[-1])

    async def connected(self, token="alice", **connect):
        """A raw client that has connected, and the reply it got."""
        client = await self.raw()
        reply = await client.ask(connect={"token": token, **connect})
        assert "connect" in reply, reply
        return client, reply["connect"]

    async def stop(self):
        for client in self.clients:
            client.close()
        await self.live.drain(within_s=2.0)
        self.server.stop()
        await self.server.close_all_connections()
        await self.tasks.stop()
        await self.outbox.stop()


@asynccontextmanager
async def place(database, outbox, *, allowed_origins=(), compress_from_bytes=None, **limits):
    opened = Place(
        database=database, outbox=outbox, limits=Limits(**limits), allowed_origins=allowed_origins,
        compress_from_bytes=compress_from_bytes,
    )  # fmt: skip
    outbox.start()
    opened.live.start()
    try:
        yield opened
    finally:
        await opened.stop()


class Client:
    """Speaks the protocol word by word."""

    def __init__(self, connection):
        self.connection = connection
        self.pending = []
        self.last_id = 0

    async def say(self, *commands):
        await self.connection.write_message("\n".join(json.dumps(command) for command in commands))

    async def next(self):
        """The next reply or push; None when the connection is closed."""
        while not self.pending:
            message = await asyncio.wait_for(self.connection.read_message(), DEADLINE_S)
            if message is None:
                return None
            assert type(message) is str and message, "JSON travels in text frames that are not empty"
            self.pending = [json.loads(line) for line in message.split("\n")]
        return self.pending.pop(0)

    async def ask(self, **command):
        self.last_id += 1
        await self.say({"id": self.last_id, **command})
        reply = await self.next()
        assert reply is not None and reply.get("id") == self.last_id, reply
        return reply

    async def push(self):
        message = await self.next()
        assert message is not None and "push" in message, message
        return message["push"]

    async def code(self):
        """The close code, after everything that came before it."""
        while await self.next() is not None:
            pass
        return self.connection.close_code, self.connection.close_reason
