"""One request after another through the generic handler."""
import asyncio
import json
import logging
from contextlib import suppress
from ipaddress import ip_network

import pytest

from server.core.errors import STATUS_OF_CODE, Refused
from server.core.operation import PATIENT, Operation
from server.core.tasks import Tasks
from server.handlers.http.sentences import EDGE_STATUS_OF_CODE, SENTENCES
from server.handlers.http.use_cases import UseCases
from server.handlers.routes import operation_routes
from tests.standstill import evenly_s


def test_every_code_has_a_sentence_and_no_sentence_is_left_over():
    assert set(SENTENCES) == set(STATUS_OF_CODE) | set(EDGE_STATUS_OF_CODE)
    assert all(sentence and not sentence.isascii() for sentence in SENTENCES.values())


async def test_a_result_comes_in_the_envelope(client):
    answer = await client.post("/api/demo/echo", {"name": "张三", "amount_fen": 5})
    assert answer.status == 201
    assert list(answer.json) == ["code", "message", "data", "request_id"]
    assert answer.json["data"] == {"name": "张三", "amount_fen": 5, "动作": "完成"}
    assert answer.json["message"] == "成功"
    assert "动作".encode() in answer.body
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"


async def test_the_request_id_is_ours_and_in_the_header_too(client, seen):
    answer = await client.post("/api/demo/echo", headers={"X-Request-Id": "forged"})
    assert answer.json["request_id"] == answer.headers["X-Request-Id"] == seen.calls[0].request_id
    assert answer.json["request_id"] != "forged"


@pytest.mark.parametrize("path", ["/api/demo/echo", "/api/demo/refuse", "/nowhere"])
async def test_every_answer_carries_the_security_headers(client, path):
    headers = (await client.post(path)).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "Server" not in headers
    assert "Etag" not in headers


async def test_the_call_tells_who_asks(client, seen):
    await client.post("/api/demo/echo")
    call = seen.calls[0]
    assert (call.actor.user_id, call.remote_address, call.success_status) == ("u-family", "127.0.0.1", 201)


async def test_a_refusal_keeps_its_code_sentence_and_data(client):
    answer = await client.post("/api/demo/refuse")
    assert (answer.status, answer.code) == (409, "offer_taken")
    assert answer.json["message"] == "已被别人接走"
    assert answer.json["data"] == {"by": "other"}
    assert "errors" not in answer.json


async def test_a_refusal_without_words_gets_the_sentence_of_its_code(client):
    answer = await client.post("/api/demo/traced")
    assert (answer.status, answer.json["message"]) == (409, SENTENCES["start_code_wrong"])


@pytest.mark.parametrize(
    ("path", "status", "code", "after"),
    [("unavailable", 503, "unavailable", "7"), ("limited", 429, "too_many_attempts", "42")],
)
async def test_who_shall_come_again_is_told_when(client, path, status, code, after):
    answer = await client.post(f"/api/demo/{path}")
    assert (answer.status, answer.code, answer.headers["Retry-After"]) == (status, code, after)


@pytest.mark.expects_warnings
async def test_a_bug_is_internal_without_a_trace_and_logged_once(client, caplog):
    answer = await client.post("/api/demo/broken")
    assert (answer.status, answer.code) == (500, "internal")
    assert b"canary" not in answer.body and b"Traceback" not in answer.body
    logged = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert [record.request_id for record in logged] == [answer.json["request_id"]]


async def test_an_unknown_path_is_not_found_in_the_envelope(client):
    for path in ("/", "/nowhere", "/api/demo/echo/", "/api/demo/ECHO", "/api/demo%2fecho", "/a%00b", "/../../etc/passwd"):
        answer = await client.get(path)
        assert (answer.status, answer.code) == (404, "not_found"), path


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "FOO"])
async def test_another_method_is_not_allowed_and_told_which_is(client, method):
    answer = await client.send(method, "/api/demo/echo", body=b"{}", token="family")
    assert (answer.status, answer.code) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "POST, GET"


