"""Plain HTTP to a spawned server: one kept connection, nothing done to what is sent.

Bodies may be raw bytes, because bad input is half of what these tests send.
"""
import http.client
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

_ANSWERS_WITHIN_S = 20.0


@dataclass(frozen=True)
class Reply:
    """An answer: the envelope taken apart, `raw` as it came."""

    status: int
    code: str = ""
    message: str = ""
    data: Any = None
    errors: list[dict[str, str]] = field(default_factory=list)
    raw: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def fields(self) -> set[str]:
        """The fields that were refused."""
        return {error["field"] for error in self.errors}


class Caller:
    """Requests one after the other to 127.0.0.1:`port`."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_ANSWERS_WITHIN_S)

    def ask(
        self,
        method: str,
        path: str,
        *,
        token: str = "",
        body: Any = None,
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """One request: `body` goes as JSON, `raw` as it is; a POST has a fresh idempotency key unless given."""
        content = raw
        if method == "POST" and raw is None:
            content = json.dumps({} if body is None else body).encode()
        sent = {"Content-Type": "application/json"} if method == "POST" else {}
        if method == "POST" and path.startswith("/api/"):
            sent["Idempotency-Key"] = uuid.uuid4().hex
        if token:
            sent["Authorization"] = f"Bearer {token}"
        sent |= headers or {}
        return self._exchange(method, path, content, {name: value for name, value in sent.items() if value is not None})

    def _exchange(self, method: str, path: str, content: bytes | None, headers: dict[str, str]) -> Reply:
        try:
            return self._once(method, path, content, headers)
        except (http.client.RemoteDisconnected, ConnectionError):  # the kept connection was closed: once more
            self._connection.close()
            return self._once(method, path, content, headers)

    def _once(self, method: str, path: str, content: bytes | None, headers: dict[str, str]) -> Reply:
        self._connection.request(method, path, body=content, headers=headers)
        answer = self._connection.getresponse()
        raw = answer.read()
        return _reply(answer.status, raw, {name.lower(): value for name, value in answer.getheaders()})

    def get(self, path: str, *, token: str = "", **query: Any) -> Any:
        """The data of a GET that must succeed."""
        return self._data("GET", f"{path}?{urlencode(query, doseq=True)}" if query else path, token=token)

    def post(self, path: str, body: Any = None, *, token: str = "", headers: Mapping[str, str] | None = None) -> Any:
        """The data of a POST that must succeed."""
        return self._data("POST", path, token=token, body=body, headers=headers)

    def _data(self, method: str, path: str, **more: Any) -> Any:
        reply = self.ask(method, path, **more)
        assert reply.code == "ok", f"{method} {path}: {reply.status} {reply.code} {reply.message} {reply.errors}"
        return reply.data

    def close(self) -> None:
        self._connection.close()


def _reply(status: int, raw: bytes, headers: Mapping[str, str]) -> Reply:
    if "json" not in headers.get("content-type", ""):
        return Reply(status, raw=raw, headers=headers)
    told = json.loads(raw)
    if not isinstance(told, dict) or "code" not in told:
        return Reply(status, data=told, raw=raw, headers=headers)
    return Reply(
        status, told["code"], told["message"], told["data"], told.get("errors", []), raw=raw, headers=headers
    )


def multipart(fields: Mapping[str, str], files: Mapping[str, bytes]) -> tuple[bytes, dict[str, str]]:
    """A form's body and its header."""
    boundary = uuid.uuid4().hex
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'.encode()
        for name, text in fields.items()
    ]
    parts += [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="x.bin"\r\n'
        f"Content-Type: application/octet-stream\r\n\r\n".encode() + content + b"\r\n"
        for name, content in files.items()
    ]
    parts.append(f"--{boundary}--\r\n".encode())
    return b"".join(parts), {"Content-Type": f"multipart/form-data; boundary={boundary}"}
