"""Tokens that are none, on everything that needs one."""
import base64
import json
from datetime import timedelta

import jwt
import pytest

from server.core.clock import server_now
from server.identity.tokens import LIFETIME_S, AccessTokens, SigningKeys
from tests.e2e.people import log_in, register
from tests.e2e.rpc_wire import RpcWire
from tests.e2e.targets import fingerprint

_PASSWORD = "peihu-demo-2026"


def _part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@pytest.fixture(scope="module")
def tokens(people, caller, served):
    """Authorization headers that must not open anything, by what is wrong with them."""
    secret = (served.data_dir / "jwt_secret").read_text().strip()
    genuine = log_in(caller, people.one_of("patient", 0).phone, _PASSWORD)
    header, claims, signature = genuine.token.split(".")
    head, body = (json.loads(base64.urlsafe_b64decode(part + "===")) for part in (header, claims))
    issued = AccessTokens(keys=SigningKeys(secret))
    login = issued.read(genuine.token, now=server_now())
    named = {"user_id": login.user_id, "user_type": login.user_type, "login_id": login.login_id}
    late = issued.issue(now=server_now() - timedelta(seconds=LIFETIME_S + 60), **named)
    other = AccessTokens(keys=SigningKeys("o" * 48)).issue(now=server_now(), **named)
    left = log_in(caller, people.one_of("patient", 0).phone, _PASSWORD)
    left.post("/api/user/logout")

    def signed(claims, **headers):
        return jwt.encode(claims, secret, algorithm=headers.pop("algorithm", "HS256"), headers=head | headers)

    return {
        "expired": f"Bearer {late}",
        "signed with another key": f"Bearer {other}",
        "signed with another key under our key id": "Bearer " + jwt.encode(body, "o" * 48, "HS256", headers=head),
        "alg none": f"Bearer {_part(head | {'alg': 'none'})}.{claims}.",
        "alg none with the signature": f"Bearer {_part(head | {'alg': 'none'})}.{claims}.{signature}",
        "HS512": "Bearer " + signed(body, algorithm="HS512", alg="HS512"),
        "another typ": "Bearer " + signed(body, typ="JWT"),
        "another audience": "Bearer " + signed(body | {"aud": "other"}),
        "another role in it": f"Bearer {header}.{_part(body | {'utyp': 'admin'})}.{signature}",
        "an administrator of its own making": "Bearer " + signed(body | {"sub": people.one_of("admin", 0).user_id}),
        "one bit off": f"Bearer {header}.{claims}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}",
        "cut short": f"Bearer {genuine.token[:-4]}",
        "a refresh token": f"Bearer {genuine.refresh_token}",
        "of a login that ended": f"Bearer {left.token}",
        "empty": "Bearer ",
        "no scheme": genuine.token,
        "Basic": "Basic " + base64.b64encode(b"admin:admin").decode(),
        "two tokens": f"Bearer {genuine.token} {genuine.token}",
        "a list": f"Bearer {genuine.token}, Bearer {genuine.token}",
        "SQL": "Bearer ' OR 1=1 --",
    }


def test_a_token_that_is_none_opens_nothing(caller, every_target, tokens, world):
    before, wrong = fingerprint(world), []
    for target in (one for one in every_target if one.roles and one.has_http):
        path = target.path.replace("{file_id}", "nobody")
        for what, header in tokens.items():
            reply = caller.ask(target.method, path, headers={"Authorization": header})
            expected = "token_expired" if what == "expired" and target.roles != {"service"} else "unauthorized"
            if (reply.status, reply.code) != (401, expected) or reply.data is not None:
                wrong.append(f"{target.name}, {what}: {reply.status} {reply.code}")
    assert not wrong, "\n".join(wrong)
    assert fingerprint(world) == before


def test_nothing_that_needs_a_login_is_open_without_one(caller, people, every_target):
    wrong, genuine = [], people.one_of("patient", 0).token
    for target in (one for one in every_target if one.roles and one.has_http):
        path = target.path.replace("{file_id}", "nobody")
        for sent in ({}, {"Cookie": f"token={genuine}"}, {"X-User-Id": people.one_of("admin", 0).user_id}):
            reply = caller.ask(target.method, path, headers=sent)
            allowed = {(401, "unauthorized")} | ({(404, "not_found")} if "guest" in target.roles else set())
            if (reply.status, reply.code) not in allowed:
                wrong.append(f"{target.name} {sent}: {reply.status} {reply.code}")
        reply = caller.ask(target.method, f"{path}?token={genuine}&access_token={genuine}")
        if reply.status not in (401, 422):
            wrong.append(f"{target.name} with the token in the address: {reply.status}")
    assert not wrong, "\n".join(wrong)


def test_a_service_key_opens_what_is_for_services_only(caller, served, people, every_target):
    key = (served.data_dir / "service_key").read_text().strip()
    wrong = []
    for target in (one for one in every_target if one.roles and one.has_http and "guest" not in one.roles):
        reply = caller.ask(target.method, target.path, headers={"X-Service-Key": key})
        if (reply.status == 401) == (target.roles == {"service"}):
            wrong.append(f"{target.name}: {reply.status}")
    for sent in ("", "x", key[:-1], key + "x", "k" * 5_000):
        token = people.one_of("admin", 0).token
        reply = caller.ask("POST", "/api/message/send", token=token, headers={"X-Service-Key": sent})
        assert (reply.status, reply.code) == (401, "unauthorized")
    assert not wrong, "\n".join(wrong)


def test_a_socket_takes_none_of_them_either(served, tokens):
    wrong = []
    for what, header in tokens.items():
        token = header.removeprefix("Bearer ")
        if what in ("no scheme", "two tokens", "a list"):
            continue  # headers only
        with RpcWire(served.port, token) as wire:
            told = wire.connected
        expected = {"error": 109} if what == "expired" else {"closed": 3500}
        got = {"error": told["error"]["code"]} if "error" in told else {"closed": told.get("closed")}
        if got != expected:
            wrong.append(f"{what}: {told}")
    assert not wrong, "\n".join(wrong)


def test_a_refresh_token_of_yesterday_ends_the_login(caller):
    person = register(caller, "13970009999")
    renewed = caller.post("/api/user/refresh", {"refresh_token": person.refresh_token})
    again = caller.post("/api/user/refresh", {"refresh_token": renewed["refresh_token"]})
    stolen = caller.ask("POST", "/api/user/refresh", body={"refresh_token": person.refresh_token})
    assert (stolen.status, stolen.code) == (401, "refresh_reused")
    for token in (renewed["token"], again["token"], person.token):
        assert caller.ask("GET", "/api/user/me", token=token).status == 401
    for nonsense in (again["refresh_token"], person.token, "x", "' OR 1=1 --", "x" * 4_096):
        reply = caller.ask("POST", "/api/user/refresh", body={"refresh_token": nonsense})
        assert reply.status == 401 and reply.code in ("unauthorized", "refresh_reused")
