"""Whole requests that are no request: broken JSON, wrong types, sizes, methods, keys.

The rows of reliability.md §4A that an endpoint can be asked over a plain connection, on every endpoint.
"""
import gzip
import json
import uuid

import pytest

from tests.e2e.caller import multipart
from tests.e2e.targets import fingerprint

_BODY_BYTES, _UPLOAD_BYTES = 65_536, 10_485_760
_DEEP = 100_000

_NOT_JSON = {
    "nothing": b"",
    "half an object": b'{"order_id": "x"',
    "two objects": b"{}{}",
    "a comment": b"{} // yes",
    "single quotes": b"{'a': 1}",
    "NaN": b'{"a": NaN}',
    "Infinity": b'{"a": -Infinity}',
    "more than a float": b'{"a": 1e999}',
    "a number of 5,000 digits": b'{"a": ' + b"9" * 5_000 + b"}",
    "a key twice": b'{"order_id": "x", "order_id": "y"}',
    "a key twice inside": b'{"a": {"b": 1, "b": 2}}',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "UTF-32": '{"a": 1}'.encode("utf-32"),
    "GBK": '{"a": "护"}'.encode("gbk"),
    "a NUL in a text": b'{"a": "x\\u0000y"}',
    "a raw NUL": b'{"a": "x\x00y"}',
    "a NUL in a key": b'{"a\\u0000": 1}',
    "a lone surrogate": b'{"a": "\\ud800"}',
    "a lone surrogate as key": b'{"\\udfff": 1}',
    "arrays to the bottom": b'{"a": ' + b"[" * (_BODY_BYTES // 2 - 10) + b"]" * (_BODY_BYTES // 2 - 10) + b"}",
    "objects below the cap": b'{"a":' * 40 + b"1" + b"}" * 40,
}
_NO_OBJECT = (b"null", b"[]", b'[{"order_id": "x"}]', b'"order_id"', b"1", b"true")


@pytest.mark.parametrize("what", _NOT_JSON)
def test_what_is_no_json_of_ours_is_malformed(caller, crowd, every_target, world, what):
    _all_answer(caller, crowd, every_target, world, _NOT_JSON[what], expected=(400, "malformed"))


@pytest.mark.parametrize("raw", _NO_OBJECT)
def test_json_that_is_no_object_is_invalid(caller, crowd, every_target, world, raw):
    _all_answer(caller, crowd, every_target, world, raw, expected=(422, "invalid"))


@pytest.mark.parametrize("size", [_BODY_BYTES + 1, 4 * _BODY_BYTES])
def test_a_body_over_64_kib_is_too_large(caller, crowd, every_target, world, size):
    raw = b'{"a": "' + b"x" * (size - 9) + b'"}'
    assert len(raw) == size
    _all_answer(caller, crowd, every_target, world, raw, expected=(413, "too_large"))


def test_a_bomb_in_gzip_is_too_large_and_rubbish_in_gzip_malformed(caller, crowd, every_target, world):
    packed = {"Content-Encoding": "gzip"}
    bomb = gzip.compress(b'{"a": "' + b"x" * 20_000_000 + b'"}')
    _all_answer(caller, crowd, every_target, world, bomb, headers=packed, expected=(413, "too_large"))
    _all_answer(caller, crowd, every_target, world, b"\x1f\x8bxx", headers=packed, expected=(400, "malformed"))


@pytest.mark.parametrize("headers", [
    {"Content-Type": "text/plain"},
    {"Content-Type": None},
    {"Content-Type": "application/x-www-form-urlencoded"},
    {"Content-Type": "application/json; charset=utf-16"},
    {"Content-Type": "application/json, text/plain"},
    {"Content-Encoding": "br"},
])  # fmt: skip
def test_another_type_of_content_is_unsupported(caller, crowd, every_target, world, headers):
    _all_answer(caller, crowd, every_target, world, b"{}", headers=headers, expected=(415, "unsupported_type"))


def _all_answer(caller, crowd, every_target, world, raw, *, expected, headers=None):
    before, wrong = fingerprint(world), []
    for target in (one for one in every_target if one.has_json):
        sent = crowd.headers_for(target) | (headers or {})
        reply = caller.ask("POST", target.path, raw=raw, headers=sent)
        if (reply.status, reply.code) != expected or reply.data is not None:
            wrong.append(f"{target.name}: {reply.status} {reply.code} {reply.data}")
    assert not wrong, "\n".join(wrong)
    assert fingerprint(world) == before


def test_fields_in_the_address_of_a_post_are_unknown(caller, crowd, every_target):
    wrong = []
    for target in (one for one in every_target if one.method == "POST" and one.has_http):
        reply = caller.ask("POST", f"{target.path}?order_id=x", headers=crowd.headers_for(target))
        if (reply.status, reply.code, reply.fields) != (422, "unknown_field", {"order_id"}):
            wrong.append(f"{target.name}: {reply.status} {reply.code}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "LINK"])
def test_a_method_that_a_path_does_not_have_is_not_allowed(caller, every_target, method):
    wrong, offered = [], {}
    for target in (one for one in every_target if one.has_http):
        offered.setdefault(target.path.replace("{file_id}", "x"), set()).add(target.method)
    for path, methods in offered.items():
        if method not in methods:
            reply = caller.ask(method, path, headers={"X-HTTP-Method-Override": "GET"})
            if (reply.status, reply.code) != (405, "method_not_allowed") or reply.data is not None:
                wrong.append(f"{method} {path}: {reply.status} {reply.code}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "a b", "钥", "x\ty"])
def test_an_idempotency_key_that_is_none_is_malformed(caller, crowd, every_target, world, key):
    before, wrong = fingerprint(world), []
    for target in (one for one in every_target if one.takes_key):
        sent = crowd.headers_for(target) | {"Idempotency-Key": key.encode()}
        body = json.dumps(target.shape.plain()).encode()
        reply = caller.ask("POST", target.path, raw=body, headers=sent)
        if (reply.status, reply.code) != (400, "malformed"):
            wrong.append(f"{target.name}: {reply.status} {reply.code}")
    assert not wrong, "\n".join(wrong)
    assert fingerprint(world) == before


def test_a_form_that_is_none_is_refused(caller, crowd, every_target, world):
    before, wrong = fingerprint(world), []
    good, form = multipart({"purpose": "chat"}, {"file": b"x"})
    cases = [
        (b"{}", {"Content-Type": "application/json"}, (415, "unsupported_type")),
        (good, {"Content-Type": "multipart/form-data"}, (400, "malformed")),
        (good, {"Content-Type": "multipart/form-data; boundary=" + "b" * 71}, (400, "malformed")),
        (good[:-20], form, (400, "malformed")),
        (b"", form, (400, "malformed")),
        (good, form | {"Content-Encoding": "gzip"}, (415, "unsupported_type")),
        (b"x" * (_UPLOAD_BYTES + 1), form, (413, "too_large")),
    ]
    for target in (one for one in every_target if one.is_form):
        for raw, headers, expected in cases:
            reply = caller.ask("POST", target.path, raw=raw, headers=headers | crowd.headers_for(target))
            if (reply.status, reply.code) != expected:
                wrong.append(f"{target.name} {headers} {raw[:40]!r}: {reply.status} {reply.code}")
    assert not wrong, "\n".join(wrong)
    assert fingerprint(world) == before


def test_notifications_that_no_provider_sent_change_nothing(caller, served, world):
    before, wrong = fingerprint(world), []
    letters = (b"", b"{}", b"null", b'{"id": "x"}', b"[" * _DEEP, b"\xff\xfe", b"<xml/>", b"x" * (_BODY_BYTES + 1))
    for provider in ("sandbox", "wechat", "alipay", "nobody", "x" * 17):
        for raw in letters:
            reply = caller.ask("POST", f"/api/payment/notify/{provider}", raw=raw)
            if reply.status not in (400, 401, 404, 413, 415):
                wrong.append(f"{provider} {raw[:20]!r}: {reply.status} {reply.code}")
    assert not wrong, "\n".join(wrong)
    assert fingerprint(world) == before


@pytest.mark.parametrize("path", [
    "/api/nothing", "/api/order/", "/api//order/list", "/API/order/list", "/api/order/list/", "/api/order/..%2flist",
    "/..%2f..%2fetc%2fpasswd", "/static/..%2f..%2frun.py", "/%00", "/api/file/..%2f..%2fjwt_secret", "/sandbox",
    "/api/admin", "//evil.example/api", "/api/file/" + "x" * 65,
])  # fmt: skip
def test_a_path_that_nobody_declared_is_not_found(caller, path):
    reply = caller.ask("GET", path)
    assert (reply.status, reply.code) in ((404, "not_found"), (400, "malformed")) and reply.data is None
    assert "Location" not in reply.headers


def test_the_server_is_well_after_all_this(caller, served):
    assert caller.ask("GET", "/readyz").status == 200
    assert caller.get("/api/catalog")["service_types"]
    assert "Traceback" not in served.printed() and "request failed" not in served.printed()
    assert caller.ask("GET", f"/api/nothing?{uuid.uuid4().hex}").status == 404
