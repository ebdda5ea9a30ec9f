"""Jobs that die are begun again; two instances do due work once."""
import asyncio
from collections import Counter

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from sqlalchemy import select

from server.app import Parts
from server.jobs.loops import Job, Jobs
from server.readiness import register_gauges
from server.storage.tables.billing import refund, sandbox_refund
from server.storage.tables.booking import offer, order_event, t_order
from server.storage.tables.system import channel_event
from tests.world import Bookings, World, until

_ORDERS = 6
_OFFER_LIVES_S = 15 * 60 + 1
_NOBODY_CAME_S = 24 * 3600


@pytest.mark.expects_warnings
async def test_a_job_that_raises_is_begun_again_and_seen(peihu):
    rounds: Counter[str] = Counter()

    async def broken() -> None:
        rounds["broken"] += 1
        raise ZeroDivisionError

    async def sound() -> None:
        rounds["sound"] += 1

    jobs = Jobs([Job("broken", broken, 0.0), Job("sound", sound, 0.0)])
    jobs.start()

    async def has_died_twice() -> bool:
        return rounds["broken"] >= 2 and rounds["sound"] > rounds["broken"]

    await until(has_died_twice)
    late, registry = jobs.late(by_s=0.05), CollectorRegistry()
    product = peihu.product
    register_gauges(registry, base=product.base, live=product.live, jobs=jobs, order_round=product.order_round)
    told = generate_latest(registry).decode()
    await jobs.stop()
    assert jobs.died["broken"] >= 2 and "sound" not in jobs.died
    assert late == ["broken"]
    assert 'peihu_job_deaths_total{job="broken"}' in told


async def _look_everywhere(world: World) -> None:
    """Both instances do their rounds at the same moment, several times."""
    rounds = [job for one in world.instances for job in one.product.jobs._jobs if job.name in ("orders", "refunds")]
    for instance in world.instances:
        await instance.product.base.time.refresh()
    for _ in range(3):
        await asyncio.gather(*(job.run_once() for job in rounds for _ in range(2)))


async def _book_unanswered(world: World) -> list[str]:
    """Paid orders, each offered to one caregiver by name, who does not answer."""
    bookings = Bookings(world)
    return [
        await bookings.book_paid(
            world.families[number % len(world.families)], bookings.slot(3 * number), named=world.caregivers[0]
        )
        for number in range(_ORDERS)
    ]


@pytest.mark.slow
async def test_two_instances_expire_an_offer_once_and_refund_an_order_once(open_world):
    world = await open_world(Parts(), Parts())
    order_ids = await _book_unanswered(world)
    await world.post(None, "/sandbox/clock", {"advance_s": _OFFER_LIVES_S})
    await _look_everywhere(world)
    named = await world.rows(select(offer).where(offer.c.wave == 0))
    assert [row["state"] for row in named] == ["expired"] * _ORDERS
    await world.post(None, "/sandbox/clock", {"advance_s": _NOBODY_CAME_S})
    await _look_everywhere(world)

    async def refunded() -> bool:
        return {row["status"] for row in await world.rows(select(refund.c.status))} == {"succeeded"}

    await until(refunded)
    orders = {row["order_id"]: row for row in await world.rows(select(t_order))}
    refunds = await world.rows(select(refund.c.order_id, refund.c.amount_fen))
    assert {order["status"] for order in orders.values()} == {"cancelled"}
    assert Counter(row["order_id"] for row in refunds) == Counter(order_ids)
    assert all(row["amount_fen"] == orders[row["order_id"]]["amount_fen"] for row in refunds)
    assert len(await world.rows(select(sandbox_refund.c.out_refund_no))) == _ORDERS
    ends = await world.rows(select(order_event.c.order_id).where(order_event.c.to_status == "cancelled"))
    assert Counter(row["order_id"] for row in ends) == Counter(order_ids)
    closings = Counter(
        row["event_key"]
        for row in await world.rows(select(channel_event.c.event_key))
        if row["event_key"].endswith(".closed")
    )
    offers = await world.rows(select(offer.c.offer_id))
    assert closings == Counter(f"{row['offer_id']}.closed" for row in offers)
