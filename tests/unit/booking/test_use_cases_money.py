"""What payments and cancellations mean, to the fen."""
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from config.policy import PriceRules
from server.billing.ledger import balance
from server.core.clock import shanghai_text
from server.core.ids import new_id
from server.storage.tables.billing import payment, refund
from server.storage.tables.identity import t_user
from server.storage.tables.roster import caregiver_price, t_caregiver_info
from tests.unit.booking.visits import Visit


async def _cancel(visit, who=None):
    return await visit.stage.do(who or visit.booker, "order.cancel", order_id=visit.order_id, reason="改期")


async def _refunds(visit):
    found = select(refund).where(refund.c.order_id == visit.order_id).order_by(refund.c.refund_id)
    return [(row["kind"], row["amount_fen"]) for row in await visit.stage.rows(found)]


@pytest.mark.parametrize(
    ("lead", "fee_percent", "caregivers_percent"),
    [
        (timedelta(hours=24, minutes=5), 0, 0),
        (timedelta(hours=23), 10, 8),
        (timedelta(hours=4, minutes=5), 10, 8),
        (timedelta(hours=3), 30, 30),
        (timedelta(hours=2, minutes=5), 30, 30),
        (timedelta(minutes=100), 50, 50),
    ],
)
async def test_the_fee_is_the_tiers_and_was_quoted_before(stage, lead, fee_percent, caregivers_percent):
    visit = await Visit.book(stage, lead=lead)
    await visit.pay()
    await visit.accept()
    amount_fen = (await visit.row())["amount_fen"]
    quoted = await stage.must(visit.booker, "order.cancel_quote", order_id=visit.order_id)
    told = await _cancel(visit)
    fee_fen = amount_fen * fee_percent // 100
    assert (told.data["fee_fen"], told.data["refund_fen"]) == (fee_fen, amount_fen - fee_fen)
    assert (quoted["fee_fen"], quoted["refund_fen"]) == (fee_fen, amount_fen - fee_fen)
    assert (await _cancel(visit)).data == told.data
    async with stage.database.read() as tx:
        accounts = await balance(tx, visit.order_id)
    assert -accounts.get("caregiver_payable", 0) == amount_fen * caregivers_percent // 100
    assert await _refunds(visit) == [("full" if fee_fen == 0 else "partial", amount_fen - fee_fen)]


async def test_before_an_accept_everything_goes_back(stage):
    visit = await Visit.in_state(stage, "paid", lead=timedelta(minutes=70))
    amount_fen = (await visit.row())["amount_fen"]
    told = await _cancel(visit)
    assert (told.data["fee_fen"], told.data["refund_fen"]) == (0, amount_fen)
    assert await _refunds(visit) == [("full", amount_fen)]


async def test_an_unpaid_order_is_cancelled_without_money(stage):
    visit = await Visit.book(stage)
    told = await _cancel(visit)
    assert (told.data["status"], told.data["fee_fen"], told.data["refund_fen"]) == ("cancelled", 0, 0)
    assert await _refunds(visit) == []


async def test_cancelling_while_a_payment_is_open_closes_it_at_the_provider(stage):
    visit = await Visit.book(stage)
    opened = await stage.pay(visit.booker, visit.order_id, result=None)
    assert (await _cancel(visit)).data["refund_fen"] == 0
    paid = select(payment.c.status).where(payment.c.payment_id == opened.data["payment_id"])
    assert (await stage.rows(paid))[0]["status"] == "closed"


async def test_a_payment_that_arrived_unheard_is_found_by_the_cancellation_and_refunded(stage):
    visit = await Visit.book(stage)
    opened = await stage.pay(visit.booker, visit.order_id, result=None)
    await stage.product.means.till.tap(opened.data["payment_id"], "approve")  # and no letter arrives
    amount_fen = (await visit.row())["amount_fen"]
    told = await _cancel(visit)
    assert (told.data["status"], told.data["refund_fen"]) == ("cancelled", amount_fen)
    assert await _refunds(visit) == [("full", amount_fen)]


async def test_unpaid_after_a_quarter_of_an_hour_it_ends_and_frees_everybody(stage):
    visit = await Visit.book(stage)
    order = await visit.row()
    await stage.advance(15 * 60 - 10)
    assert (await visit.row())["status"] == "pending_payment"
    await stage.advance(20)
    after = await visit.row()
    assert (after["status"], after["cancelled_by"]) == ("cancelled", "system")
    slot = (order["start_at"], order["end_at"])
    assert (await stage.create(visit.booker, slot, named=visit.caregiver)).is_ok
    late = await stage.pay(visit.booker, visit.order_id)
    assert (late.status, late.code) == (409, "wrong_state")


async def test_a_payment_after_the_end_goes_back_and_the_order_stays_cancelled(stage):
    visit = await Visit.book(stage)
    opened = await stage.pay(visit.booker, visit.order_id, result=None)
    await stage.advance(16 * 60)
    assert (await visit.row())["status"] == "cancelled"
    version = (await visit.row())["version"]
    await stage.tap(opened.data["payment_id"], "approve")
    after = await visit.row()
    assert (after["status"], after["version"]) == ("cancelled", version)
    assert await _refunds(visit) == [("late_payment", after["amount_fen"])]


async def test_a_declined_payment_leaves_the_order_to_be_paid_again(stage):
    visit = await Visit.book(stage)
    await stage.pay(visit.booker, visit.order_id, result="decline")
    assert (await visit.row())["status"] == "pending_payment"
    await visit.pay()
    assert (await visit.row())["status"] == "paid"


