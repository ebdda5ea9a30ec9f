"""Bodies and queries that strangers send (reliability.md §4A)."""
import asyncio
import gzip

import pytest


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{", b'{"name":}', b'{"name":"a",}', b"\xef\xbb\xbf{}", '{"name":"a"}'.encode("utf-16"), b'{"name":"\xff"}',
        b'{"name":"\\ud800"}', b'{"name":"a","name":"b"}', b'{"amount_fen":NaN}', b'{"amount_fen":1e999}',
        b'{"amount_fen":' + b"9" * 5_000 + b"}", b"[" * 30_000 + b"]" * 30_000, b"[" * 900 + b"]" * 900,
        b'{"name":"a\\u0000"}', b'{"name":"a"} {}',
    ],
)
async def test_what_is_not_one_json_text_is_malformed(client, raw):
    answer = await client.post("/api/demo/echo", raw=raw)
    assert (answer.status, answer.code) == (400, "malformed")


@pytest.mark.parametrize("raw", ["null", "[]", "1", '"text"', "true"])
async def test_json_that_is_no_object_is_invalid(client, raw):
    answer = await client.post("/api/demo/echo", raw=raw)
    assert (answer.status, answer.code) == (422, "invalid")
    assert answer.fields == [("body", "wrong_type")]


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ({}, "name"), ({"name": None}, "name"), ({"name": 1}, "name"), ({"name": {"$gt": ""}}, "name"),
        ({"name": ["a"]}, "name"), ({"name": "x" * 51}, "name"), ({"name": "a", "amount_fen": 1.0}, "amount_fen"),
        ({"name": "a", "amount_fen": True}, "amount_fen"), ({"name": "a", "amount_fen": "1"}, "amount_fen"),
        ({"name": "a", "amount_fen": -1}, "amount_fen"), ({"name": "a", "amount_fen": 2**63}, "amount_fen"),
    ],
)
async def test_a_field_that_does_not_fit_is_invalid_and_named(client, seen, value, field):
    answer = await client.post("/api/demo/echo", value)
    assert (answer.status, answer.code) == (422, "invalid")
    assert [name for name, _ in answer.fields] == [field]
    assert all(error["message"] for error in answer.json["errors"])
    assert seen.commands == []


async def test_a_field_too_many_is_an_unknown_field_and_told_first(client):
    answer = await client.post("/api/demo/echo", {"name": 1, "price": 1})
    assert (answer.status, answer.code) == (422, "unknown_field")
    assert answer.fields[0] == ("price", "unknown_field")
    assert ("name", "wrong_type") in answer.fields


@pytest.mark.parametrize(
    "content_type",
    [None, "text/plain", "application/x-www-form-urlencoded", "application/jsonp", "multipart/form-data; boundary=x",
     "application/json; charset=gbk", "application/json, text/plain", ""],
)
async def test_a_body_that_is_not_said_to_be_json_is_an_unsupported_type(client, content_type):
    headers = {} if content_type is None else {"Content-Type": content_type}
    answer = await client.send("POST", "/api/demo/echo", body=b'{"name":"a"}', token="family", headers=headers)
    assert (answer.status, answer.code) == (415, "unsupported_type")


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "Application/JSON;charset=UTF-8", 'application/json; charset="utf-8"']
)
async def test_json_may_say_that_it_is_utf_8(client, content_type):
    assert (await client.post("/api/demo/echo", headers={"Content-Type": content_type})).status == 201


async def test_an_empty_command_takes_an_empty_object(client):
    assert (await client.post("/api/demo/ping", raw="{}")).status == 200
    assert (await client.post("/api/demo/ping", raw="")).code == "malformed"


async def test_no_body_and_no_type_are_an_empty_object(client):
    assert (await client.send("POST", "/api/demo/ping", body=b"", token="family", headers={})).status == 200
    answer = await client.send("POST", "/api/demo/echo", body=b"", token="family", headers={})
    assert (answer.code, answer.fields) == ("invalid", [("name", "required")])


async def test_a_zipped_body_is_read(client):
    answer = await client.post("/api/demo/echo", raw=gzip.compress(b'{"name":"a"}'), headers={"Content-Encoding": "gzip"})
    assert answer.json["data"]["name"] == "a"


@pytest.mark.parametrize("raw", [b"garbage", gzip.compress(b'{"name":"a"}', mtime=0)[:-4], gzip.compress(b"{}", mtime=0) + b"more"])
async def test_a_broken_zip_is_malformed(client, raw):
    answer = await client.post("/api/demo/echo", raw=raw, headers={"Content-Encoding": "gzip"})
    assert (answer.status, answer.code) == (400, "malformed")


