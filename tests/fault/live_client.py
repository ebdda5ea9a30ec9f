"""A small client of the live channels that keeps positions."""
import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from tornado.httpclient import HTTPClientError
from tornado.iostream import StreamClosedError
from tornado.websocket import WebSocketClientConnection, WebSocketClosedError, WebSocketError, websocket_connect

from tests.fault.history import History

_RECONNECT_PAUSE_S = 0.05
_SUBSCRIBE_AGAIN_S = 0.2
_ANSWER_WITHIN_S = 10.0
_GOODBYE_WITHIN_S = 5.5  # Tornado gives the other side five seconds
_NO_CONNECTION = (OSError, HTTPClientError, WebSocketError, StreamClosedError, WebSocketClosedError)


class Lost(Exception):
    """The connection ended before the answer: nobody knows whether the request had an effect."""


async def _dial(url: str) -> WebSocketClientConnection:
    """Leaves no connection behind when its caller goes meanwhile. Raises TimeoutError, and what Tornado raises."""
    coming = asyncio.ensure_future(websocket_connect(url, ping_interval=None))
    try:
        async with asyncio.timeout(_ANSWER_WITHIN_S):
            return await asyncio.shield(coming)
    except (TimeoutError, asyncio.CancelledError):
        coming.add_done_callback(lambda came: came.cancelled() or came.exception() or came.result().close())
        raise


