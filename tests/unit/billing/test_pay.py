"""Opening a payment: who may, once, and across crashes."""

import pytest

from server.billing.commands import PaymentById
from server.core.errors import Refused
from server.core.ids import new_id
from server.storage.tables.billing import payment, sandbox_trade
from tests.unit.billing.cashier import Cashier, make_order, set_order
from tests.unit.care.visits import make_actor


async def refused_code(work):
    with pytest.raises(Refused) as caught:
        await work
    return caught.value.code


async def test_paying_gives_a_voucher_and_a_payment_in_progress(cashier):
    order = await make_order(cashier)
    answer = await cashier.pay(order)
    assert answer["status"] == "processing" and answer["status_text"] == "支付中"
    assert answer["voucher"]["prepay_id"] and answer["amount_fen"] == order.amount_fen
    assert (await cashier.trade(answer["payment_id"]))["state"] == "NOTPAY"


async def test_the_same_key_answers_the_same_without_a_second_payment(cashier):
    order = await make_order(cashier)
    first = await cashier.pay(order, key="k1")
    assert await cashier.pay(order, key="k1") == first
    assert len(await cashier.rows(payment)) == 1


async def test_a_second_payment_is_refused_while_one_is_in_progress(cashier):
    order = await make_order(cashier)
    payment_id = await cashier.wire_payment(order)
    with pytest.raises(Refused) as caught:
        await cashier.pay(order, method="alipay")
    assert caught.value.code == "payment_in_progress" and caught.value.data == {"payment_id": payment_id}


async def test_a_refusal_is_kept_under_its_key(cashier):
    order = await make_order(cashier)
    assert await refused_code(cashier.pay(order, key="k1", amount_fen=order.amount_fen - 1)) == "amount_mismatch"
    call = order.call(key="k1", command=order.pay_command(amount_fen=order.amount_fen - 1))
    assert await cashier.units.recall(call) and call.answer.code == "amount_mismatch"


async def test_an_amount_that_is_one_fen_off_is_refused(cashier):
    order = await make_order(cashier)
    for amount_fen in (order.amount_fen - 1, order.amount_fen + 1, 0):
        assert await refused_code(cashier.pay(order, amount_fen=amount_fen)) == "amount_mismatch"
    assert await cashier.rows(payment) == []


async def test_only_who_booked_pays(cashier):
    order = await make_order(cashier)
    viewer, stranger = [await make_actor(cashier.database, "patient") for _ in range(2)]
    cashier.viewers.add(viewer.user_id)
    command = order.pay_command()
    for actor, code in ((viewer, "forbidden"), (stranger, "not_found")):
        call = order.call(key=new_id(), actor=actor, command=command)
        assert await refused_code(cashier.payments.pay(call, command)) == code
    assert await cashier.rows(payment) == []


@pytest.mark.parametrize("status", ["paid", "awaiting_service", "in_service", "completed", "cancelled"])
async def test_an_order_that_is_not_waiting_for_money_takes_none(cashier, status):
    order = await make_order(cashier, status=status)
    assert await refused_code(cashier.pay(order)) == "wrong_state"


async def test_after_the_deadline_nothing_can_be_paid(cashier):
    order = await make_order(cashier)
    cashier.clock.move_to(15 * 60)
    assert await refused_code(cashier.pay(order)) == "wrong_state"


async def test_a_method_that_this_house_has_not_is_invalid(cashier):
    order = await make_order(cashier)
    del cashier.providers["alipay"]
    assert await refused_code(cashier.pay(order, method="alipay")) == "invalid"


async def test_a_crash_after_the_attempt_was_committed_is_finished_by_the_same_key(cashier):
    order = await make_order(cashier)
    command = order.pay_command()
    attempt = await cashier.payments.open_attempt(order.call(key="k1", command=command), command)
    again = Cashier(cashier.database, cashier.clock)
    answer = await again.pay(order, key="k1")
    assert answer["payment_id"] == attempt.payment_id and answer["voucher"]
    assert len(await cashier.rows(payment)) == 1


async def test_a_crash_after_the_provider_was_asked_is_finished_by_the_same_key(cashier):
    order = await make_order(cashier)
    command = order.pay_command()
    attempt = await cashier.payments.open_attempt(order.call(key="k1", command=command), command)
    await cashier.payments.open_trade(attempt)
    again = Cashier(cashier.database, cashier.clock)
    assert (await again.pay(order, key="k1"))["payment_id"] == attempt.payment_id
    assert len(await cashier.rows(sandbox_trade)) == 1


async def test_a_payment_that_was_paid_while_we_were_down_is_found_by_the_same_key(cashier):
    order = await make_order(cashier)
    command = order.pay_command()
    attempt = await cashier.payments.open_attempt(order.call(key="k1", command=command), command)
    await cashier.payments.open_trade(attempt)
    await cashier.till.tap(attempt.payment_id, "approve")
    again = Cashier(cashier.database, cashier.clock)
    assert (await again.pay(order, key="k1"))["status"] == "succeeded"
    assert await cashier.order_status(order) == "paid"


async def test_an_attempt_that_never_reached_the_provider_gives_way_after_a_minute(cashier):
    order = await make_order(cashier)
    command = order.pay_command()
    attempt = await cashier.payments.open_attempt(order.call(key="k1", command=command), command)
    assert await refused_code(cashier.pay(order)) == "payment_in_progress"
    cashier.clock.move_to(61)
    await cashier.watch.check_due()
    assert await cashier.status_of(attempt.payment_id) == "closed"
    assert (await cashier.pay(order))["status"] == "processing"


async def test_an_order_cancelled_between_the_steps_is_not_left_payable(cashier):
    order = await make_order(cashier)
    command = order.pay_command()
    call = order.call(key="k1", command=command)
    attempt = await cashier.payments.open_attempt(call, command)
    assert await cashier.watch.close_unpaid(order.order_id) == "closed"
    await set_order(cashier, order, "cancelled")
    voucher = await cashier.payments.open_trade(attempt)
    assert await refused_code(cashier.payments.answer(call, attempt, voucher)) == "wrong_state"
    assert (await cashier.trade(attempt.payment_id))["state"] == "CLOSED"


async def test_a_declined_payment_can_be_paid_again(cashier):
    order = await make_order(cashier)
    declined = await cashier.wire_payment(order)
    assert await (await cashier.notice(declined, "PAYERROR")).receive() == 200
    shown = await cashier.views.payment_of(order.call(), PaymentById(payment_id=declined))
    assert (shown["status"], shown["failure_code"], shown["receipt"]) == ("failed", "declined", None)
    assert await cashier.order_status(order) == "pending_payment"
    second = await cashier.wire_payment(order, method="alipay")
    assert second != declined


async def test_the_receipt_is_for_the_payer_and_administrators_only(cashier):
    order = await make_order(cashier)
    payment_id = await cashier.wire_payment(order)
    assert await (await cashier.notice(payment_id)).receive() == 200
    query = PaymentById(payment_id=payment_id)
    shown = await cashier.views.payment_of(order.call(), query)
    assert shown["status"] == "succeeded" and shown["receipt"]["amount_fen"] == order.amount_fen
    assert shown["receipt"]["paid_at"].endswith("+08:00") and shown["receipt"]["transaction_id"]
    admin = await make_actor(cashier.database, "admin")
    assert await cashier.views.payment_of(order.call(actor=admin), query) == shown
    stranger = order.call(actor=await make_actor(cashier.database, "patient"))
    assert await refused_code(cashier.views.payment_of(stranger, query)) == "not_found"
