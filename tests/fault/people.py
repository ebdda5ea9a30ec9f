"""People who use a server that may die at any moment."""
import asyncio
import json
import time
import uuid
from dataclasses import dataclass
from itertools import cycle
from typing import Any
from urllib.parse import urlencode

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest

from tests.fault.history import History
from tests.fault.live_client import LiveClient, Lost

_PAUSE_S = 0.05
_ANSWER_WITHIN_S = 12.0
_PATIENCE_S = 60.0
_RENEWS_EVERY_S = 300.0
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
    """Where the servers are; HTTP calls that may be lost. Each call goes to the next one: nothing is sticky."""

    def __init__(self, *urls: str) -> None:
        self.urls = urls
        self._turns = cycle(urls)
        self._http = AsyncHTTPClient(force_instance=True, max_clients=200)

    def next(self) -> str:
        """The instance whose turn it is."""
        return next(self._turns)

    async def call(
        self,
        method: str,
        path: str,
        *,
        body: dict[str, Any] | None = None,
        token: str = "",
        key: str = "",
        at: str = "",
    ) -> Outcome:
        """One request; `at` names the instance. Raises Lost."""
        headers = {"Content-Type": "application/json"}
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        headers |= {"Idempotency-Key": key} if key else {}
        content = json.dumps(body or {}, ensure_ascii=False) if method == "POST" else None
        request = HTTPRequest(
            (at or self.next()) + path, method=method, headers=headers, body=content, request_timeout=_ANSWER_WITHIN_S
        )
        return await self._fetch(request)

    async def send_form(self, path: str, body: bytes, *, boundary: str, token: str) -> Outcome:
        """A multipart request. Raises Lost."""
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", "Authorization": f"Bearer {token}"}
        return await self._fetch(HTTPRequest(
            self.next() + path, method="POST", headers=headers, body=body, request_timeout=_ANSWER_WITHIN_S
        ))  # fmt: skip

    async def _fetch(self, request: HTTPRequest) -> Outcome:
        try:
            response = await self._http.fetch(request, raise_error=False)
            envelope = json.loads(response.body)
        except (OSError, HTTPClientError, ValueError):
            raise Lost() from None
        return Outcome(response.code, envelope["code"], envelope["data"])

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
        self.token = self.refresh_token = ""
        self.name = account["name"]
        self.user_id = account["user_id"]
        self.live: LiveClient
        self._connections: list[LiveClient] = []

    async def log_in(self) -> None:
        body = {"phone": self._account["phone"], "password": self._account["password"]}
        login = await self._site.data("POST", "/api/user/login", body=body)
        self.token, self.refresh_token = login["token"], login["refresh_token"]
        self.live = self.listener(name=self.name)

    async def stay_logged_in(self) -> None:
        """Renew the login again and again, until cancelled, as a page that stays open does."""
        while True:
            await asyncio.sleep(_RENEWS_EVERY_S)
            body = {"refresh_token": self.refresh_token}
            login = await self._site.data("POST", "/api/user/refresh", body=body)
            self.token, self.refresh_token = login["token"], login["refresh_token"]
            for connection in self._connections:
                connection.token = self.token

    def listener(self, *, name: str, at: str = "") -> LiveClient:
        """One more connection, always to the instance `at` or each time to the next; its name is its alone."""
        where = (lambda: at) if at else self._site.next
        self._connections.append(LiveClient(where, token=self.token, name=name, history=self._history))
        return self._connections[-1]

    async def get(self, path: str, **query: Any) -> Any:
        return await self._site.data("GET", f"{path}?{urlencode(query)}", token=self.token)

    async def post(self, path: str, body: dict[str, Any]) -> Any:
        """Something beside the history that must succeed and may be repeated."""
        return await self._site.data("POST", path, body=body, token=self.token)

    async def look(self, order_id: str) -> None:
        """Read an order once, anywhere, and write down what it shows."""
        began_at = time.time()
        try:
            seen = await self._site.call("GET", f"/api/order/detail?order_id={order_id}", token=self.token)
        except Lost:
            return
        if seen.is_ok:
            self._history.write(
                "read", who=self.name, order_id=order_id, began_at=began_at, ended_at=time.time(),
                **{name: seen.data[name] for name in ("version", "status", "caregiver_id")},
            )  # fmt: skip

    async def read_chat(self, order_id: str) -> None:
        """Read the whole chat of an order, page by page, and write it down."""
        messages: list[tuple[int, str]] = []
        before: dict[str, int] = {}
        while items := (await self.get("/api/chat/history", order_id=order_id, limit=100, **before))["items"]:
            messages += [(item["offset"], item["msg_id"]) for item in items]
            before = {"before": items[-1]["offset"]}
        self._history.write("chat", who=self.name, order_id=order_id, messages=messages[::-1])

    async def do(
        self, name: str, body: dict[str, Any], *, over: str = "http", patience_s: float = _PATIENCE_S, key: str = "",
        at: str = "",
    ) -> Outcome:  # fmt: skip
        """Ask under one key until there is an answer or the patience is over; 0 s: ask once.

        `at`: the one instance that is asked over HTTP.
        """
        key = key or uuid.uuid4().hex
        deadline, attempts, began_at = time.monotonic() + patience_s, 0, time.time()
        while True:
            attempts += 1
            outcome = await self._try(name, body, over=over, key=key, at=at)
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

    async def _try(self, name: str, body: dict[str, Any], *, over: str, key: str, at: str) -> Outcome:
        try:
            if over == "http":
                return await self._site.call("POST", _METHODS[name], body=body, token=self.token, key=key, at=at)
            reply = await self.live.call(name, body | {"idempotency_key": key})
        except Lost:
            return UNKNOWN
        if "error" in reply:
            code = {100: 500, 111: 429}.get(reply["error"]["code"], reply["error"]["code"])
            return Outcome(code, reply["error"]["message"], None)
        return Outcome(200, "ok", reply["rpc"]["data"])