async def test_a_head_request_is_not_allowed(client):
    assert (await client.send("HEAD", "/api/demo/echo")).status == 405


async def test_a_method_override_is_ignored(client, seen):
    answer = await client.post("/api/demo/echo", headers={"X-HTTP-Method-Override": "DELETE"})
    assert answer.status == 201
    assert len(seen.calls) == 1


async def test_a_method_is_refused_before_a_login_is_asked_for(client):
    assert (await client.send("GET", "/api/demo/refuse")).status == 405


async def test_two_methods_of_one_path_are_two_operations(client):
    assert (await client.get("/api/demo/echo", token="carer")).status == 200
    assert (await client.get("/api/demo/echo", token="family")).status == 403


async def test_declaring_a_path_twice_is_a_mistake(edge):
    async def run(call, command):
        return None

    one = Operation("POST", "/api/x", dict, run, PATIENT, "x")
    with pytest.raises(ValueError, match="declared twice"):
        operation_routes([one, one], edge)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (None, "unauthorized"), ("Bearer", "unauthorized"), ("Bearer ", "unauthorized"), ("Bearer  family", "unauthorized"),
        ("Bearer\tfamily", "unauthorized"), ("Bearer family x", "unauthorized"), ("Basic family", "unauthorized"),
        ("family", "unauthorized"), ("Bearer stranger", "unauthorized"), ("Bearer old", "token_expired"),
        ("Bearer " + "a" * 5_000, "unauthorized"),
    ],
)
async def test_a_login_that_is_none_is_refused(client, given, code):
    headers = {} if given is None else {"Authorization": given}
    answer = await client.post("/api/demo/echo", token=None, headers=headers)
    assert (answer.status, answer.code) == (401, code)
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_the_scheme_may_be_written_in_any_case(client, scheme):
    assert (await client.post("/api/demo/echo", token=None, headers={"Authorization": f"{scheme} family"})).status == 201


