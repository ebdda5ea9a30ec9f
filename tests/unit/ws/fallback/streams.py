"""A client of the HTTP fallbacks, word by word."""

import asyncio
import json
from urllib.parse import quote

from tornado.httpclient import AsyncHTTPClient, HTTPRequest

DEADLINE_S = 8.0


class HttpClient:
    """Listens on an endless answer; `say` goes through `/emulation`, of another instance where one is named."""

    opened = []  # closed by the fixture after each test

    def __init__(self, reader, writer, *, is_sse):
        self.opened.append(self)
        self.reader, self.writer, self._is_sse = reader, writer, is_sse
        self.status, self.headers, self.connect = 0, {}, {}
        self.last_id = 1

    @classmethod
    async def open(cls, port, message, *, is_sse=False, headers=(), path=None):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        self = cls(reader, writer, is_sse=is_sse)
        lines = [f"Host: 127.0.0.1:{port}", *headers]
        if is_sse:
            start, body = f"GET {path or '/connection/sse?cf_connect=' + quote(message)} HTTP/1.1", b""
        else:
            start, body = "POST /connection/http_stream HTTP/1.1", message.encode()
            lines += [f"Content-Length: {len(body)}"]
            if not any(line.lower().startswith("content-type") for line in headers):
                lines += ["Content-Type: application/json"]
        writer.write("\r\n".join([start, *lines, "", ""]).encode() + body)
        await self._read_head()
        return self

    async def _read_head(self):
        head = (await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), DEADLINE_S)).decode()
        first, *lines = head.strip().split("\r\n")
        self.status = int(first.split()[1])
        self.headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}

    async def next(self):
        """The next reply or push; None at the end of the answer."""
        line = await asyncio.wait_for(self.reader.readline(), DEADLINE_S)
        if not line:
            return None
        assert line.endswith(b"\n") and line != b"\n"
        if self._is_sse:
            assert line.startswith(b"data: ") and await self.reader.readline() == b"\n"
            line = line[6:]
        return json.loads(line)

    async def connected(self):
        """Read the reply to the connect."""
        self.connect = (await self.next())["connect"]
        return self

    async def post(self, port, data, *, headers=None, **other):
        """The status of one request to `/emulation`."""
        body = {"session": self.connect.get("session"), "node": self.connect.get("node"), "data": data} | other
        return (await post(port, json.dumps(body), headers=headers)).code

    async def ask(self, port, **command):
        self.last_id += 1
        assert await self.post(port, json.dumps({"id": self.last_id, **command})) == 204
        reply = await self.next()
        assert reply.get("id") == self.last_id, reply
        return reply

    async def ending(self):
        """Code and reason of the disconnect push, after which the answer ends."""
        while (message := await self.next()) is not None:
            if "disconnect" in message.get("push", {}):
                assert await self.next() is None
                return message["push"]["disconnect"]["code"], message["push"]["disconnect"]["reason"]
        return None

    def hang_up(self):
        self.writer.close()


async def post(port, body, *, path="/emulation", headers=None, method="POST"):
    headers = {"Content-Type": "application/json"} | (headers or {})
    request = HTTPRequest(f"http://127.0.0.1:{port}{path}", method=method, body=body, headers=headers)
    return await AsyncHTTPClient(force_instance=True).fetch(request, raise_error=False)


def connect_command(token="alice", **members):
    return json.dumps({"id": 1, "connect": {"token": token, **members}})


async def listening(here, token="alice", *, is_sse=False, **members):
    client = await HttpClient.open(here.port, connect_command(token, **members), is_sse=is_sse)
    assert client.status == 200, client.status
    return await client.connected()