async def test_a_completed_visit_earns_the_income_and_nothing_is_held_any_more(stage):
    visit = await Visit.in_state(stage, "completed")
    order = await visit.row()
    async with stage.database.read() as tx:
        accounts = await balance(tx, visit.order_id)
    assert accounts["provider_cash"] == order["amount_fen"]
    assert -accounts["caregiver_payable"] == order["income_fen"] == order["amount_fen"] - order["commission_fen"]
    assert accounts.get("customer_funds", 0) == 0


async def test_a_quote_is_honoured_for_ten_minutes_although_the_price_has_risen(stage):
    family, named = stage.families[0], stage.caregivers[0]
    slot = stage.slot(lead=timedelta(hours=30))
    wish = {
        "patient_id": family.patient_ids[0],
        "caregiver_id": named.caregiver_id,
        "service_type": "errand",
        "hospital_id": "bj-renmin",
        "start_at": shanghai_text(slot[0]),
        "end_at": shanghai_text(slot[1]),
    }
    quoted = await stage.must(family, "order.quote", **wish)
    dearer = update(caregiver_price).values(price_fen=caregiver_price.c.price_fen + 100)
    await stage.database.write(lambda tx: tx.run(dearer))
    made = await stage.must(family, "order.create", **wish, quote_id=quoted["quote_id"])
    assert (made["amount_fen"], made["lines"]) == (quoted["amount_fen"], quoted["lines"])
    await stage.must(family, "order.cancel", order_id=made["order_id"], reason="改期")
    now_dearer = await stage.must(family, "order.create", **wish)
    assert now_dearer["amount_fen"] > quoted["amount_fen"]
    await stage.must(family, "order.cancel", order_id=now_dearer["order_id"], reason="改期")
    tomorrow = [shanghai_text(instant + timedelta(days=1)) for instant in slot]
    moved = wish | {"start_at": tomorrow[0], "end_at": tomorrow[1]}
    other = await stage.do(family, "order.create", **moved, quote_id=quoted["quote_id"])
    assert (other.status, other.code) == (409, "quote_expired")
    await stage.advance(10 * 60 + 5)
    late = await stage.do(family, "order.create", **wish, quote_id=quoted["quote_id"])
    assert (late.status, late.code) == (409, "quote_expired")
    foreign = wish | {"patient_id": stage.families[1].patient_ids[0]}
    stolen = await stage.do(stage.families[1], "order.create", **foreign, quote_id=quoted["quote_id"])
    assert stolen.status == 404


async def test_whoever_accepts_an_open_request_takes_its_frozen_price(stage):
    cheap, dear = stage.caregivers[:2]
    half = update(caregiver_price).where(caregiver_price.c.caregiver_id == cheap.caregiver_id)
    await stage.database.write(lambda tx: tx.run(half.values(price_fen=caregiver_price.c.price_fen // 2)))
    more = update(caregiver_price).where(caregiver_price.c.caregiver_id == dear.caregiver_id)
    await stage.database.write(lambda tx: tx.run(more.values(price_fen=caregiver_price.c.price_fen + 1)))
    family = stage.families[0]
    made = (await stage.create(family, stage.slot(lead=timedelta(hours=30)))).data
    await stage.pay(family, made["order_id"])
    offers = {row["caregiver_id"]: row for row in await stage.offers(made["order_id"])}
    assert dear.caregiver_id not in offers  # asks more than the base
    own = offers[cheap.caregiver_id]
    await stage.must(cheap, "order.accept", offer_id=own["offer_id"])
    order = await stage.order(made["order_id"])
    commission_fen = (made["amount_fen"] * PriceRules().commission_rate_bp + 5_000) // 10_000
    assert order["amount_fen"] == made["amount_fen"]
    assert (own["income_fen"], order["income_fen"]) == (made["amount_fen"] - commission_fen,) * 2


async def test_a_banned_caregiver_loses_offers_and_visits_to_others(stage):
    family, banned = stage.families[0], stage.caregivers[0]
    accepted = await Visit.in_state(stage, "awaiting_service", lead=timedelta(hours=30))
    asked = (await stage.create(family, stage.slot(lead=timedelta(hours=50)), named=banned)).data["order_id"]
    await stage.pay(family, asked)
    ban = {"user_id": banned.user_id, "reason": "违规"}
    await stage.must(stage.admin, "admin.user.ban", key=new_id(), **ban)
    for order_id in (accepted.order_id, asked):
        assert (await stage.order(order_id))["status"] == "paid"
        live = {row["caregiver_id"] for row in await stage.offers(order_id, "open")}
        assert live == {one.caregiver_id for one in stage.caregivers[1:3]}
    assert (await stage.do(banned, "order.detail", order_id=accepted.order_id)).code == "not_found"
    named = await stage.create(stage.families[1], stage.slot(lead=timedelta(hours=70)), named=banned)
    assert (named.status, named.code) == (404, "not_found")
    rows = await stage.rows(select(t_user.c.banned_at).where(t_user.c.user_id == banned.user_id))
    assert rows[0]["banned_at"] is not None


async def test_papers_that_end_before_the_visit_keep_a_caregiver_from_accepting_it(stage):
    visit = await Visit.in_state(stage, "paid")
    yesterday = (stage.clock.now() - timedelta(days=1)).date()
    await stage.database.write(lambda tx: tx.run(update(t_caregiver_info).values(papers_valid_until=yesterday)))
    offer_id = await visit.offer_id()
    refused = await stage.do(visit.caregiver, "order.accept", offer_id=offer_id)
    assert (refused.status, refused.code) == (409, "wrong_state")
    assert (await visit.row())["status"] == "paid"
