"""Somebody who comes in through nginx, over TLS."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from tornado.httpclient import HTTPRequest
from tornado.simple_httpclient import SimpleAsyncHTTPClient
from tornado.websocket import websocket_connect

from tests.live import Reply, Socket

_PATIENCE_S = 15.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer: status, headers by small names, body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def told(self) -> Any:
        return json.loads(self.body)


class Visitor:
    """Requests, sockets and streams; `close` ends all that is open."""

    def __init__(self, nginx: Any, world: Any) -> None:
        self._nginx, self._world = nginx, world
        self._http = SimpleAsyncHTTPClient(force_instance=True, max_clients=100)
        self._open: list[Any] = []

    async def ask(
        self, method: str, path: str, body: Any = None, *, who: Any = None, headers: dict[str, str] | None = None,
        url: str | None = None,
    ) -> Answer:  # fmt: skip
        """One request, over TLS unless the url says otherwise; redirects are not followed."""
        sent = {"Content-Type": "application/json"} | (headers or {})
        if who is not None:
            sent["Authorization"] = f"Bearer {self._world.token(who)}"
        request = HTTPRequest(
            (url or self._nginx.url) + path, method=method, headers=sent, follow_redirects=False,
            body=body if isinstance(body, bytes) else json.dumps(body or {}) if method == "POST" else None,
            ca_certs=str(self._nginx.authority), request_timeout=_PATIENCE_S,
        )  # fmt: skip
        answer = await self._http.fetch(request, raise_error=False)
        return Answer(answer.code, {name.lower(): text for name, text in answer.headers.items()}, answer.body or b"")

    async def do(self, who: Any, path: str, body: Any = None) -> Reply:
        """POST a command."""
        answer = await self.ask("POST", path, body, who=who)
        return Reply(answer.status, answer.told["code"], answer.told["data"])

    async def socket(self, who: Any, *, headers: dict[str, str] | None = None) -> Socket:
        """A live connection that is logged in."""
        address = self._nginx.url.replace("http", "ws", 1) + "/connection/websocket"
        request = HTTPRequest(address, ca_certs=str(self._nginx.authority), headers=headers or {})
        socket = Socket(await websocket_connect(request))
        self._open.append(socket)
        reply = await socket.send("connect", {"token": self._world.token(who)})
        assert "connect" in reply, reply
        return socket

    async def stream(self, who: Any, *, is_sse: bool, local_address: str = "127.0.0.1") -> "Stream":
        """A live connection over an endless answer."""
        connect = json.dumps({"id": 1, "connect": {"token": self._world.token(who)}})
        stream = await Stream.open(self._nginx, connect, is_sse=is_sse, local_address=local_address)
        self._open.append(stream)
        stream.greeting = (await stream.next())["connect"]
        return stream

    async def tell(self, stream: "Stream", command: dict[str, Any]) -> int:
        """A command for a stream, through `/emulation`; the status."""
        body = {name: stream.greeting[name] for name in ("session", "node")} | {"data": json.dumps(command)}
        return (await self.ask("POST", "/emulation", body)).status

    async def close(self) -> None:
        for one in self._open:
            await one.close()
        self._http.close()


class Stream:
    """Reads an event stream or a stream of lines as they come, chunk by chunk."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.headers: dict[str, str] = {}
        self.greeting: dict[str, Any] = {}
        self._rest = b""

    @classmethod
    async def open(cls, nginx: Any, connect: str, *, is_sse: bool, local_address: str) -> "Stream":
        tls, here = nginx.tls(), (local_address, 0)
        self = cls(*await asyncio.open_connection("localhost", nginx.https_port, ssl=tls, local_addr=here))
        host = f"Host: localhost:{nginx.https_port}\r\n"
        if is_sse:
            self._writer.write(f"GET /connection/sse?cf_connect={quote(connect)} HTTP/1.1\r\n{host}\r\n".encode())
        else:
            length = f"Content-Type: application/json\r\nContent-Length: {len(connect)}\r\n"
            self._writer.write(f"POST /connection/http_stream HTTP/1.1\r\n{host}{length}\r\n{connect}".encode())
        first, *lines = (await self._reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
        assert first.split()[1] == "200", first
        self.headers = {name.lower(): text.strip() for name, _, text in (line.partition(":") for line in lines)}
        return self

    async def next(self) -> Any:
        """The next message."""
        while True:
            line, found, rest = self._rest.partition(b"\n")
            if not found:
                self._rest += await self._chunk()
                continue
            self._rest = rest
            if line.strip():
                return json.loads(line.removeprefix(b"data: "))

    async def _chunk(self) -> bytes:
        async with asyncio.timeout(_PATIENCE_S):
            if self.headers.get("transfer-encoding") != "chunked":
                return await self._reader.read(65_536)
            size = int(await self._reader.readline(), 16)
            chunk = await self._reader.readexactly(size)
            await self._reader.readline()
            return chunk

    async def close(self) -> None:
        """At once: a polite end of TLS would wait for nginx, and nginx for the instance."""
        self._writer.transport.abort()
