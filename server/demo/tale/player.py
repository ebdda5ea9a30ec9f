"""One person of the story: HTTP and a live connection.

Speaks to the server only as the outside does: the public contract over HTTP and the official Centrifuge
client over the socket.
"""
import json
import time
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from centrifuge import Client
from centrifuge.exceptions import CentrifugeError, ReplyError
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest

from server.demo.tale.inbox import Event, FollowEvents, Inbox, UserEvents
from server.demo.tale.stage import Broken, Stage

ARRIVES_WITHIN_S = 8.0  # far above what is promised: only a loss runs into it
_ANSWERS_WITHIN_S = 15.0


@dataclass(frozen=True, slots=True)
class Reply:
    """The envelope of an HTTP answer."""

    status: int
    code: str
    message: str
    data: Any


class Server:
    """HTTP calls to one base address; without a token for `/sandbox/` and `/api/catalog`."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url.rstrip("/")
        self._http = AsyncHTTPClient()

    async def call(
        self, method: str, path: str, *, body: dict[str, Any] | None = None, token: str = "", key: str = ""
    ) -> Reply:
        """One request; any status is an answer, only a lost server is Broken."""
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if key:
            headers["Idempotency-Key"] = key
        request = HTTPRequest(
            self.base_url + path, method=method, headers=headers, request_timeout=_ANSWERS_WITHIN_S,
            body=json.dumps(body or {}) if method == "POST" else None,
        )
        try:
            response = await self._http.fetch(request, raise_error=False)
            envelope = json.loads(response.body)
        except (OSError, HTTPClientError, ValueError) as error:
            raise Broken(f"{method} {path} 没有得到可读的回答：{error}") from error
        return Reply(response.code, envelope["code"], envelope["message"], envelope["data"])

    async def data(self, method: str, path: str, **more: Any) -> Any:
        """The data of a call that must succeed."""
        reply = await self.call(method, path, **more)
        if reply.code != "ok":
            raise Broken(f"{method} {path} 被拒绝：{reply.status} {reply.code} {reply.message}")
        return reply.data


class Player:
    """A logged-in person with an inbox; `connect()` opens the live channel."""

    def __init__(self, server: Server, stage: Stage, *, title: str, account: dict[str, str]) -> None:
        self._server = server
        self._stage = stage
        self._account = account
        self._token = ""
        self._refresh_token = ""
        self._client: Client | None = None
        self._follows: dict[str, FollowEvents] = {}
        self.inbox = Inbox()
        self.user_id = account["user_id"]
        self.who = f"{title}{account['name']}"

    async def log_in(self) -> None:
        """Password login with the demo account."""
        login = await self._server.data(
            "POST", "/api/user/login",
            body={"phone": self._account["phone"], "password": self._account["password"]},
        )
        self._token, self._refresh_token = login["token"], login["refresh_token"]

    async def _fresh_token(self) -> str:
        login = await self._server.data(
            "POST", "/api/user/refresh", body={"refresh_token": self._refresh_token}
        )
        self._token, self._refresh_token = login["token"], login["refresh_token"]
        return self._token

    async def get(self, path: str, **query: Any) -> Any:
        """The data of a GET that must succeed."""
        return await self._server.data("GET", _with_query(path, query), token=self._token)

    async def post(self, path: str, body: dict[str, Any]) -> Any:
        """The data of a POST that must succeed; a fresh idempotency key goes with it."""
        return await self._server.data("POST", path, body=body, token=self._token, key=uuid.uuid4().hex)

    async def try_get(self, path: str, **query: Any) -> Reply:
        return await self._server.call("GET", _with_query(path, query), token=self._token)

    async def try_post(self, path: str, body: dict[str, Any], *, key: str = "") -> Reply:
        """A POST that may be refused."""
        return await self._server.call("POST", path, body=body, token=self._token, key=key or uuid.uuid4().hex)

    async def connect(self, *, port: int | None = None) -> None:
        """Open the live channel, through the local `port` when one is given."""
        parts = urlsplit(self._server.base_url)
        place = f"127.0.0.1:{port}" if port else parts.netloc
        scheme = "wss" if parts.scheme == "https" else "ws"
        self._client = Client(
            f"{scheme}://{place}/connection/websocket", events=UserEvents(self.inbox), token=self._token,
            get_token=self._fresh_token, max_reconnect_delay=0.5, proxy=None,
        )
        await self._client.connect()
        try:
            await self._client.ready(timeout=ARRIVES_WITHIN_S)
        except (CentrifugeError, TimeoutError) as error:
            raise Broken(f"{self.who}的实时连接没有建立：{error!r}") from error

    async def disconnect(self) -> None:
        if self._client is not None:
            await self._client.disconnect()

    async def rpc(self, method: str, data: dict[str, Any]) -> Any:
        """The data of an rpc that must succeed."""
        reply = await self.try_rpc(method, data)
        if reply.code != "ok":
            raise Broken(f"rpc {method} 被拒绝：{reply.status} {reply.code}")
        return reply.data

    async def try_rpc(self, method: str, data: dict[str, Any]) -> Reply:
        """An rpc that may be refused; its status is the protocol error's code, its code the message."""
        try:
            result = await self._live().rpc(method, data, timeout=_ANSWERS_WITHIN_S)
        except ReplyError as error:
            return Reply(error.code, error.message, "", None)
        except CentrifugeError as error:
            raise Broken(f"rpc {method} 没有得到回答：{error!r}") from error
        return Reply(200, "ok", "", result.data)

    async def follow(self, channel: str) -> bool:
        """Subscribe to a channel; False when the server refuses it (it may be tried again)."""
        events = FollowEvents(channel, self.inbox)
        subscription = self._live().new_subscription(channel, events=events, recoverable=True, join_leave=True)
        self._follows[channel] = events
        await subscription.subscribe()
        if await events.settled(times=1, within_s=ARRIVES_WITHIN_S):
            return True
        await subscription.unsubscribe()
        self._live().remove_subscription(subscription)
        return False

    def followed(self, channel: str) -> FollowEvents:
        """How the subscription to a channel went."""
        return self._follows[channel]

    def _live(self) -> Client:
        if self._client is None:
            raise Broken(f"{self.who}还没有打开实时连接")
        return self._client

    async def hears(
        self, event_type: str, what: str, *, since: float, within_s: float = ARRIVES_WITHIN_S, **fields: Any
    ) -> Event:
        """An event whose data has these fields; told with the time since `since`. Broken when it stays out."""
        event = await self.inbox.await_event(
            event_type, where=lambda e: all(e.data.get(name) == value for name, value in fields.items()),
            within_s=within_s,
        )
        if event is None:
            wanted = "、".join(f"{name}={value}" for name, value in fields.items())
            raise Broken(f"{self.who}在 {within_s:g} 秒内没有收到 {event_type}({wanted})")
        self._stage.hears(self.who, what, took_ms=max(event.arrived_at - since, 0.0) * 1_000)
        return event

    def does(self, what: str) -> float:
        """Tell an action; returns its moment, from which arrivals are measured."""
        self._stage.does(self.who, what)
        return time.monotonic()


def _with_query(path: str, query: dict[str, Any]) -> str:
    return f"{path}?{urlencode(query)}" if query else path


def listed(answer: Any) -> list[dict[str, Any]]:
    """The rows of an answer that is a bare list or the `items` of one."""
    return answer["items"] if isinstance(answer, dict) else answer
