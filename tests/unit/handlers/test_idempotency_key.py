"""The Idempotency-Key header (contract.md §2, reliability.md A60)."""
import json

import pytest

from config.reading import fingerprint


def _key(value):
    return {"Idempotency-Key": value}


async def test_a_key_is_required_where_the_contract_says_so(client):
    answer = await client.post("/api/demo/keyed")
    assert (answer.status, answer.code) == (400, "idempotency_key_required")


async def test_a_bad_body_is_told_before_a_missing_key(client):
    assert (await client.post("/api/demo/keyed", {"name": 1})).code == "invalid"


@pytest.mark.parametrize("value", ["", "a" * 256, "a b", "é"])
async def test_a_key_that_is_none_is_malformed(client, value):
    answer = await client.post("/api/demo/keyed", headers=_key(value))
    assert (answer.status, answer.code) == (400, "malformed")


async def test_two_keys_are_malformed(client):
    body = b'{"name":"a"}'
    answer = await client.raw(
        b"POST /api/demo/keyed HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAuthorization: Bearer family\r\n"
        b"Idempotency-Key: a\r\nIdempotency-Key: a\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    )
    assert answer.startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize("value", ["a", "a" * 255, "!~{}\"'"])
async def test_a_key_of_visible_characters_is_taken(client, seen, value):
    assert (await client.post("/api/demo/keyed", headers=_key(value))).status == 201
    keyed = seen.calls[0].keyed
    assert (keyed.route, keyed.key, keyed.body_hash) == ("demo.keyed", value, fingerprint({"name": "甲"}))


async def test_a_kept_answer_is_repeated_byte_for_byte(client):
    first = await client.post("/api/demo/keyed", headers=_key("k"))
    again = await client.post("/api/demo/keyed", headers=_key("k"))
    assert (first.status, again.status) == (201, 201)
    assert first.body == again.body
    assert first.headers["X-Request-Id"] != again.headers["X-Request-Id"]


async def test_a_kept_refusal_is_repeated_byte_for_byte(client):
    first = await client.post("/api/demo/keyed", {"name": "拒绝"}, headers=_key("k"))
    again = await client.post("/api/demo/keyed", {"name": "拒绝"}, headers=_key("k"))
    assert (first.status, first.code) == (409, "wrong_state")
    assert first.body == again.body


async def test_the_order_and_spacing_of_a_body_do_not_change_its_fingerprint(client, seen):
    await client.post("/api/demo/keyed", raw='{"name":"a","amount_fen":1}', headers=_key("k"))
    await client.post("/api/demo/keyed", raw='{ "amount_fen" : 1, "name" : "\\u0061" }', headers=_key("k"))
    assert seen.calls[0].keyed == seen.calls[1].keyed
    assert len(seen.kept) == 1


async def test_another_body_has_another_fingerprint(client, seen):
    await client.post("/api/demo/keyed", {"name": "a"}, headers=_key("k"))
    await client.post("/api/demo/keyed", {"name": "b"}, headers=_key("k"))
    assert seen.calls[0].keyed.body_hash != seen.calls[1].keyed.body_hash


@pytest.mark.parametrize("path", ["/api/demo/unkeyed", "/api/user/demo"])
async def test_where_no_key_is_accepted_it_is_ignored(client, seen, path):
    assert (await client.post(path, headers=_key("k" * 300))).status == 200
    assert seen.calls[0].keyed is None


async def test_a_key_without_a_user_belongs_to_nobody(client, seen):
    assert (await client.post("/api/demo/anonymous", token=None, headers=_key("k"))).status == 200
    assert seen.calls[0].keyed is None


async def test_an_accepted_key_may_be_left_out(client, seen):
    await client.post("/api/demo/echo")
    await client.post("/api/demo/echo", headers=_key("k"))
    assert [call.keyed and call.keyed.key for call in seen.calls] == [None, "k"]


def test_a_fingerprint_tells_types_apart():
    values = [{"a": 1}, {"a": "1"}, {"a": True}, {"a": 1.0}, {"a": None}, {}, {"a": [1]}]
    assert len({fingerprint(value) for value in values}) == len(values)
    assert fingerprint(json.loads('{"a":1,"b":{"d":2,"c":3}}')) == fingerprint({"b": {"c": 3, "d": 2}, "a": 1})
