"""People who use a server that may die at any moment."""
import asyncio
import json
import time
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest

from tests.fault.history import History
from tests.fault.live_client import LiveClient, Lost

_PAUSE_S = 0.05
_ANSWER_WITHIN_S = 12.0
_PATIENCE_S = 60.0
_METHODS = {
    "order.create": "/api/order/create",
    "order.pay": "/api/order/pay",
    "order.accept": "/api/order/accept",
    "order.reject": "/api/order/reject",
    "order.start": "/api/order/start",
    "order.finish": "/api/order/finish",
    "order.confirm": "/api/order/confirm",
    "order.cancel": "/api/order/cancel",
    "chat.send": "/api/chat/send",
    "note.append": "/api/note/append",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an operation ended for its client; status 0: nobody knows."""

    status: int
    code: str
    data: Any

    @property
    def is_ok(self) -> bool:
        return self.code == "ok"


UNKNOWN = Outcome(0, "unknown", None)


class Site:
    """Where the server is; HTTP calls that may be lost."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = AsyncHTTPClient(force_instance=True, max_clients=200)

    async def call(
        self, method: str, path: str, *, body: dict[str, Any] | None = None, token: str = "", key: str = ""
    ) -> Outcome:
        """One request. Raises Lost."""
        headers = {"Content-Type": "application/json"}
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        headers |= {"Idempotency-Key": key} if key else {}
        content = json.dumps(body or {}, ensure_ascii=False) if method == "POST" else None
        request = HTTPRequest(
            self.url + path, method=method, headers=headers, body=content, request_timeout=_ANSWER_WITHIN_S
        )
        try:
            response = await self._http.fetch(request, raise_error=False)
            envelope = json.loads(response.body)
        except (OSError, HTTPClientError, ValueError):
            raise Lost() from None
        return Outcome(response.code, envelope["code"], envelope["data"])

    async def send_form(self, path: str, body: bytes, *, boundary: str, token: str) -> int:
        """The status of a multipart request."""
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", "Authorization": f"Bearer {token}"}
        response = await self._http.fetch(self.url + path, method="POST", headers=headers, body=body, raise_error=False)
        return response.code

    async def data(self, method: str, path: str, **more: Any) -> Any:
        """The data of a call that must succeed and may be repeated."""
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            try:
                outcome = await self.call(method, path, **more)
            except Lost:
                await asyncio.sleep(_PAUSE_S)
                continue
            if outcome.is_ok:
                return outcome.data
            assert outcome.status in (429, 503), f"{method} {path}: {outcome}"
            await asyncio.sleep(_PAUSE_S)
        raise AssertionError(f"{method} {path}: no answer in {_PATIENCE_S:g} s")

    def close(self) -> None:
        self._http.close()


class Person:
    """A logged-in account with a live connection; what it asks for is written down with its end."""

    def __init__(self, site: Site, account: dict[str, str], *, history: History) -> None:
        self._site = site
        self._account = account
        self._history = history
        self.token = ""
        self.name = account["name"]
        self.user_id = account["user_id"]
        self.live: LiveClient

    async def log_in(self) -> None:
        body = {"phone": self._account["phone"], "password": self._account["password"]}
        login = await self._site.data("POST", "/api/user/login", body=body)
        self.token = login["token"]
        self.live = LiveClient(self._site.url, token=self.token, name=self.name, history=self._history)

    async def get(self, path: str, **query: Any) -> Any:
        return await self._site.data("GET", f"{path}?{urlencode(query)}", token=self.token)

    async def post(self, path: str, body: dict[str, Any]) -> Any:
        """Something beside the history that must succeed and may be repeated."""
        return await self._site.data("POST", path, body=body, token=self.token)

    async def do(
        self, name: str, body: dict[str, Any], *, over: str = "http", patience_s: float = _PATIENCE_S, key: str = ""
    ) -> Outcome:
        """Ask under one key until there is an answer or the patience is over; 0 s: ask once."""
        key = key or uuid.uuid4().hex
        deadline, attempts, began_at = time.monotonic() + patience_s, 0, time.time()
        while True:
            attempts += 1
            outcome = await self._try(name, body, over=over, key=key)
            if outcome.status not in (0, 429, 503) and outcome.code != "idempotency_in_progress":
                break
            if time.monotonic() >= deadline:
                break
            await asyncio.sleep(_PAUSE_S)
        answered = outcome.status not in (0, 429, 503)
        verdict = "ok" if outcome.is_ok else "refused" if answered else "unknown"
        self._history.write(
            "op", name=name, who=self.user_id, body=body, key=key, outcome=verdict, status=outcome.status,
            code=outcome.code, data=outcome.data, attempts=attempts, began_at=began_at, ended_at=time.time(),
        )  # fmt: skip
        return outcome

    async def _try(self, name: str, body: dict[str, Any], *, over: str, key: str) -> Outcome:
        try:
            if over == "http":
                return await self._site.call("POST", _METHODS[name], body=body, token=self.token, key=key)
            reply = await self.live.call(name, body | {"idempotency_key": key})
        except Lost:
            return UNKNOWN
        if "error" in reply:
            code = {100: 500, 111: 429}.get(reply["error"]["code"], reply["error"]["code"])
            return Outcome(code, reply["error"]["message"], None)
        return Outcome(200, "ok", reply["rpc"]["data"])
