"""A world of live channels in which time, the log and the bus do what a test says.

The server side is the real one from the codec to the hub. The loop's time is virtual: waiting costs nothing
and every run of the same steps is the same.
"""

import asyncio
import json
import selectors
import time
from contextlib import contextmanager

from server.core.errors import Unavailable
from server.core.tasks import Tasks
from server.storage.channel_log.port import LoggedEvent, Position, Slice
from server.storage.pubsub.port import ChannelMessage
from server.ws.fallback.inbox import Inbox
from server.ws.limits import Limits
from server.ws.live import LiveChannels
from server.ws.ports import Identity, UnknownMethod
from server.ws.reframed import Reframed, as_line
from server.ws.wire.json_codec import JsonCodec

MOST_RECOVERED = 8
LIMITS = Limits(recovery_entries=MOST_RECOVERED, handshakes_per_s=1e9)


class _NoWaiting(selectors.DefaultSelector):
    """Instead of waiting, lets the loop's clock jump."""

    loop = None

    def select(self, timeout=None):
        if timeout:
            self.loop.now_s += timeout
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self):
        self.now_s = 1_000.0
        selector = _NoWaiting()
        selector.loop = self
        super().__init__(selector)

    def time(self):
        return self.now_s


class Log:
    """Implements `ChannelLog` in memory; reads may be slow (and then old) or fail."""

    def __init__(self):
        self._events, self._tops, self._floors = {}, {}, {}
        self.epochs_made = 0
        self.delay_s, self.is_away = 0.0, False

    def top_of(self, channel):
        return self._tops.get(channel, Position("", 0))

    def append(self, channel):
        top = self.top_of(channel)
        if not top.epoch:
            self.epochs_made += 1
            top = Position(f"E{self.epochs_made}", 0)
        offset = top.offset + 1
        data = json.dumps({"e": top.epoch, "o": offset}).encode()
        self._events.setdefault(channel, {})[offset] = LoggedEvent(channel, top.epoch, offset, data)
        self._tops[channel] = Position(top.epoch, offset)
        return ChannelMessage(channel, top.epoch, offset, data)

    def prune(self, channel, kept):
        floor = max(self._floors.get(channel, 0), self.top_of(channel).offset - kept)
        self._floors[channel] = floor
        events = self._events.get(channel, {})
        self._events[channel] = {offset: event for offset, event in events.items() if offset > floor}

    def begin_anew(self, channel):
        """Even the position was forgotten; the next event begins another epoch."""
        for kept in (self._events, self._tops, self._floors):
            kept.pop(channel, None)

    def can_recover(self, channel, position):
        top = self.top_of(channel)
        if position.epoch not in ("", top.epoch) or position.offset > top.offset:
            return False
        return position.offset >= self._floors.get(channel, 0) and top.offset - position.offset <= MOST_RECOVERED

    async def _read(self, take):
        if self.is_away:
            raise Unavailable
        taken = take()
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        return taken

    async def top(self, channel):
        return await self._read(lambda: self.top_of(channel))

    async def tops(self, channels):
        return await self._read(lambda: {name: self._tops[name] for name in channels if name in self._tops})

    async def since(self, channel, offset, *, limit, max_bytes):
        def take():
            events = [event for at, event in sorted(self._events.get(channel, {}).items()) if at > offset]
            return Slice(tuple(events[:limit]), self.top_of(channel))

        return await self._read(take)

    async def before(self, channel, offset, *, limit):
        raise AssertionError(f"nobody asks for history here: {channel} before {offset}, {limit}")


class FaultyBus:
    """Implements `Bus`: what is published waits until the test delivers, repeats or loses it."""

    def __init__(self):
        self.waiting, self.followed, self.is_away, self._receive = [], set(), False, None

    async def follow(self, channel):
        await asyncio.sleep(0.001)
        if self.is_away:
            raise Unavailable
        self.followed.add(channel)

    async def unfollow(self, channel):
        await asyncio.sleep(0.001)
        if self.is_away:
            raise Unavailable
        self.followed.discard(channel)

    async def broadcast(self, message):
        if self.is_away:
            raise Unavailable

    def on_channel(self, receiver):
        self._receive = receiver

    def on_control(self, receiver):
        self.obey = receiver

    def on_gap(self, receiver):
        """It never tells: the check of positions has to find what it lost."""

    def deliver(self, message):
        if message.channel in self.followed:
            self._receive(message)


