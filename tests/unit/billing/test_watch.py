"""Unannounced payments are found by asking, or closed."""

import pytest

from server.billing.facts import PaymentSucceeded
from server.billing.store import due_checks
from server.core.errors import Unavailable
from server.storage.tables.billing import payment, payment_notification
from tests.unit.billing.cashier import Cashier, make_order


async def test_a_payment_without_any_notification_is_found_within_a_minute(cashier):
    order = await make_order(cashier)
    payment_id = await cashier.wire_payment(order)
    await cashier.till.tap(payment_id, "approve")
    cashier.clock.move_to(4)
    await cashier.watch.check_due()
    assert await cashier.status_of(payment_id) == "processing"
    cashier.clock.move_to(6)
    await cashier.watch.check_due()
    assert await cashier.order_status(order) == "paid"
    assert await cashier.rows(payment_notification) == []


async def test_we_ask_at_5_15_30_and_60_seconds_and_then_every_5_minutes(cashier):
    await cashier.wire_payment(await make_order(cashier))

    async def checks_at(second):
        cashier.clock.move_to(second)
        await cashier.watch.check_due()
        return (await cashier.rows(payment))[0]["checks"]

    for already, second in enumerate((5, 15, 30, 60, 360, 661)):
        assert await checks_at(second - 2) == already
        assert await checks_at(second + 0.1) == already + 1


async def test_two_instances_ask_once(cashier):
    await cashier.wire_payment(await make_order(cashier))
    cashier.clock.move_to(6)
    async with cashier.database.read() as tx:
        due = await due_checks(tx, cashier.clock.now())
    other = Cashier(cashier.database, cashier.clock)
    claims = [await one.watch._claim(due[0]) for one in (cashier, other)]
    assert claims == [True, False]


async def test_an_unpaid_order_is_closed_at_the_provider_first(cashier):
    order = await make_order(cashier)
    payment_id = await cashier.wire_payment(order)
    assert await cashier.watch.close_unpaid(order.order_id) == "closed"
    assert (await cashier.trade(payment_id))["state"] == "CLOSED"
    assert await cashier.status_of(payment_id) == "closed"
    assert await cashier.watch.close_unpaid(order.order_id) == "closed"


async def test_money_found_while_closing_keeps_the_order(cashier):
    order = await make_order(cashier)
    payment_id = await cashier.wire_payment(order)
    await cashier.till.tap(payment_id, "approve")
    assert await cashier.watch.close_unpaid(order.order_id) == "paid"
    assert await cashier.order_status(order) == "paid"
    assert len(cashier.told_of(PaymentSucceeded)) == 1


async def test_an_order_without_any_payment_is_closed_at_once(cashier):
    order = await make_order(cashier)
    assert await cashier.watch.close_unpaid(order.order_id) == "closed"


async def test_without_an_answer_of_the_provider_no_order_is_given_up(cashier):
    order = await make_order(cashier)
    await cashier.wire_payment(order)
    del cashier.providers["wechat"]
    with pytest.raises(Unavailable):
        await cashier.watch.close_unpaid(order.order_id)
