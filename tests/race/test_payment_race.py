"""Two instances of the program, one store: money moves once.

Each race has a twin without the guard, which must show the fault; else the race would prove nothing.
"""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import func, insert, select

from server.billing.facts import PaymentSucceeded
from server.billing.store import payment_by_id
from server.core.clock import server_now
from server.core.errors import Refused
from server.core.ids import new_id
from server.payment.sandbox_letters import letter_body, trade_values
from server.storage.sql import Database
from server.storage.tables.billing import ledger_entry, payment, payment_notification, refund
from tests.unit.billing.cashier import Cashier, Notice, make_order, set_order, until


@pytest.fixture
def instances(io_loop, database, clock, keys):
    """Two programs with a notify route each, on one file."""
    url = database.url.render_as_string(hide_password=False)
    second = Database(url, keys=keys, readers=2, acquire_timeout_s=20.0)
    pair = [Cashier(database, clock), Cashier(second, clock)]
    for one in pair:
        one.listen()
    yield pair
    for one in pair:
        io_loop.asyncio_loop.run_until_complete(one.stop())
    io_loop.asyncio_loop.run_until_complete(second.close())


def turned(instances, things):
    """Each thing beside an instance, in turns."""
    return [(instances[number % 2], thing) for number, thing in enumerate(things)]


async def entries(cashier):
    return len(await cashier.rows(ledger_entry))


@pytest.mark.parametrize("ids", ["one id", "many ids"])
async def test_a_hundred_duplicates_at_once_book_the_money_once(instances, ids):
    first, _ = instances
    order = await make_order(first)
    payment_id = await first.wire_payment(order)
    notice = await first.notice(payment_id)
    notices = [notice if ids == "one id" else await first.notice(payment_id) for _ in range(100)]
    statuses = await asyncio.gather(
        *(Notice(one, notice.provider, notice.body).post() for one, notice in turned(instances, notices))
    )
    assert set(statuses) == {200}
    assert await entries(first) == 2 and await first.postings() == ["payment"]
    assert sum(len(one.told_of(PaymentSucceeded)) for one in instances) == 1
    assert await first.order_status(order) == "paid"


async def test_without_the_conditional_move_duplicates_book_the_money_again(instances):
    first, _ = instances
    order = await make_order(first)
    payment_id = await first.wire_payment(order)
    everybody_has_looked = asyncio.Barrier(20)

    async def naive(one):
        async with one.database.read() as tx:
            status = (await payment_by_id(tx, payment_id)).status
        await everybody_has_looked.wait()
        if status != "processing":
            return
        row = {"entry_id": new_id(), "posting": new_id(), "order_id": order.order_id, "account": "provider_cash"}
        entry = insert(ledger_entry).values(**row, amount_fen=order.amount_fen, at=server_now())

        async def book(tx):
            await tx.run(entry)
            await tx.run(payment.update().where(payment.c.payment_id == payment_id).values(status="succeeded"))

        await one.database.write(book)

    await asyncio.gather(*(naive(one) for one, _ in turned(instances, range(20))))
    assert await entries(first) > 1


async def test_a_notification_a_query_and_a_close_at_once_pay_once(instances):
    first, second = instances
    for _ in range(5):
        order = await make_order(first)
        payment_id = await first.wire_payment(order)
        await first.till.tap(payment_id, "approve")
        async with first.database.read() as tx:
            opened = await payment_by_id(tx, payment_id)
        notice = await first.notice(payment_id)
        await asyncio.gather(
            notice.post(), second.watch.ask(opened), first.watch.close_unpaid(order.order_id), notice.post()
        )
        assert await first.order_status(order) == "paid"
    assert await entries(first) == 5 * 2


async def test_of_twenty_payments_at_once_one_is_opened(instances):
    first, _ = instances
    order = await make_order(first)
    methods = ["wechat", "alipay"] * 10
    outcomes = await asyncio.gather(
        *(one.pay(order, method=method) for one, method in turned(instances, methods)), return_exceptions=True
    )
    refusals = [outcome.code for outcome in outcomes if isinstance(outcome, Refused)]
    assert refusals == ["payment_in_progress"] * 19
    assert len(await first.rows(payment)) == 1


async def test_one_key_on_two_instances_is_one_payment(instances):
    first, second = instances
    for _ in range(5):
        order, key = await make_order(first), new_id()
        answers = await asyncio.gather(*(one.pay(order, key=key) for one in (first, second)), return_exceptions=True)
        ids = {answer["payment_id"] for answer in answers if isinstance(answer, dict)}
        assert len(ids) == 1
        assert all(isinstance(answer, dict) for answer in answers)
    assert len(await first.rows(payment)) == 5