class Wire:
    """The stream and the transport under one connection: whatever is sent is told to the client, line by line."""

    socket = None

    def __init__(self, client):
        self.stream, self._client, self._closed, self._write_buffer = self, client, False, b""

    def closed(self):
        return self._closed

    def write(self, data):
        with self._client.world.noting_failures():
            for line in data.decode().splitlines():
                self._client.hear(self, json.loads(line))

    def close(self, code=1006, reason=""):
        if not self._closed:
            self._closed = True
            with self._client.world.noting_failures():
                assert reason or code == 1006, "an empty reason makes clients reconnect for ever"
                self._client.cut_off(self, code)

    abort = close


class World:
    """One instance, its log and its bus."""

    def __init__(self):
        self.loop = VirtualLoop()
        self.log, self.bus, self.tasks = Log(), FaultyBus(), Tasks("test")
        self.codec = Reframed(JsonCodec(commands_per_frame=100), as_line)
        self.live = LiveChannels(
            log=self.log, bus=self.bus, authenticate=self.authenticate, may_follow=self.may_follow,
            call=self.call, tasks=self.tasks, limits=LIMITS,
        )  # fmt: skip
        self.do(self._start)
        self.broke_history = False  # whether any client may rightly be told that it lost track
        self.failures = []

    async def _start(self):
        self.live.start()

    @contextmanager
    def noting_failures(self):
        """A client runs inside the server's own calls here, which would take its failure for a bug of theirs."""
        try:
            yield
        except AssertionError as failure:
            self.failures.append(failure)

    async def authenticate(self, token):
        await asyncio.sleep(0.001)
        return Identity(token, "patient", token, time.time() + 1e6)

    async def may_follow(self, identity, channel):
        await asyncio.sleep(0.001)
        return True

    async def call(self, identity, method, data, remote_address):
        raise UnknownMethod

    def do(self, work):
        return self.loop.run_until_complete(work())

    def wait(self, seconds):
        self.do(lambda: asyncio.sleep(seconds))

    def turn(self, times):
        async def turns():
            for _ in range(times):
                await asyncio.sleep(0)

        self.do(turns)

    def end(self):
        self.do(lambda: self.live.drain(within_s=5.0))
        self.do(self.tasks.stop)
        died = dict(self.tasks.died)
        self.loop.close()
        assert not died, died
        assert not self.live.counts["bugs"]


