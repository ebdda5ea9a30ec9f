"""The three parts of the program apart, with nginx in front."""

from contextlib import contextmanager

import pytest

from tests.world import Bookings, until

_PARTS = (("api",), ("ws",), ("jobs",))


@pytest.fixture
def apart(io_loop, open_site):
    return io_loop.asyncio_loop.run_until_complete(open_site(*_PARTS))


@pytest.fixture(params=["embedded_stores", pytest.param("server_stores", marks=pytest.mark.services)])
def three(io_loop, open_site, request):
    """In one process over one file, and as they are in production: over MySQL and a real Redis."""
    stores = request.getfixturevalue(request.param)
    return io_loop.asyncio_loop.run_until_complete(open_site(*_PARTS, stores=stores))


def ports(site):
    return dict(zip(("api", "ws", "jobs"), (one.port for one in site.world.instances), strict=True))


async def ask(site, part, path, method="GET"):
    """One request to a part itself, past nginx."""
    return await site.visitor.ask(method, path, url=f"http://127.0.0.1:{ports(site)[part]}")


async def test_each_part_answers_its_probes(apart):
    for part in ("api", "ws", "jobs"):
        assert (await ask(apart, part, "/healthz")).status == 200
        assert (await ask(apart, part, "/readyz")).told["failing"] == []
        assert b"peihu_ws_connections" in (await ask(apart, part, "/metrics")).body


@pytest.mark.parametrize(
    ("part", "method", "path"),
    [
        ("api", "GET", "/connection/websocket"),
        ("api", "GET", "/connection/sse"),
        ("api", "POST", "/emulation"),
        ("ws", "GET", "/api/catalog"),
        ("ws", "POST", "/api/order/create"),
        ("ws", "GET", "/"),
        ("jobs", "GET", "/api/catalog"),
        ("jobs", "POST", "/emulation"),
        ("jobs", "GET", "/connection/websocket"),
    ],
)
async def test_what_is_served_elsewhere_is_answered_with_a_code_of_its_own(apart, part, method, path):
    answer = await ask(apart, part, path, method)
    assert (answer.status, answer.told["code"]) == (404, "not_served_here")


@contextmanager
def _bookings_at_the_api(site):
    """Whoever books meanwhile goes to the part that takes bookings."""
    everybody = site.world.instances
    site.world.instances = everybody[:1]
    yield Bookings(site.world)
    site.world.instances = everybody  # who is not there is not stopped at the end


async def test_the_main_job_is_done_by_the_three_together(three):
    family, caregiver = three.world.families[0], three.world.caregivers[0]
    stream = await three.visitor.stream(family, is_sse=True)
    socket = await three.visitor.socket(family)
    with _bookings_at_the_api(three) as bookings:
        order_id = await bookings.book_paid(family, bookings.slot(), named=caregiver)
        [offered] = await three.world.offers(order_id)
    assert await socket.subscribe(f"order:{order_id}") == 0
    assert await three.visitor.tell(stream, {"id": 2, "subscribe": {"channel": f"order:{order_id}"}}) == 204
    assert (await three.visitor.do(caregiver, "/api/order/accept", {"offer_id": offered["offer_id"]})).is_ok
    await socket.hear("order.status", status="awaiting_service")
    told = await stream.next()
    while "awaiting_service" not in str(told):
        told = await stream.next()


async def test_what_is_due_is_done_by_the_jobs_alone(three):
    api, ws, jobs = three.products
    everything = {"orders", "payments", "refunds", "settlement"}

    async def all_held():
        return everything <= set(jobs.base.leases.held)

    await until(all_held)
    assert api.base.leases.held == ws.base.leases.held == []
    family = three.world.families[1]

    async def ended():
        return (await three.world.order(made["order_id"]))["status"] == "cancelled"

    with _bookings_at_the_api(three) as bookings:
        made = await bookings.book(family, bookings.slot())
        assert (await three.world.post(None, "/sandbox/clock", {"advance_s": 15 * 60 + 1})).is_ok
        await until(ended)
