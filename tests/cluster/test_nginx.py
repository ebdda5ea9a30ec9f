"""nginx with our configuration, in front of two instances."""

import asyncio
import json
import ssl
import time

import pytest
from sqlalchemy import select

from server.core.ids import new_id
from server.storage.tables.system import audit_log
from tests.fault.server_process import ROOT
from tests.world import Bookings, until

_AT_ONCE_S = 1.0  # what a buffer keeps comes with the end of the answer, which never comes


async def booked(site):
    """A paid order of the first family that is named for the first caregiver."""
    family, caregiver = site.world.families[0], site.world.caregivers[0]
    return await Bookings(site.world).book_paid(family, Bookings(site.world).slot(), named=caregiver)


async def test_requests_reach_both_instances_over_tls(site):
    family = site.world.families[0]
    for _ in range(6):
        answer = await site.visitor.ask("GET", "/api/order/list", who=family)
        assert answer.status == 200 and answer.told["code"] == "ok"
    served = [
        product._registry.get_sample_value(
            "peihu_http_answers_total", {"method": "GET", "route": "/api/order/list", "status": "200"}
        )
        for product in site.products
    ]
    assert None not in served and sum(served) == 6


async def test_who_does_not_know_the_authority_does_not_come_in(site):
    with pytest.raises(ssl.SSLCertVerificationError):
        await asyncio.open_connection("localhost", site.nginx.https_port, ssl=ssl.create_default_context())


async def test_plain_http_is_sent_to_https(site):
    answer = await site.visitor.ask("GET", "/api/catalog?x=1", url=f"http://localhost:{site.nginx.http_port}")
    assert (answer.status, answer.headers["location"]) == (301, "https://localhost/api/catalog?x=1")


@pytest.mark.parametrize("path", ["/api/catalog", "/", "/api/nowhere", "/connection/sse", "/metrics"])
async def test_browsers_are_told_to_stay_with_https(site, path):
    answer = await site.visitor.ask("GET", path)
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert "nginx/" not in answer.headers.get("server", "")


async def test_a_socket_hears_of_what_was_done_at_whichever_instance(site):
    family, caregiver = site.world.families[0], site.world.caregivers[0]
    ours = {"Origin": site.nginx.url}
    sockets = [await site.visitor.socket(family, headers=ours) for _ in range(4)]
    assert [len(product.live.connections) for product in site.products] == [2, 2], "the idler one is taken"
    order_id = await booked(site)
    for socket in sockets:
        assert await socket.subscribe(f"order:{order_id}") == 0
    [offered] = await site.world.offers(order_id)
    accepted = await (await site.visitor.socket(caregiver)).rpc("order.accept", {"offer_id": offered["offer_id"]})
    assert accepted.is_ok
    for socket in sockets:
        await socket.hear("order.status", status="awaiting_service")


async def test_a_foreign_page_opens_no_socket(site):
    with pytest.raises(Exception, match="403"):
        await site.visitor.socket(site.world.families[0], headers={"Origin": "https://elsewhere.example"})


@pytest.mark.parametrize("is_sse", [True, False])
async def test_streams_are_not_held_back(site, is_sse):
    family = site.world.families[0]
    stream = await site.visitor.stream(family, is_sse=is_sse)
    begun = time.monotonic()
    await booked(site)
    told = await stream.next()
    assert "push" in told
    assert time.monotonic() - begun < _AT_ONCE_S + 5.0, "booking takes a moment, a buffer for ever"
    assert await site.visitor.tell(stream, {"id": 2, "ping": {}}) == 204
    begun = time.monotonic()
    while told.get("id") != 2:
        told = await stream.next()
    assert time.monotonic() - begun < _AT_ONCE_S


async def test_commands_of_a_stream_may_go_to_any_instance(site):
    stream = await site.visitor.stream(site.world.families[0], is_sse=True)
    for number in range(2, 10):
        assert await site.visitor.tell(stream, {"id": number, "ping": {}}) == 204
        reply = await stream.next()
        while reply.get("id") != number:
            reply = await stream.next()
        assert "ping" in reply
    took = [product.live.counts["emulated_messages"] for product in site.products]
    assert sum(took) == 8 and sum(bool(product.live.connections) for product in site.products) == 1
    [holder] = [number for number, product in enumerate(site.products) if product.live.connections]
    assert took[1 - holder] > 0, "some went to the one that does not hold the stream"


