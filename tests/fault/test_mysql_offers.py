"""Offers are opened and closed on MySQL while others hold their caregiver or their order."""

import asyncio
from datetime import timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import select, update

from server.booking.offers.store import OfferStore, only
from server.core.clock import server_now
from server.core.facts import Facts
from server.storage.sql import Database
from server.storage.tables.booking import offer, t_order
from server.storage.tables.roster import t_caregiver_info
from tests.fault.schemas import shown

pytestmark = pytest.mark.services

_MEANWHILE_S = 2.0  # less than a lock is waited for


@pytest.fixture
def database(io_loop, mysql_url, keys):
    database = Database(shown(mysql_url), keys=keys, readers=2, acquire_timeout_s=5.0)
    yield database
    io_loop.asyncio_loop.run_until_complete(database.close())


async def _some(database):
    """An order and a caregiver of the demo world."""
    async with database.read() as tx:
        order = await tx.one(select(t_order.c.order_id, t_order.c.income_fen).limit(1))
        chosen = await tx.one(select(t_caregiver_info.c.caregiver_id, t_caregiver_info.c.user_id).limit(1))
    return order, SimpleNamespace(**chosen, ranking={})


async def _while_somebody_holds(database, statement, body):
    """Run the body in a transaction of its own while the row that the statement locks is held by another."""
    held, done = asyncio.Event(), asyncio.Event()

    async def hold(tx):
        await tx.one(statement)
        held.set()
        await done.wait()

    holding = asyncio.create_task(database.write(hold))
    await asyncio.wait_for(held.wait(), _MEANWHILE_S)
    try:
        async with asyncio.timeout(_MEANWHILE_S):
            return await database.write(body)
    finally:
        done.set()
        await holding


@pytest.mark.parametrize("held", ["caregiver", "order"])
async def test_an_offer_waits_for_nobody_who_holds_its(held, database):
    order, chosen = await _some(database)
    store, at = OfferStore(facts=Facts()), server_now()
    caregivers = select(t_caregiver_info.c.user_id).where(t_caregiver_info.c.caregiver_id == chosen.caregiver_id)
    orders = select(t_order.c.user_id).where(t_order.c.order_id == order["order_id"])
    statement = (caregivers if held == "caregiver" else orders).with_for_update()

    async def opens(tx):
        (opened,) = await store.open(tx, order, [chosen], wave=1, expires_at=at + timedelta(minutes=5), at=at)
        return opened.offer_id

    async def closes(tx):
        return await store.close(tx, "withdrawn", only(offer_id), at=at)

    async def forgets(tx):
        return await tx.run(update(offer).where(offer.c.offer_id == offer_id).values(state="taken"))

    if held == "caregiver":
        offer_id = await _while_somebody_holds(database, statement, opens)
    else:
        offer_id = await database.write(opens)  # under its order's lock, as ever
    assert len(await _while_somebody_holds(database, statement, closes)) == 1
    assert await _while_somebody_holds(database, statement, forgets) == 1
