"""Money back: never too much, never twice, whatever breaks."""

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.billing.commands import PaymentById
from server.billing.facts import PaymentAlarm, PaymentStatusChanged, RefundSucceeded
from server.billing.ledger import balance
from server.billing.store import payment_by_id
from server.billing.store_refunds import refund_by_id
from server.core.clock import server_now
from server.core.errors import Refused
from server.payment.sandbox_letters import letter_body, refund_values
from server.storage.tables.billing import payment_notification, refund, sandbox_refund
from tests.unit.billing.cashier import Cashier, Notice, make_order, until


async def paid_order(cashier, *, amount_fen=19_900, **told):
    order = await make_order(cashier, amount_fen=amount_fen, **told)
    payment_id = await cashier.wire_payment(order)
    await cashier.till.tap(payment_id, "approve")
    await cashier.watch.close_unpaid(order.order_id)
    return order, payment_id


async def ask_for(cashier, order, amount_fen, *, kind="partial"):
    return await cashier.database.write(
        lambda tx: cashier.refunds.request_refund(
            tx, order_id=order.order_id, amount_fen=amount_fen, kind=kind, reason="家属取消"
        )
    )


async def refund_notice(cashier, refund_id, *, state="SUCCESS", **changed):
    stored = await cashier.book.refund(refund_id)
    trade = await cashier.book.trade(stored.out_trade_no)
    values = refund_values(stored, trade) | {"refund_status": state} | changed
    body = letter_body(f"REFUND.{state}", values, at=server_now()).encode()
    return Notice(cashier, trade.provider, body)


async def shown(cashier, order):
    async with cashier.database.read() as tx:
        return await cashier.views.refund_of(tx, order.order_id)


async def balances(cashier, order):
    async with cashier.database.read() as tx:
        return await balance(tx, order.order_id)


async def test_a_full_refund_goes_out_comes_back_and_closes_the_books(cashier):
    order, payment_id = await paid_order(cashier)
    assert await shown(cashier, order) is None
    refund_id = await ask_for(cashier, order, order.amount_fen, kind="full")
    assert await shown(cashier, order) == {
        "status": "processing", "status_text": "退款中", "amount_fen": order.amount_fen
    }
    await cashier.refunds.deliver({"refund_id": refund_id}, None)
    assert await (await refund_notice(cashier, refund_id)).receive() == 200
    assert (await shown(cashier, order))["status"] == "succeeded"
    assert await cashier.status_of(payment_id) == "refunded"
    assert set((await balances(cashier, order)).values()) == {0}
    assert [fact.amount_fen for fact in cashier.told_of(RefundSucceeded)] == [order.amount_fen]
    assert [fact.status for fact in cashier.told_of(PaymentStatusChanged)] == ["succeeded", "refunded"]


async def test_a_partial_refund_leaves_the_payment_succeeded(cashier):
    order, payment_id = await paid_order(cashier)
    refund_id = await ask_for(cashier, order, 900)
    await cashier.refunds.deliver({"refund_id": refund_id}, None)
    assert await (await refund_notice(cashier, refund_id)).receive() == 200
    assert await cashier.status_of(payment_id) == "succeeded"
    receipt = await cashier.views.payment_of(order.call(), PaymentById(payment_id=payment_id))
    assert receipt["status"] == "succeeded" and receipt["receipt"]["amount_fen"] == order.amount_fen
    assert (await balances(cashier, order))["provider_cash"] == order.amount_fen - 900


async def test_two_partial_refunds_that_are_the_whole_make_it_refunded(cashier):
    order, payment_id = await paid_order(cashier)
    for amount_fen in (900, order.amount_fen - 900):
        refund_id = await ask_for(cashier, order, amount_fen)
        await cashier.refunds.deliver({"refund_id": refund_id}, None)
        assert await (await refund_notice(cashier, refund_id)).receive() == 200
    assert await cashier.status_of(payment_id) == "refunded"


async def test_an_unpaid_order_and_no_amount_need_no_refund(cashier):
    order = await make_order(cashier)
    assert await ask_for(cashier, order, 100) is None
    paid, _ = await paid_order(cashier)
    assert await ask_for(cashier, paid, 0) is None
    assert await cashier.rows(refund) == []


