"""A real server on a free port with a few small operations of its own."""
import asyncio
import json
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application

from config.fields import LIMIT_DEFAULT, Body, Fen, Limit, Name, Query
from server.core.call import Actor, Answer
from server.core.errors import CommittedRefusal, Refused, Unavailable
from server.core.operation import ANYONE, CAREGIVER, EVERYONE, PATIENT, Operation
from server.core.tasks import Tasks
from server.handlers.application import application_settings, server_options
from server.handlers.http.edge import SERVICE, Edge
from server.handlers.http.metrics import HttpMetrics
from server.handlers.http.use_cases import UseCases
from server.handlers.routes import operation_routes

ACTORS = {
    "family": Actor("u-family", "patient", "l-1"),
    "carer": Actor("u-carer", "caregiver", "l-2"),
}


class Pair(Body):
    name: Name
    amount_fen: Fen = 0


class Nothing(Query):
    pass


class Nought(Body):
    pass


class Search(Query):
    keyword: Name | None = None
    skill: list[Name] = []
    limit: Limit = LIMIT_DEFAULT


@dataclass
class Seen:
    """What reached the use cases."""

    calls: list[Any] = field(default_factory=list)
    commands: list[Any] = field(default_factory=list)
    kept: dict[Any, Answer] = field(default_factory=dict)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    finished: asyncio.Event = field(default_factory=asyncio.Event)
    limited: list[str] = field(default_factory=list)


def small_operations(seen: Seen) -> list[Operation]:
    """Each shows one way in which a use case can end."""

    async def echo(call, command):
        seen.calls.append(call)
        seen.commands.append(command)
        return {**command.model_dump(), "动作": "完成"}

    async def refuse(call, command):
        raise Refused("offer_taken", "已被别人接走", data={"by": "other"})

    async def traced(call, command):
        raise CommittedRefusal("start_code_wrong")

    async def unavailable(call, command):
        raise Unavailable(retry_after_s=7)

    async def limited(call, command):
        raise Refused("too_many_attempts", retry_after_s=42)

    async def broken(call, command):
        raise RuntimeError("canary-secret in /srv/path")

    async def slow(call, command):
        await seen.gate.wait()
        seen.finished.set()
        return {}

    async def keyed(call, command):
        seen.calls.append(call)
        slot = (call.user.user_id, call.keyed)
        if slot not in seen.kept:
            refused = command.name == "拒绝"
            code, status = ("wrong_state", 409) if refused else ("ok", call.success_status)
            seen.kept[slot] = Answer(status, code, "", {"n": len(seen.calls)}, [], call.request_id)
        call.answer = seen.kept[slot]
        if call.answer.code != "ok":
            raise Refused(call.answer.code)
        return call.answer.data

    def post(path, run, **options):
        return Operation("POST", path, Pair, run, options.pop("roles", PATIENT), "试验", **options)

    return [
        post("/api/demo/echo", echo, status=201, refusals=("wrong_state",), rpc=True),
        Operation("GET", "/api/demo/echo", Nothing, echo, CAREGIVER, "读取"),
        Operation("GET", "/api/demo/search", Search, echo, ANYONE, "查找"),
        Operation("POST", "/api/demo/ping", Nought, echo, EVERYONE, "空"),
        post("/api/demo/refuse", refuse),
        post("/api/demo/traced", traced),
        post("/api/demo/unavailable", unavailable),
        post("/api/demo/limited", limited),
        post("/api/demo/broken", broken),
        post("/api/demo/slow", slow),
        post("/api/demo/keyed", keyed, status=201, keyed="required"),
        post("/api/demo/unkeyed", echo, keyed="never"),
        post("/api/user/demo", echo),
        post("/api/demo/anonymous", echo, roles=ANYONE),
        post("/api/demo/service", echo, roles=SERVICE),
    ]


async def authenticate(token):
    if token == "old":
        raise Refused("token_expired")
    if token not in ACTORS:
        raise Refused("unauthorized")
    return ACTORS[token]


class Response:
    """Status, headers and the parsed body of an answer."""

    def __init__(self, raw):
        self.status = raw.code
        self.headers = raw.headers
        self.body = raw.body
        self.took_s = raw.request_time

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        return self.json["code"]

    @property
    def fields(self):
        return [(error["field"], error["code"]) for error in self.json["errors"]]


class Client:
    """Sends what a test wants to send, also what no client should."""

    def __init__(self, port):
        self.port = port
        self.http = AsyncHTTPClient(force_instance=True, max_body_size=32 * 1_048_576)

    async def send(self, method, path, *, body=None, token=None, headers=None):
        given = dict(headers or {})
        if token is not None:
            given["Authorization"] = f"Bearer {token}"
        request = HTTPRequest(
            f"http://127.0.0.1:{self.port}{path}", method=method, body=body, headers=given,
            allow_nonstandard_methods=True, follow_redirects=False, request_timeout=20, decompress_response=False,
        )
        return Response(await self.http.fetch(request, raise_error=False))

    async def get(self, path, **options):
        return await self.send("GET", path, **options)

    async def post(self, path, value=None, *, raw=None, token="family", headers=None):
        given = {"Content-Type": "application/json", **(headers or {})}
        body = json.dumps({"name": "甲"} if value is None else value) if raw is None else raw
        return await self.send("POST", path, body=body, token=token, headers=given)

    async def raw(self, sent: bytes, *, until_closed: bool = False, patience_s: float = 10) -> bytes:
        """Bytes as they are on a fresh connection; the whole answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(sent)
        try:
            async with asyncio.timeout(patience_s):
                if until_closed:
                    return await reader.read()
                head = await reader.readuntil(b"\r\n\r\n")
                length = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")]
                return head + (await reader.readexactly(int(length[0].split(b":")[1])) if length else b"")
        finally:
            writer.close()


@pytest.fixture
def seen():
    return Seen()


@pytest.fixture
def registry():
    return CollectorRegistry()


@pytest.fixture
def edge(io_loop, registry):
    tasks = Tasks("test")
    yield Edge(
        authenticate=authenticate,
        use_cases=UseCases(tasks=tasks, deadline_s=5.0),
        metrics=HttpMetrics(registry),
        service_key="s" * 32,
    )
    io_loop.asyncio_loop.run_until_complete(tasks.stop())


@pytest.fixture
def start(io_loop, edge):
    """`start(rules, **edge_changes)` serves them and gives a client."""
    running = []

    def starting(rules, **changes):
        own = replace(edge, **changes)
        routes = rules(own)
        server = HTTPServer(Application(routes, **application_settings(own)), **server_options(own))
        sock, port = bind_unused_port()
        server.add_sockets([sock])
        client = Client(port)
        running.append((server, client))
        return client

    yield starting

    async def stop():
        for server, client in running:
            client.http.close()
            server.stop()
            await server.close_all_connections()

    io_loop.asyncio_loop.run_until_complete(stop())


@pytest.fixture
def small(start, seen):
    """`small(**edge_changes)` serves the small operations."""

    def serving(*, loopback_only=False, **changes):
        return start(
            lambda edge: operation_routes(small_operations(seen), edge, loopback_only=loopback_only), **changes
        )

    return serving


@pytest.fixture
def client(small):
    return small()


@pytest.fixture
def behind_proxy(small):
    """The small operations behind a trusted proxy on this machine."""
    return small(trusted_proxies=(ip_network("127.0.0.0/8"),))
