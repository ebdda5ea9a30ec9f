"""An account from its first code to its logout, over HTTP."""
import json

import pytest
from prometheus_client import CollectorRegistry
from tornado.httpclient import AsyncHTTPClient
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application

from server.core.tasks import Tasks
from server.handlers.application import application_settings, server_options
from server.handlers.http.edge import Edge
from server.handlers.http.metrics import HttpMetrics
from server.handlers.http.use_cases import UseCases
from server.handlers.routes import operation_routes
from server.identity.commands import CreateAdmin
from server.identity.limits import RequestLimits
from server.identity.rules import IdentityRules
from server.storage.pacing.in_process import InProcessPace
from server.storage.pacing.port import Rate
from tests.accounts import PASSWORD, Identity
from tests.stores import some_phone


class _Client:
    def __init__(self, port):
        self._base = f"http://127.0.0.1:{port}/api/"
        self.http = AsyncHTTPClient(force_instance=True)

    async def ask(self, path, body=None, *, token=None):
        """(status, code, data, headers) of a POST, or of a GET when there is no body."""
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        raw = None if body is None else json.dumps(body)
        method = "GET" if body is None else "POST"
        answer = await self.http.fetch(
            self._base + path, method=method, body=raw, headers=headers, raise_error=False
        )
        content = json.loads(answer.body)
        return answer.code, content["code"], content["data"], answer.headers


@pytest.fixture
def identity(database):
    identity = Identity(database, rules=IdentityRules(loopback_is_exempt=True))
    yield identity
    identity.passwords.close()


@pytest.fixture
def client(io_loop, identity):
    tasks = Tasks("test")
    edge = Edge(
        authenticate=identity.authenticator.authenticate,
        use_cases=UseCases(tasks=tasks, deadline_s=5.0),
        metrics=HttpMetrics(CollectorRegistry()),
        limit=RequestLimits(pace=InProcessPace(), per_user=Rate(1, 8), loopback_is_exempt=True).limit,
    )
    routes = operation_routes(identity.operations, edge)
    server = HTTPServer(Application(routes, **application_settings(edge)), **server_options(edge))
    sock, port = bind_unused_port()
    server.add_sockets([sock])
    client = _Client(port)
    yield client

    async def stop():
        client.http.close()
        server.stop()
        await server.close_all_connections()
        await tasks.stop()

    io_loop.asyncio_loop.run_until_complete(stop())


async def _register(client, identity, phone, **changes):
    await client.ask("user/sms_code", {"phone": phone, "purpose": "register"})
    body = {
        "phone": phone,
        "sms_code": identity.told.code_for(phone),
        "username": "王小明",
        "password": PASSWORD,
        "user_type": "patient",
        "accept_terms": True,
    }
    return await client.ask("user/register", body | changes)


async def test_a_person_registers_logs_in_renews_and_leaves(client, identity):
    phone = some_phone()
    assert await _just(client.ask("user/sms_code", {"phone": phone, "purpose": "login"})) == (
        200,
        "ok",
        {"resend_after_s": 60},
    )
    status, code, account, _ = await _register(client, identity, phone)
    assert (status, code) == (201, "ok")
    _, _, login, _ = await client.ask("user/login", {"phone": phone, "password": PASSWORD})
    assert login["user"]["user_id"] == account["user_id"]
    _, _, renewed, _ = await client.ask("user/refresh", {"refresh_token": login["refresh_token"]})
    status, _, me, _ = await client.ask("user/me", token=renewed["token"])
    assert status == 200 and me["user_id"] == account["user_id"]
    assert (await client.ask("user/logout", {}, token=renewed["token"]))[0] == 200
    assert (await client.ask("user/me", token=login["token"]))[:2] == (401, "unauthorized")
    status, code, _, _ = await client.ask("user/refresh", {"refresh_token": renewed["refresh_token"]})
    assert (status, code) == (401, "unauthorized")


async def _just(asked):
    return (await asked)[:3]


async def test_what_is_wrong_is_told_with_its_code(client, identity):
    phone = some_phone()
    await _register(client, identity, phone)
    login = {"phone": phone, "password": PASSWORD}
    cases = {
        (422, "invalid"): client.ask("user/login", {"phone": phone}),
        (422, "unknown_field"): client.ask("user/login", login | {"role": "admin"}),
        (401, "login_failed"): client.ask("user/login", login | {"password": "x"}),
        (401, "wechat_unbound"): client.ask("user/login", {"wechat_code": "c", "wechat_app": "oa"}),
        (429, "too_many_requests"): client.ask("user/sms_code", {"phone": phone, "purpose": "register"}),
        (401, "unauthorized"): client.ask("user/me"),
        (400, "sms_code_wrong"): client.ask(
            "user/reset_password",
            {"phone": phone, "sms_code": "123456", "password": PASSWORD},
        ),
    }
    for expected, asked in cases.items():
        assert (await asked)[:2] == expected
    assert (await _register(client, identity, some_phone(), user_type="admin"))[:2] == (422, "invalid")


async def test_who_guesses_too_often_is_told_how_long_to_wait(client, identity):
    phone = some_phone()
    body = {"phone": phone, "password": "guess"}
    outcomes = [await client.ask("user/login", body) for _ in range(6)]
    assert [outcome[:2] for outcome in outcomes[:5]] == [(401, "login_failed")] * 5
    assert outcomes[5][:2] == (429, "too_many_attempts")
    assert 590 <= int(outcomes[5][3]["Retry-After"]) <= 600


async def test_only_an_administrator_bans_and_the_ban_counts_at_once(client, identity):
    phone, admin_phone = some_phone(), some_phone()
    _, _, account, _ = await _register(client, identity, phone)
    command = CreateAdmin(username="值班", phone=admin_phone, password=PASSWORD)
    await identity.accounts.create_admin(command)
    _, _, login, _ = await client.ask("user/login", {"phone": phone, "password": PASSWORD})
    _, _, admin, _ = await client.ask("user/login", {"phone": admin_phone, "password": PASSWORD})
    ban = {"user_id": account["user_id"], "reason": "多次爽约"}
    assert (await client.ask("admin/user/ban", ban, token=login["token"]))[:2] == (403, "forbidden")
    assert (await client.ask("admin/user/ban", ban, token=admin["token"]))[:2] == (200, "ok")
    assert (await client.ask("user/me", token=login["token"]))[:2] == (401, "unauthorized")
    assert (await client.ask("user/login", {"phone": phone, "password": PASSWORD}))[:2] == (403, "forbidden")


async def test_an_account_that_hammers_is_slowed_down(client, identity):
    phone = some_phone()
    await _register(client, identity, phone)
    _, _, login, _ = await client.ask("user/login", {"phone": phone, "password": PASSWORD})
    outcomes = [await client.ask("user/me", token=login["token"]) for _ in range(10)]
    assert [outcome[0] for outcome in outcomes[:8]] == [200] * 8
    assert outcomes[-1][:2] == (429, "too_many_requests") and outcomes[-1][3]["Retry-After"] == "1"