class Client:
    """A client that is as careful as it can be, and fails the test where it is not told the truth.

    Like the official ones it neither sorts nor drops anything; unlike them it takes the epoch of a channel that
    had no event at first from the first event.
    """

    def __init__(self, world, user):
        self.world, self.user = world, user
        self.wire = self.connection = self.inbox = None
        self.is_connected = False
        self.positions = {}
        self.live, self.leaving = set(), set()
        self.pending, self.last_id = {}, 0
        self.could_recover_when_asked: dict[str, bool] = {}

    def connect(self, *, recovers):
        self.wire = Wire(self)
        wire = self.wire

        async def opened():
            return self.world.live.open(wire, codec=self.world.codec, remote_address="")

        self.connection = self.world.do(opened)
        self.inbox = Inbox(self.connection, tasks=self.world.tasks, most_bytes=10**9)
        own = f"user:{self.user}"
        resume = self.positions.get(own) if recovers else None
        subs = {own: _resume(resume)} if resume else {}
        self.say("connect", {"token": self.user, "subs": subs}, (own, resume))

    def say(self, method, body, context):
        self.last_id += 1
        self.pending[self.last_id] = (method, context)
        channel, resume = context if isinstance(context, tuple) else (context, None)
        self.could_recover_when_asked[channel] = resume is not None and self.world.log.can_recover(channel, resume)
        line = json.dumps({"id": self.last_id, method: body})

        async def put():
            self.inbox.put(line)

        self.world.do(put)

    def subscribe(self, channel, *, recovers):
        resume = self.positions.get(channel) if recovers else None
        self.say("subscribe", {"channel": channel, **(_resume(resume) if resume else {})}, (channel, resume))

    def unsubscribe(self, channel):
        self.leaving.add(channel)
        self.say("unsubscribe", {"channel": channel}, (channel, None))

    def is_asking(self, channel):
        return any(context[0] == channel for _, context in self.pending.values())

    def hang_up(self):
        """The network is gone; the server hears of it."""
        connection, self.wire = self.connection, None
        self._forget()

        async def closed():
            connection._transport._closed = True
            self.world.live.closed(connection)

        self.world.do(closed)

    def cut_off(self, wire, code):
        asyncio.get_running_loop().call_soon(self.world.live.closed, self.connection)
        if wire is self.wire:
            assert code in (3000, 3001, 3010, 1006), f"closed with {code}"
            assert code != 3010 or self.world.broke_history, "lost track though the log had everything"
            self.wire = None
            self._forget()

    def _forget(self):
        self.connection = self.inbox = None
        self.is_connected = False
        self.live.clear()
        self.leaving.clear()
        self.pending.clear()

    def hear(self, wire, told):
        if wire is not self.wire:
            return  # sent before the network was gone
        if "id" in told:
            self._hear_reply(*self.pending.pop(told["id"]), told)
        elif "push" in told:
            self._hear_push(told["push"]["channel"], told["push"])
        else:
            asyncio.get_running_loop().call_soon(self._pong, self.inbox)

    def _pong(self, inbox):
        if inbox is self.inbox:
            inbox.put("{}")

    def _hear_reply(self, method, context, told):
        channel, resume = context
        if "error" in told:
            assert method in ("connect", "subscribe"), told
            assert told["error"].get("temporary"), told
        elif method == "connect":
            self.is_connected = True
            subs = told["connect"]["subs"]
            assert set(subs) == {channel}
            self._begin(channel, resume, subs[channel])
        elif method == "subscribe":
            self._begin(channel, resume, told["subscribe"])
        else:
            self.live.discard(channel)
            self.leaving.discard(channel)

    def _begin(self, channel, resume, told):
        assert told["recoverable"] and bool(told.get("was_recovering")) == (resume is not None)
        epoch, offset = told.get("epoch", ""), told.get("offset", 0)
        if told.get("recovered"):
            assert resume.epoch in ("", epoch) and offset == resume.offset, "not what was asked for"
        else:
            assert "publications" not in told, "clients play them although recovery failed"
            if resume is not None:
                # The log may begin anew between the question, the server's look and the answer.
                could = self.could_recover_when_asked[channel] and self.world.log.can_recover(channel, resume)
                assert not could, "it could have been recovered"
        self.positions[channel] = Position(epoch, offset)
        self.live.add(channel)
        for publication in told.get("publications", ()):
            self._take(channel, publication)

    def _hear_push(self, channel, push):
        assert channel in self.live, f"a push of {channel} before its reply or after its end"
        if "pub" in push:
            if "offset" in push["pub"]:
                self._take(channel, push["pub"])
        else:
            assert push["unsubscribe"]["code"] == 2500 and not channel.startswith("user:")
            assert self.world.broke_history, "lost track though the log had everything"
            self.live.discard(channel)

    def _take(self, channel, publication):
        position, data = self.positions[channel], publication["data"]
        assert publication["offset"] == data["o"] == position.offset + 1, (position, publication)
        assert position.epoch == data["e"] or not position.epoch, (position, publication)
        self.positions[channel] = Position(data["e"], data["o"])


def _resume(position):
    return {"recover": True, "epoch": position.epoch, "offset": position.offset}