async def test_two_authorization_headers_are_refused(client):
    body = b'{"name":"a"}'
    answer = await client.raw(
        b"POST /api/demo/echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Authorization: Bearer family\r\nAuthorization: Bearer family\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    )
    assert answer.startswith(b"HTTP/1.1 401")


async def test_a_role_that_may_never_do_this_is_forbidden(client, seen):
    answer = await client.post("/api/demo/echo", token="carer")
    assert (answer.status, answer.code) == (403, "forbidden")
    assert seen.calls == []


async def test_who_may_not_ask_learns_nothing_from_a_bad_body(client):
    assert (await client.post("/api/demo/echo", raw="{", token=None)).status == 401
    assert (await client.post("/api/demo/echo", raw="{", token="carer")).status == 403


async def test_anyone_may_ask_what_needs_no_login_even_with_an_old_one(client):
    assert (await client.get("/api/demo/search")).status == 200
    assert (await client.get("/api/demo/search", token="old")).status == 200


async def test_a_service_is_known_by_its_key_and_never_by_a_users_token(client, small):
    assert (await client.post("/api/demo/service")).status == 401
    assert (await client.post("/api/demo/service", token=None, headers={"X-Service-Key": "wrong"})).status == 401
    assert (await client.post("/api/demo/service", token=None, headers={"X-Service-Key": "s" * 32})).status == 200
    keyless = small(service_key="")
    assert (await keyless.post("/api/demo/service", token=None, headers={"X-Service-Key": ""})).status == 401


async def test_a_rate_limit_comes_after_the_role_and_before_the_body(small):
    asked = []

    async def limit(name, call):
        asked.append((name, call.actor.user_id, call.remote_address))
        raise Refused("too_many_requests", retry_after_s=3)

    client = small(limit=limit)
    assert (await client.post("/api/demo/echo", token="carer")).status == 403
    answer = await client.post("/api/demo/echo", raw="{")
    assert (answer.status, answer.code, answer.headers["Retry-After"]) == (429, "too_many_requests", "3")
    assert asked == [("demo.echo", "u-family", "127.0.0.1")]


@pytest.mark.parametrize("loopback", ["127.0.0.1", "::1"])
async def test_a_sandbox_path_exists_for_this_machine_only(small, loopback):
    client = small(loopback_only=True, trusted_proxies=(ip_network("127.0.0.0/8"),))
    assert (await client.get("/api/demo/search", headers={"X-Forwarded-For": loopback})).status == 200
    answer = await client.get("/api/demo/search", headers={"X-Forwarded-For": "203.0.113.9"})
    assert (answer.status, answer.code) == (404, "not_found")


async def test_a_forwarded_address_is_ignored_unless_a_trusted_proxy_says_it(client, behind_proxy, seen):
    forged = {"X-Forwarded-For": "198.51.100.7", "X-Real-IP": "198.51.100.7"}
    await client.post("/api/demo/echo", headers=forged)
    await behind_proxy.post("/api/demo/echo", headers=forged)
    await behind_proxy.post("/api/demo/echo", headers={"X-Forwarded-For": "10.9.9.9, 198.51.100.8, 127.0.0.2"})
    await behind_proxy.post("/api/demo/echo", headers={"X-Forwarded-For": "nonsense"})
    assert [call.remote_address for call in seen.calls] == ["127.0.0.1", "198.51.100.7", "198.51.100.8", "127.0.0.1"]


async def test_a_use_case_past_its_deadline_is_unavailable_and_still_goes_on(small, seen):
    tasks = Tasks("short")
    client = small(use_cases=UseCases(tasks=tasks, deadline_s=0.05))
    answer = await client.post("/api/demo/slow")
    assert (answer.status, answer.code, answer.headers["Retry-After"]) == (503, "unavailable", "1")
    assert not seen.finished.is_set()
    seen.gate.set()
    await asyncio.wait_for(seen.finished.wait(), 5)
    await tasks.stop()


async def test_a_client_that_leaves_does_not_cancel_its_use_case(client, seen):
    body = json.dumps({"name": "a"}).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    writer.write(
        b"POST /api/demo/slow HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Authorization: Bearer family\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    )
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    await client.get("/api/demo/search")  # the server has seen the close by now
    seen.gate.set()
    await asyncio.wait_for(seen.finished.wait(), 5)


async def test_a_login_check_that_hangs_is_unavailable(small, seen):
    async def hang(token):
        await seen.gate.wait()

    client = small(authenticate=hang, use_cases=UseCases(tasks=Tasks("short"), deadline_s=0.05))
    assert (await client.post("/api/demo/echo")).status == 503


async def test_a_slow_login_check_and_a_slow_use_case_share_one_deadline(small, edge, seen):
    async def slow(token):
        with suppress(TimeoutError):
            await asyncio.wait_for(seen.gate.wait(), 1.0)
        return await edge.authenticate(token)

    tasks = Tasks("short")
    client = small(authenticate=slow, use_cases=UseCases(tasks=tasks, deadline_s=1.2))
    began_at = evenly_s()
    assert (await client.post("/api/demo/slow")).status == 503
    assert evenly_s() - began_at < 2.0, "each had a deadline of its own"
    await tasks.stop()


async def test_answers_are_counted_by_route_and_not_by_path(client, registry):
    await client.post("/api/demo/echo")
    await client.get("/scan/1")
    await client.get("/scan/2")
    await client.send("FOO", "/scan/3")

    def count(method, route, status):
        labels = {"method": method, "route": route, "status": status}
        return registry.get_sample_value("peihu_http_answers_total", labels)

    assert count("POST", "/api/demo/echo", "201") == 1
    assert count("GET", "unknown", "404") == 2
    assert count("other", "unknown", "405") == 1
    assert registry.get_sample_value("peihu_http_seconds_count", {"route": "unknown"}) == 3