async def test_a_zip_that_grows_without_end_is_too_large(client):
    bomb = gzip.compress(bytes(40_000_000))
    assert len(bomb) < 65_536
    answer = await client.post("/api/demo/echo", raw=bomb, headers={"Content-Encoding": "gzip"})
    assert (answer.status, answer.code) == (413, "too_large")


@pytest.mark.parametrize("coding", ["br", "deflate", "gzip, gzip", "zstd"])
async def test_another_content_coding_is_unsupported(client, coding):
    answer = await client.post("/api/demo/echo", headers={"Content-Encoding": coding})
    assert (answer.status, answer.code) == (415, "unsupported_type")


def _padded(size):
    head, tail = b'{"name":"a"', b"}"
    return head + b" " * (size - len(head) - len(tail)) + tail


async def test_a_body_at_the_limit_is_read_and_one_byte_more_is_too_large(client):
    assert (await client.post("/api/demo/echo", raw=_padded(65_536))).status == 201
    answer = await client.post("/api/demo/echo", raw=_padded(65_537))
    assert (answer.status, answer.code) == (413, "too_large")


@pytest.mark.parametrize("size", [200_000, 8 * 1_048_576])
async def test_a_large_body_is_told_so_and_the_connection_lives(client, size):
    body = _padded(size)
    head = b"POST /api/demo/echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAuthorization: Bearer family\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    try:
        for sent, status in ((body, b"413"), (_padded(20), b"201")):
            writer.write(head + b"Content-Length: %d\r\n\r\n" % len(sent) + sent)
            answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
            assert answer.startswith(b"HTTP/1.1 " + status)
            length = int(answer.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
    finally:
        writer.close()


async def test_a_chunked_body_is_bounded_too(client):
    chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
    answer = await client.raw(
        b"POST /api/demo/echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAuthorization: Bearer family\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 4 + b"0\r\n\r\n"
    )
    assert answer.startswith(b"HTTP/1.1 413")
    assert b'"too_large"' in answer


async def test_a_body_that_is_announced_enormous_is_refused_at_once(client):
    answer = await client.raw(
        b"POST /api/demo/echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAuthorization: Bearer family\r\n"
        b"Content-Length: 1000000000000\r\n\r\n", until_closed=True,
    )
    assert answer.startswith(b"HTTP/1.1 413")
    assert answer.count(b"HTTP/1.1") == 1
    assert b'"too_large"' in answer


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: +4\r\n", b"Content-Length: -4\r\n", b"Content-Length: 4\r\nContent-Length: 5\r\n",
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", b"Content-Length: " + b"9" * 5_000 + b"\r\n",
        b"X: a\r\n b\r\n",
    ],
)
async def test_a_length_that_two_programs_may_read_differently_is_refused(client, head):
    answer = await client.raw(
        b"POST /api/demo/echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAuthorization: Bearer family\r\n"
        + head + b"\r\n{}{}{}", until_closed=True,
    )
    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 413")) or answer == b""
    assert b"HTTP/1.1 2" not in answer


async def test_a_query_is_read_with_lists_and_defaults(client):
    answer = await client.get("/api/demo/search?keyword=%E6%8A%A4%20a+b&skill=x&skill=y")
    assert answer.json["data"] == {"keyword": "护 a b", "skill": ["x", "y"], "limit": 20, "动作": "完成"}
    assert (await client.get("/api/demo/search?skill=x&&")).json["data"]["skill"] == ["x"]


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ("limit=0", "invalid", "limit"), ("limit=101", "invalid", "limit"), ("limit=-1", "invalid", "limit"),
        ("limit=1e9", "invalid", "limit"), ("limit=abc", "invalid", "limit"), ("limit=", "invalid", "limit"),
        ("limit=%EF%BC%91", "invalid", "limit"), ("limit=1&limit=2", "invalid", "limit"),
        ("limit[]=1", "unknown_field", "limit[]"), ("nonsense=1", "unknown_field", "nonsense"),
        ("keyword=a&keyword=b", "invalid", "keyword"),
    ],
)
async def test_a_parameter_that_does_not_fit_is_refused_and_named(client, query, code, field):
    answer = await client.get(f"/api/demo/search?{query}")
    assert (answer.status, answer.code) == (422, code)
    assert answer.fields[0][0] == field


@pytest.mark.parametrize(
    "query", ["keyword=%ff", "keyword=%zz", "keyword=%", "%ff=1", "keyword=%00", "&".join(["skill=x"] * 101)]
)
async def test_a_query_that_is_no_text_is_malformed(client, query):
    answer = await client.get(f"/api/demo/search?{query}")
    assert (answer.status, answer.code) == (400, "malformed")


async def test_a_post_takes_nothing_from_its_address(client):
    answer = await client.post("/api/demo/echo?name=b")
    assert (answer.status, answer.code, answer.fields) == (422, "unknown_field", [("name", "unknown_field")])
