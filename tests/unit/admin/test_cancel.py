"""The platform ends an order: free of charge, before it has begun."""
from datetime import timedelta

import pytest
from sqlalchemy import select

from server.storage.tables.billing import refund
from server.storage.tables.booking import engagement
from tests.invariants import check_invariants
from tests.unit.booking.visits import Visit

REASON = "医院临时停诊"


async def _cancel(office, visit, **more):
    return await office.ask("order.cancel", order_id=visit.order_id, reason=REASON, **more)


async def _refunds(office):
    return [(row["kind"], row["amount_fen"]) for row in await office.stage.rows(select(refund))]


@pytest.mark.parametrize(("state", "back"), [("pending_payment", 0), ("paid", 8_000), ("awaiting_service", 8_000)])
async def test_everything_paid_goes_back_also_shortly_before(office, state, back):
    visit = await Visit.in_state(office.stage, state, lead=timedelta(minutes=90))
    paid_fen = (await visit.row())["amount_fen"]
    told = await _cancel(office, visit)
    assert (told.data["status"], told.data["refund_fen"]) == ("cancelled", paid_fen if back else 0)
    assert await _refunds(office) == ([("full", paid_fen)] if back else [])
    order = await visit.row()
    assert (order["cancelled_by"], order["cancel_fee_fen"], order["cancel_reason"]) == ("admin", 0, REASON)
    assert await office.stage.rows(select(engagement)) == []
    assert await office.stage.offers(visit.order_id, "open") == []
    await check_invariants(office.stage.database)


async def test_everybody_is_told_with_the_reason(office):
    visit = await Visit.in_state(office.stage, "awaiting_service", lead=timedelta(hours=30))
    await _cancel(office, visit)
    for person in (visit.booker, visit.caregiver):
        (notice,) = await office.notices(person.user_id, "order_cancelled")
        assert REASON in notice["content"]
    (row,) = await office.audit("order.cancel")
    assert row["detail"]["before"]["status"] == "awaiting_service" and row["reason"] == REASON


@pytest.mark.parametrize("state", ["in_service", "completed", "cancelled"])
async def test_what_has_begun_or_is_over_stays(office, state):
    visit = await Visit.in_state(office.stage, state, lead=timedelta(hours=5))
    assert (await _cancel(office, visit)).code == "wrong_state"
    assert await office.audit("order.cancel") == []


async def test_said_again_by_who_did_it_it_is_the_same_answer(office):
    visit = await Visit.in_state(office.stage, "paid", lead=timedelta(hours=30))
    first, again = await _cancel(office, visit), await _cancel(office, visit)
    assert first.data == again.data and len(await office.audit("order.cancel")) == 1


async def test_a_payment_that_arrived_unheard_is_found_and_goes_back(office):
    visit = await Visit.book(office.stage)
    opened = await office.stage.pay(visit.booker, visit.order_id, result=None)
    await office.stage.product.means.till.tap(opened.data["payment_id"], "approve")
    told = await _cancel(office, visit)
    assert told.data["refund_fen"] == (await visit.row())["amount_fen"]
    await check_invariants(office.stage.database)


async def test_an_order_of_nobody_is_not_found(office):
    assert (await office.ask("order.cancel", order_id="nobody", reason=REASON)).code == "not_found"