async def test_two_payments_of_one_order_that_both_succeed_keep_one(instances):
    first, second = instances
    order = await make_order(first)
    declined = await first.wire_payment(order, method="wechat")
    assert await (await first.notice(declined, "PAYERROR")).post() == 200
    other = await first.wire_payment(order, method="alipay")
    notices = [await first.notice(declined), replace(await first.notice(other), cashier=second)]
    assert set(await asyncio.gather(*(notice.post() for notice in notices))) == {200}
    assert await first.order_status(order) == "paid"
    rows = await first.rows(refund)
    assert [(row["kind"], row["amount_fen"]) for row in rows] == [("second_payment", order.amount_fen)]


async def test_refunds_asked_for_at_once_stay_within_what_was_paid(instances):
    first, _ = instances
    order = await make_order(first, amount_fen=1_000)
    assert await (await first.notice(await first.wire_payment(order))).post() == 200

    async def ask(one):
        return await one.database.write(
            lambda tx: one.refunds.request_refund(
                tx, order_id=order.order_id, amount_fen=300, kind="partial", reason="家属取消"
            )
        )

    asked = await asyncio.gather(*(ask(one) for one, _ in turned(instances, range(20))), return_exceptions=True)
    assert len([one for one in asked if isinstance(one, str)]) == 3
    assert sum(row["amount_fen"] for row in await first.rows(refund)) == 900


async def test_without_the_one_statement_refunds_exceed_what_was_paid(instances):
    first, _ = instances
    order = await make_order(first, amount_fen=1_000)
    payment_id = await first.wire_payment(order)
    everybody_has_looked = asyncio.Barrier(20)

    async def naive(one):
        async with one.database.read() as tx:
            asked = await tx.value(select(func.sum(refund.c.amount_fen)).where(refund.c.order_id == order.order_id))
        await everybody_has_looked.wait()
        if (asked or 0) + 300 > 1_000:
            return
        row = {"refund_id": new_id(), "payment_id": payment_id, "order_id": order.order_id, "amount_fen": 300}
        values = {**row, "kind": "partial", "reason": "", "status": "requested", "created_at": server_now()}
        await one.database.write(lambda tx: tx.run(insert(refund).values(**values)))

    await asyncio.gather(*(naive(one) for one, _ in turned(instances, range(20))))
    assert sum(row["amount_fen"] for row in await first.rows(refund)) > 1_000


async def test_late_money_and_its_duplicates_go_back_once(instances):
    first, _ = instances
    order = await make_order(first)
    payment_id = await first.wire_payment(order)
    notice = await first.notice(payment_id)
    await first.watch.close_unpaid(order.order_id)
    await set_order(first, order, "cancelled")
    await asyncio.gather(
        *(Notice(one, notice.provider, notice.body).post() for one, _ in turned(instances, range(20)))
    )
    assert len(await first.rows(refund)) == 1 and await entries(first) == 4


async def test_a_refund_told_by_both_ways_at_once_is_booked_once(instances):
    first, _ = instances
    order = await make_order(first)
    payment_id = await first.wire_payment(order)
    await first.till.tap(payment_id, "approve")
    assert await first.watch.close_unpaid(order.order_id) == "paid"
    refund_id = await first.database.write(
        lambda tx: first.refunds.request_refund(
            tx, order_id=order.order_id, amount_fen=order.amount_fen, kind="full", reason="取消"
        )
    )
    await asyncio.gather(*(one.refunds.deliver({"refund_id": refund_id}, None) for one in instances))
    for one in instances:
        one.courier.start()

    async def is_done():
        return (await first.rows(refund))[0]["status"] == "succeeded"

    await until(is_done)
    assert await first.status_of(payment_id) == "refunded"
    assert await first.postings() == ["payment", "refund", "refund_due"] and await entries(first) == 6


async def test_known_duplicates_need_no_turn_to_write(instances):
    first, _ = instances
    payment_id = await first.wire_payment(await make_order(first))
    trade = await first.book.trade(payment_id)
    values = trade_values(trade) | {"trade_state": "SUCCESS", "transaction_id": "t1", "success_time": "x"}
    notice = Notice(first, "wechat", letter_body("TRANSACTION.SUCCESS", values, at=server_now()).encode())
    assert await notice.post() == 200

    async def hold(tx):
        await tx.run(payment_notification.update().values(outcome="applied"))
        return await asyncio.wait_for(notice.post(), timeout=5)

    assert await first.database.write(hold) == 200