async def _read_out(connection: WebSocketClientConnection) -> None:
    """After its `close`: as long as nobody reads what has come, Tornado does not see the end that comes behind it."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_GOODBYE_WITHIN_S):
            while await connection.read_message() is not None:
                pass


class Places:
    """Where one client stands in each channel, as (epoch, offset); writes down how it moves."""

    def __init__(self, client: str, history: History) -> None:
        self._client = client
        self._history = history
        self.known: dict[str, tuple[str, int]] = {}
        self.news: list[str] = []  # orders that somebody told of, the newest last

    def resume(self, channel: str) -> dict[str, Any]:
        """What a subscription asks for: everything since the last place, if there is one."""
        if channel not in self.known:
            return {}
        epoch, offset = self.known[channel]
        return {"recover": True, "epoch": epoch, "offset": offset}

    def stand(self, channel: str, result: dict[str, Any]) -> None:
        """Where a channel goes on: at the old place, or for the first time at the one just told."""
        here = {"client": self._client, "channel": channel}
        told = (result.get("epoch", ""), result.get("offset", 0))
        if channel not in self.known:
            self.known[channel] = told
            self._history.write("joined", **here, epoch=told[0], offset=told[1])
        elif not result.get("recovered"):
            self._history.write("lost_position", **here, had=self.known[channel], told=told)
            self.known[channel] = told
        else:  # before the first event a channel has no epoch
            self.known[channel] = (told[0], self.known[channel][1])
        for publication in result.get("publications", ()):
            self.receive(channel, publication)

    def receive(self, channel: str, publication: dict[str, Any]) -> None:
        offset = publication.get("offset")
        if offset is None:
            return
        self.known[channel] = (self.known[channel][0], offset)
        event = publication["data"]["id"]
        if publication["data"]["type"] == "order.status":
            self.news.append(publication["data"]["data"]["order_id"])
        self._history.write("received", client=self._client, channel=channel, offset=offset, event=event)

    def not_followed(self, channel: str, why: Any) -> None:
        self._history.write("not_followed", client=self._client, channel=channel, why=why)


class LiveClient:
    """Connects again and again and resumes every channel where it stands; writes down what it receives."""

    def __init__(self, next_url: Callable[[], str], *, token: str, name: str, history: History) -> None:
        self._next_url = next_url  # another instance each time
        self.token = token  # for the next connection
        self._name = name
        self._history = history
        self._socket: WebSocketClientConnection | None = None
        self._connected = asyncio.Event()
        self._number = 0
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._subscribing: dict[int, str] = {}
        self._wanted: list[str] = []
        self._server_side: set[str] = set()
        self.places = Places(name, history)
        self.close_codes: list[int | None] = []
        self.sessions = 0

    async def run(self) -> None:
        """Stay connected until cancelled."""
        while True:
            with suppress(*_NO_CONNECTION, TimeoutError):
                await self._one_session()
            await asyncio.sleep(_RECONNECT_PAUSE_S)

    async def _one_session(self) -> None:
        self._socket = await _dial(self._next_url().replace("http", "ws", 1) + "/connection/websocket")
        was_told = False
        try:
            resumed = {name: self.places.resume(name) for name in self._server_side}
            self._send({"id": self._next(), "connect": {"token": self.token, "subs": resumed}})
            while (message := await self._socket.read_message()) is not None:
                for line in str(message).split("\n"):
                    self._take(json.loads(line))
            was_told = True
        finally:
            self._disconnected()
            if not was_told:
                await _read_out(self._socket)

    def _disconnected(self) -> None:
        assert self._socket is not None
        self.close_codes.append(self._socket.close_code)
        self._history.write("closed", client=self._name, code=self._socket.close_code)
        self._connected.clear()
        self._socket.close()
        self._subscribing.clear()
        waiting, self._waiting = self._waiting, {}
        for future in waiting.values():
            if not future.done():
                future.set_exception(Lost())

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _send(self, command: dict[str, Any]) -> None:
        assert self._socket is not None
        sent = self._socket.write_message(json.dumps(command, ensure_ascii=False))
        sent.add_done_callback(lambda future: future.cancelled() or future.exception())

    def _take(self, message: dict[str, Any]) -> None:
        if not message:
            self._send({})
        elif "push" in message:
            self._take_push(message["push"])
        elif "connect" in message:
            self._greeted(message["connect"])
        elif message["id"] in self._subscribing:
            self._subscribed(self._subscribing.pop(message["id"]), message)
        elif (future := self._waiting.pop(message["id"], None)) is not None and not future.done():
            future.set_result(message)

    def _greeted(self, greeting: dict[str, Any]) -> None:
        self.sessions += 1
        for channel, result in greeting.get("subs", {}).items():
            self._server_side.add(channel)
            self.places.stand(channel, result)
        self._connected.set()
        for channel in self._wanted:
            self._subscribe(channel)

    def follow(self, channel: str) -> None:
        """Follow a channel from now on, over every reconnection."""
        if channel not in self._wanted:
            self._wanted.append(channel)
            if self._connected.is_set():
                self._subscribe(channel)

    def _subscribe(self, channel: str) -> None:
        number = self._next()
        self._subscribing[number] = channel
        with suppress(WebSocketClosedError):
            self._send({"id": number, "subscribe": {"channel": channel, **self.places.resume(channel)}})

    def _subscribe_again(self, channel: str) -> None:
        if self._connected.is_set() and channel not in self._subscribing.values():
            self._subscribe(channel)

    def _subscribed(self, channel: str, reply: dict[str, Any]) -> None:
        if "error" in reply and reply["error"].get("temporary"):
            asyncio.get_running_loop().call_later(_SUBSCRIBE_AGAIN_S, self._subscribe_again, channel)
        elif "error" in reply:
            self.places.not_followed(channel, reply["error"])
        else:
            self.places.stand(channel, reply["subscribe"])

    def _take_push(self, push: dict[str, Any]) -> None:
        if "pub" in push:
            self.places.receive(push["channel"], push["pub"])
        elif "unsubscribe" in push:
            self.places.not_followed(push["channel"], push["unsubscribe"])

    @property
    def is_connected(self) -> bool:
        return self._connected.is_set()

    async def connected(self, *, within_s: float = 10.0) -> None:
        async with asyncio.timeout(within_s):
            await self._connected.wait()

    async def call(self, method: str, data: dict[str, Any]) -> dict[str, Any]:
        """An rpc's reply, `{"rpc": {"data": ...}}` or `{"error": ...}`. Raises Lost."""
        if not self._connected.is_set():
            raise Lost()
        number = self._next()
        future = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            self._send({"id": number, "rpc": {"method": method, "data": data}})
            async with asyncio.timeout(_ANSWER_WITHIN_S):
                return await future
        except (WebSocketClosedError, TimeoutError):
            raise Lost() from None
        finally:
            self._waiting.pop(number, None)
