"""A small client of the live channels, one command a frame.

It shows every reply and push as it came; the official client libraries are played elsewhere.
"""
import asyncio
import json
from dataclasses import dataclass
from typing import Any

from tornado.websocket import websocket_connect

_PATIENCE_S = 15.0


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of either edge: HTTP status, stable code, data; the bytes over HTTP only."""

    status: int
    code: str
    data: Any
    body: bytes = b""

    @property
    def is_ok(self) -> bool:
        return self.code == "ok"


class Socket:
    """One connection; `pushes` holds what the server sent by itself, in order."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._replies: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._news = asyncio.Condition()
        self._last_id = 0
        self.pushes: list[dict[str, Any]] = []
        self.reading = asyncio.get_running_loop().create_task(self._read(), name="test.socket")

    @classmethod
    async def open(cls, url: str, *, token: str) -> "Socket":
        """Connect and log in."""
        socket = cls(await websocket_connect(url))
        reply = await socket.send("connect", {"token": token})
        assert "connect" in reply, reply
        return socket

    async def _read(self) -> None:
        while (message := await self._connection.read_message()) is not None:
            for line in message.strip().split("\n"):
                await self._take(json.loads(line))
        for waiting in self._replies.values():
            if not waiting.done():
                waiting.set_exception(ConnectionError("closed"))

    async def _take(self, told: dict[str, Any]) -> None:
        if "id" in told:
            self._replies.pop(told["id"]).set_result(told)
        elif "push" in told:
            self.pushes.append(told["push"])
            async with self._news:
                self._news.notify_all()
        else:
            await self._connection.write_message("{}")

    async def send(self, method: str, body: dict[str, Any]) -> dict[str, Any]:
        """A command and its whole reply."""
        self._last_id += 1
        number = self._last_id
        reply = self._replies[number] = asyncio.get_running_loop().create_future()
        await self._connection.write_message(json.dumps({"id": number, method: body}))  # the reply may be faster
        async with asyncio.timeout(_PATIENCE_S):
            return await reply

    async def rpc(self, method: str, body: dict[str, Any]) -> Reply:
        reply = await self.send("rpc", {"method": method, "data": body})
        if "error" in reply:
            return Reply(reply["error"]["code"], reply["error"]["message"], None)
        return Reply(200, "ok", reply["rpc"]["data"])

    async def subscribe(self, channel: str) -> int:
        """0, or the code of the refusal."""
        reply = await self.send("subscribe", {"channel": channel})
        return reply["error"]["code"] if "error" in reply else 0

    def events(self, event_type: str, **fields: Any) -> list[dict[str, Any]]:
        """The data of the events of a type whose data has these fields."""
        told = [push["pub"]["data"] for push in self.pushes if "pub" in push]
        fitting = [event["data"] for event in told if event["type"] == event_type]
        return [data for data in fitting if all(data[name] == value for name, value in fields.items())]

    async def hear(self, event_type: str, **fields: Any) -> dict[str, Any]:
        """The first such event, come or still to come."""
        async with asyncio.timeout(_PATIENCE_S), self._news:
            await self._news.wait_for(lambda: self.events(event_type, **fields))
        return self.events(event_type, **fields)[0]

    async def hear_unsubscribed(self, channel: str) -> dict[str, Any]:
        """The push that ends a subscription."""

        def found() -> list[dict[str, Any]]:
            return [push for push in self.pushes if push["channel"] == channel and "unsubscribe" in push]

        async with asyncio.timeout(_PATIENCE_S), self._news:
            await self._news.wait_for(found)
        return found()[0]["unsubscribe"]

    async def close(self) -> None:
        self._connection.close()
        await asyncio.gather(self.reading, return_exceptions=True)
