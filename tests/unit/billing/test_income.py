"""Earnings: booked, due after seven days, shown to the earner."""

from datetime import UTC, datetime

import pytest

from server.billing.commands import ListIncome
from server.billing.ledger import balance, settlement_due_at
from server.core.errors import Refused
from server.handlers.subjects.payments import payment_operations
from server.storage.tables.billing import settlement
from tests.documented import assert_documented
from tests.unit.billing.cashier import make_order
from tests.unit.billing.test_refunds import ask_for, paid_order


async def complete(cashier, order, *, gross_fen=None):
    gross_fen = order.amount_fen if gross_fen is None else gross_fen
    await cashier.database.write(
        lambda tx: cashier.ledger.post_completion(
            tx, order.order_id, caregiver_id=order.caregiver_id, gross_fen=gross_fen, commission_fen=gross_fen // 5
        )
    )


async def income(cashier, order, **query):
    command = ListIncome.model_validate(query)
    return await cashier.settlements.list_income(order.call(actor=order.caregiver), command)


async def balances(cashier, order):
    async with cashier.database.read() as tx:
        return await balance(tx, order.order_id)


async def test_a_completion_moves_the_whole_of_the_money(cashier):
    order, _ = await paid_order(cashier)
    await complete(cashier, order)
    assert await balances(cashier, order) == {
        "provider_cash": 19_900,
        "customer_funds": 0,
        "caregiver_payable": -15_920,
        "platform_commission": -3_980,
    }


async def test_a_cancellation_fee_is_split_and_the_rest_goes_back(cashier):
    order, _ = await paid_order(cashier)

    async def body(tx):
        await cashier.ledger.post_cancellation(
            tx, order.order_id, caregiver_id=order.caregiver_id, fee_fen=1_990, caregiver_share_fen=1_592
        )

    await cashier.database.write(body)
    await ask_for(cashier, order, 19_900 - 1_990)
    assert await balances(cashier, order) == {
        "provider_cash": 19_900,
        "customer_funds": 0,
        "caregiver_payable": -1_592,
        "platform_commission": -398,
        "refunds_due": -17_910,
    }
    item = (await income(cashier, order))["items"][0]
    assert (item["gross_fen"], item["commission_fen"], item["net_fen"]) == (1_990, 398, 1_592)


async def test_a_cancellation_without_a_fee_earns_nobody_anything(cashier):
    order, _ = await paid_order(cashier)
    await cashier.database.write(
        lambda tx: cashier.ledger.post_cancellation(
            tx, order.order_id, caregiver_id=order.caregiver_id, fee_fen=0, caregiver_share_fen=0
        )
    )
    assert await cashier.rows(settlement) == []


@pytest.mark.parametrize(
    ("earned", "due"),
    [
        ("2026-11-22T15:59:59", "2026-11-28T16:00:00"),  # 23:59 in Shanghai
        ("2026-11-22T16:00:00", "2026-11-29T16:00:00"),  # the next Shanghai day
    ],
)
def test_income_is_due_at_the_start_of_the_seventh_shanghai_day(earned, due):
    earned_at = datetime.fromisoformat(earned).replace(tzinfo=UTC)
    assert settlement_due_at(earned_at, due_after_days=7) == datetime.fromisoformat(due).replace(tzinfo=UTC)


async def test_income_is_frozen_until_due_and_then_settled_once(cashier):
    order, _ = await paid_order(cashier)
    await complete(cashier, order)
    item = (await income(cashier, order))["items"][0]
    assert (item["pay_status"], item["settlement_status"], item["settled_at"]) == ("succeeded", "frozen", None)
    assert item["settlement_due_at"].endswith("T00:00:00.000+08:00")
    assert await cashier.settlements.release_due() == 0
    cashier.clock.move_to(7 * 86_400)
    assert await cashier.settlements.release_due() == 1
    assert await cashier.settlements.release_due() == 0
    item = (await income(cashier, order))["items"][0]
    assert item["settlement_status"] == "available" and item["settlement_status_text"] == "已结算"
    assert item["settled_at"] is not None


async def test_income_pages_through_everything_once_and_totals_the_whole(cashier):
    first, _ = await paid_order(cashier)
    for _ in range(5):
        order, _ = await paid_order(cashier)
        moved = {**order.__dict__, "caregiver": first.caregiver, "caregiver_id": first.caregiver_id}
        await complete(cashier, type(order)(**moved))
    seen, cursor = [], None
    while True:
        page = await income(cashier, first, limit="2", **({"cursor": cursor} if cursor else {}))
        seen += [item["order_id"] for item in page["items"]]
        assert page["totals"]["gross_fen"] == 5 * 19_900 and page["totals"]["orders"] == 5
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 5
    stranger = await make_order(cashier)
    assert await income(cashier, stranger) == {
        "items": [],
        "next_cursor": None,
        "totals": {
            "orders": 0, "gross_fen": 0, "commission_fen": 0, "adjustment_fen": 0, "net_fen": 0,
            "settled_fen": 0, "unsettled_fen": 0,
        },
    }


async def test_an_income_says_which_visit_it_is_for(cashier):
    start_at = datetime(2026, 11, 28, 1, tzinfo=UTC)
    order, _ = await paid_order(cashier, service_type="escort_half_day", start_at=start_at)
    await complete(cashier, order)
    told = await income(cashier, order)
    item = told["items"][0]
    assert (item["service_type"], item["service_type_text"]) == ("escort_half_day", "半天陪诊")
    assert item["start_at"] == "2026-11-28T09:00:00.000+08:00"
    operations = payment_operations(cashier.payments, cashier.views, cashier.settlements)
    assert_documented(next(one for one in operations if one.path == "/api/caregiver/income"), told)


async def test_the_range_is_of_shanghai_days_and_includes_both(cashier):
    order, _ = await paid_order(cashier)
    await complete(cashier, order)
    day = (await income(cashier, order))["items"][0]["earned_at"][:10]
    assert len((await income(cashier, order, **{"from": day, "to": day}))["items"]) == 1
    assert (await income(cashier, order, **{"to": "2020-01-01"}))["totals"]["orders"] == 0


@pytest.mark.parametrize(
    "query",
    [{"from": "2026-02-02", "to": "2026-02-01"}, {"cursor": "x"}, {"cursor": "9" * 13 + ".0"}, {"cursor": "1.x"}],
)
async def test_a_range_or_cursor_that_makes_no_sense_is_invalid(cashier, query):
    order = await make_order(cashier)
    with pytest.raises(Refused) as caught:
        await income(cashier, order, **query)
    assert caught.value.code == "invalid"