async def test_more_than_was_paid_is_refused_and_leaves_nothing(cashier):
    order, _ = await paid_order(cashier)
    state = await cashier.money_state()
    with pytest.raises(Refused) as caught:
        await ask_for(cashier, order, order.amount_fen + 1)
    assert caught.value.code == "wrong_state"
    assert await cashier.money_state() == state


async def test_the_fifty_first_refund_of_a_payment_is_refused(cashier):
    order, _ = await paid_order(cashier)
    for _ in range(50):
        await ask_for(cashier, order, 1)
    with pytest.raises(Refused):
        await ask_for(cashier, order, 1)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    amounts=st.lists(st.integers(1, 700), min_size=1, max_size=8),
    order_of_arrival=st.randoms(use_true_random=False),
)
def test_whatever_is_asked_at_once_no_more_goes_back_than_was_paid(io_loop, cashier, amounts, order_of_arrival):
    async def story():
        order, payment_id = await paid_order(cashier, amount_fen=1_000)
        asked = await asyncio.gather(
            *(ask_for(cashier, order, amount_fen) for amount_fen in amounts), return_exceptions=True
        )
        refund_ids = [one for one in asked if isinstance(one, str)]
        assert all(isinstance(one, str | Refused) for one in asked)
        for refund_id in refund_ids:
            await cashier.refunds.deliver({"refund_id": refund_id}, None)
        notices = [await refund_notice(cashier, refund_id) for refund_id in refund_ids] * 2
        order_of_arrival.shuffle(notices)
        assert {await notice.receive() for notice in notices} == {200} if notices else True
        async with cashier.database.read() as tx:
            sums = await balance(tx, order.order_id)
            done = [await refund_by_id(tx, refund_id) for refund_id in refund_ids]
            paid = await payment_by_id(tx, payment_id)
        returned = sum(one.amount_fen for one in done)
        assert returned == paid.refunded_fen <= 1_000
        assert sum(sums.values()) == 0 and sums["provider_cash"] == 1_000 - returned >= 0
        assert (paid.status == "refunded") == (returned == 1_000)

    io_loop.asyncio_loop.run_until_complete(story())


async def test_a_crash_before_the_provider_was_asked_is_made_up_by_the_job(cashier):
    order, _ = await paid_order(cashier)
    refund_id = await ask_for(cashier, order, 900)
    again = Cashier(cashier.database, cashier.clock)
    await again.refunds.check_due()
    assert await cashier.rows(sandbox_refund) == []  # the outbox has it in hand for some seconds
    cashier.clock.move_to(6)
    await again.refunds.check_due()
    assert [row["out_refund_no"] for row in await cashier.rows(sandbox_refund)] == [refund_id]


async def test_a_crash_between_the_call_and_its_record_asks_again_with_the_same_number(cashier):
    order, payment_id = await paid_order(cashier)
    refund_id = await ask_for(cashier, order, 900)
    async with cashier.database.read() as tx:
        wanted, paid = await refund_by_id(tx, refund_id), await payment_by_id(tx, payment_id)
    await cashier.refunds.ask(cashier.providers["wechat"], paid, wanted)  # and the process dies here
    for passed_s in (6, 30, 120):
        cashier.clock.move_to(passed_s)
        await Cashier(cashier.database, cashier.clock).refunds.check_due()
    assert [row["out_refund_no"] for row in await cashier.rows(sandbox_refund)] == [refund_id]
    assert (await cashier.trade(payment_id))["refunded_fen"] == 900


async def test_a_refund_that_nobody_told_us_about_is_found_by_asking(cashier):
    order, _ = await paid_order(cashier)
    refund_id = await ask_for(cashier, order, 900)
    await cashier.refunds.deliver({"refund_id": refund_id}, None)

    async def is_settled():
        await cashier.till.settle_due()
        return (await cashier.book.refund(refund_id)).state == "SUCCESS"

    await until(is_settled)
    cashier.clock.move_to(20)
    await cashier.refunds.check_due()
    assert (await shown(cashier, order))["status"] == "succeeded"
    assert await cashier.rows(payment_notification) == []


async def test_delivering_twice_refunds_once(cashier):
    order, payment_id = await paid_order(cashier)
    refund_id = await ask_for(cashier, order, 900)
    parcels = [cashier.refunds.deliver({"refund_id": refund_id}, None) for _ in range(5)]
    await asyncio.gather(*parcels)
    assert (await cashier.trade(payment_id))["refunded_fen"] == 900