async def test_what_a_client_says_about_its_own_address_is_thrown_away(site):
    admin, caregiver = site.world.admin, site.world.caregivers[0]
    reader, writer = await asyncio.open_connection(
        "localhost", site.nginx.https_port, ssl=site.nginx.tls(), local_addr=("127.0.0.7", 0)
    )
    body = json.dumps({"user_id": caregiver.user_id, "reason": "测试"}).encode()
    head = (
        "POST /api/admin/user/ban HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Forwarded-For: 6.6.6.6\r\n"
        "X-Real-IP: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\nX-Forwarded-For: 127.0.0.1\r\n"
        f"Authorization: Bearer {site.world.token(admin)}\r\nIdempotency-Key: {new_id()}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    answer = await reader.read()
    writer.close()
    assert b" 200 " in answer.split(b"\r\n")[0], answer
    rows = await site.world.rows(select(audit_log.c.remote_address).where(audit_log.c.actor_id == admin.user_id))
    assert [row["remote_address"] for row in rows] == ["127.0.0.7"]


async def test_sockets_and_streams_know_the_address_that_nginx_saw(site):
    family, spoofed = site.world.families[0], {"X-Forwarded-For": "6.6.6.6"}
    await site.visitor.socket(family, headers=spoofed)
    await site.visitor.stream(family, is_sse=True, local_address="127.0.0.7")
    seen = [one.remote_address for product in site.products for one in product.live.connections]
    assert sorted(seen) == ["127.0.0.1", "127.0.0.7"]
    straight = site.nginx.url, f"http://127.0.0.1:{site.world.instances[0].port}"
    site.nginx.url = straight[1]
    await site.visitor.socket(family, headers={"X-Forwarded-For": "9.9.9.9"})
    site.nginx.url = straight[0]
    seen = [one.remote_address for product in site.products for one in product.live.connections]
    assert "9.9.9.9" in seen, "what a trusted proxy says is believed"


@pytest.mark.parametrize("path", ["/metrics", "/readyz", "/sandbox/accounts", "/sandbox/clock"])
async def test_what_is_not_for_the_public_is_nowhere(site, path):
    assert (await site.visitor.ask("GET", path)).status == 404
    assert (await site.visitor.ask("GET", "/healthz")).status == 200


async def test_a_body_that_is_too_large_is_refused_in_our_words(site):
    answer = await site.visitor.ask("POST", "/api/order/create", b"x" * 100_000, who=site.world.families[0])
    assert (answer.status, answer.told["code"]) == (413, "too_large")


async def test_a_flood_from_one_address_is_refused_in_our_words(site):
    answers = await asyncio.gather(*(site.visitor.ask("GET", "/api/file/upload") for _ in range(400)))
    statuses = [answer.status for answer in answers]
    assert set(statuses) == {405, 429}  # the strictest limit: 20 at once, the slowest machine sends more
    refused = answers[statuses.index(429)]
    assert refused.told["code"] == "too_many_requests" and refused.headers["retry-after"] == "1"


async def test_an_instance_that_is_gone_is_passed_over(site):
    site.world.instances[0]._server.stop()
    await site.world.instances[0]._server.close_all_connections()
    for _ in range(8):
        answer = await site.visitor.ask("GET", "/api/catalog")
        assert answer.status == 200
    site.world.instances[1]._server.stop()
    await site.world.instances[1]._server.close_all_connections()
    answer = await site.visitor.ask("GET", "/api/catalog")
    assert (answer.status, answer.told["code"], answer.headers["retry-after"]) == (503, "unavailable", "1")


async def test_pages_that_never_change_are_kept(site):
    [script, *_] = sorted((ROOT / "web" / "dist" / "m" / "assets").glob("*.js"))
    hashed = f"/m/assets/{script.name}"
    states = [(await site.visitor.ask("GET", hashed)).headers.get("x-cache") for _ in range(2)]
    assert states == ["MISS", "HIT"]
    asked = [(await site.visitor.ask("GET", "/")).headers.get("x-cache") for _ in range(2)]
    assert "HIT" not in asked


async def test_the_log_holds_no_token(site):
    await site.visitor.stream(site.world.families[0], is_sse=True)
    await site.visitor.close()
    log = site.nginx.directory / "access.log"

    async def written():
        return "/connection/sse" in log.read_text()

    await until(written)
    assert "cf_connect" not in log.read_text() and "token" not in log.read_text()