async def test_a_refund_notification_before_our_own_record_is_taken(cashier):
    order, payment_id = await paid_order(cashier)
    refund_id = await ask_for(cashier, order, 900)
    async with cashier.database.read() as tx:
        wanted, paid = await refund_by_id(tx, refund_id), await payment_by_id(tx, payment_id)
    await cashier.refunds.ask(cashier.providers["wechat"], paid, wanted)
    assert await (await refund_notice(cashier, refund_id)).receive() == 200
    await cashier.refunds.deliver({"refund_id": refund_id}, None)
    assert (await shown(cashier, order))["status"] == "succeeded"


@pytest.mark.parametrize("amount_fen", [899, 901])
async def test_a_refund_of_another_amount_is_400_with_an_alarm(cashier, amount_fen):
    order, _ = await paid_order(cashier)
    refund_id = await ask_for(cashier, order, 900)
    await cashier.refunds.deliver({"refund_id": refund_id}, None)
    amount = {"refund": amount_fen, "total": order.amount_fen, "currency": "CNY"}
    assert await (await refund_notice(cashier, refund_id, amount=amount)).receive() == 400
    assert (await shown(cashier, order))["status"] == "processing"
    assert len(cashier.told_of(PaymentAlarm)) == 1


async def test_a_refund_that_the_provider_gives_up_goes_to_a_person(cashier):
    order, _ = await paid_order(cashier)
    refund_id = await ask_for(cashier, order, 900)
    await cashier.refunds.deliver({"refund_id": refund_id}, None)
    assert await (await refund_notice(cashier, refund_id, state="ABNORMAL")).receive() == 200
    assert (await shown(cashier, order))["status"] == "failed"
    assert [alarm.kind for alarm in cashier.told_of(PaymentAlarm)] == ["refund_failed"]
    assert await (await refund_notice(cashier, refund_id)).receive() == 200  # then it was done by hand
    assert (await shown(cashier, order))["status"] == "succeeded"


async def test_a_refund_that_the_provider_refuses_keeps_its_number_and_raises_an_alarm(cashier):
    order, payment_id = await paid_order(cashier)
    trade = cashier.providers["wechat"]
    await trade.refund(
        out_refund_no="by-hand", out_trade_no=payment_id, amount_fen=19_000, total_fen=19_900, notify_url=""
    )
    refund_id = await ask_for(cashier, order, 19_900, kind="full")
    await cashier.refunds.deliver({"refund_id": refund_id}, None)
    rows = await cashier.rows(refund)
    assert [(row["refund_id"], row["status"], row["failure_code"]) for row in rows] == [
        (refund_id, "requested", "NOT_ENOUGH")
    ]
    assert [alarm.kind for alarm in cashier.told_of(PaymentAlarm)] == ["refund_refused"]


async def test_an_unknown_refund_is_500_and_makes_us_ask_about_the_trade(cashier):
    order = await make_order(cashier)
    payment_id = await cashier.wire_payment(order)
    await cashier.till.tap(payment_id, "approve")
    await cashier.providers["wechat"].refund(
        out_refund_no="by-hand", out_trade_no=payment_id, amount_fen=900, total_fen=19_900, notify_url=""
    )
    assert await (await refund_notice(cashier, "by-hand")).receive() == 500
    await cashier.watch.check_due()
    assert await cashier.status_of(payment_id) == "succeeded"


async def test_the_second_payment_of_an_order_goes_back_and_is_not_the_orders_refund(cashier):
    order = await make_order(cashier)
    first = await cashier.wire_payment(order)
    late = await cashier.notice(first)
    assert await (await cashier.notice(first, "PAYERROR")).receive() == 200
    second = await cashier.wire_payment(order, method="alipay")
    assert await (await cashier.notice(second)).receive() == 200
    assert await late.receive() == 200
    rows = await cashier.rows(refund)
    assert [(row["payment_id"], row["kind"]) for row in rows] == [(first, "second_payment")]
    assert await shown(cashier, order) is None
    assert await ask_for(cashier, order, order.amount_fen, kind="full")
    assert {row["payment_id"] for row in await cashier.rows(refund)} == {first, second}
