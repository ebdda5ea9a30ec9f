"""The payer's tap, and the provider's bad habits."""

import pytest

from server.core.errors import Refused
from server.core.ids import new_id
from server.payment.sandbox_till import SandboxHabits
from server.payment.sandbox_wakeups import Wakeups
from server.storage.tables.billing import sandbox_letter
from tests.unit.billing.cashier import Cashier, make_order, until


@pytest.fixture
def cashier(io_loop, database, clock):
    cashier = Cashier(database, clock)
    yield cashier
    io_loop.asyncio_loop.run_until_complete(cashier.stop())


async def test_a_tap_on_nothing_is_not_found(cashier):
    with pytest.raises(Refused) as caught:
        await cashier.till.tap(new_id(), "approve")
    assert caught.value.code == "not_found"


@pytest.mark.parametrize("taps", [("approve", "decline"), ("decline", "approve")])
async def test_the_first_tap_decides(cashier, taps):
    payment_id = await cashier.wire_payment(await make_order(cashier))
    await cashier.till.tap(payment_id, taps[0])
    with pytest.raises(Refused) as caught:
        await cashier.till.tap(payment_id, taps[1])
    assert caught.value.code == "wrong_state"


async def test_the_same_tap_again_sends_another_notification(cashier):
    payment_id = await cashier.wire_payment(await make_order(cashier))
    await cashier.till.tap(payment_id, "approve")
    await cashier.till.tap(payment_id, "approve")
    assert len(await cashier.rows(sandbox_letter)) == 2


async def test_a_tap_after_the_close_still_pays(cashier):
    order = await make_order(cashier)
    payment_id = await cashier.wire_payment(order)
    await cashier.watch.close_unpaid(order.order_id)
    await cashier.till.tap(payment_id, "approve")
    assert (await cashier.trade(payment_id))["state"] == "SUCCESS"


async def test_a_payment_by_the_sandbox_approves_itself(io_loop, database, clock):
    cashier = Cashier(database, clock, waits_for_payer=False)
    cashier.listen()
    cashier.courier.start()
    order = await make_order(cashier)
    await cashier.pay(order, method="sandbox")

    async def is_paid():
        return await cashier.order_status(order) == "paid"

    await until(is_paid)
    await cashier.stop()


async def test_the_other_methods_wait_for_the_tap(io_loop, database, clock):
    cashier = Cashier(database, clock, habits=SandboxHabits(approve_after_s=0.0), waits_for_payer=False)
    payment_id = await cashier.wire_payment(await make_order(cashier), method="wechat")
    await cashier.till.settle_due()
    assert (await cashier.trade(payment_id))["state"] == "NOTPAY"


async def test_copies_and_delays_come_on_demand_and_change_nothing_twice(io_loop, database, clock):
    cashier = Cashier(database, clock, habits=SandboxHabits(notify_copies=5, notify_delay_s=0.05))
    cashier.listen()
    cashier.courier.start()
    order = await make_order(cashier)
    payment_id = await cashier.wire_payment(order)
    await cashier.till.tap(payment_id, "approve")

    async def all_taken():
        letters = await cashier.rows(sandbox_letter)
        return len(letters) == 5 and all(letter["delivered_at"] for letter in letters)

    await until(all_taken)
    assert await cashier.postings() == ["payment"]
    await cashier.stop()


async def test_a_blocked_route_leaves_the_order_unpaid_until_we_ask(cashier):
    order = await make_order(cashier)
    payment_id = await cashier.wire_payment(order)
    await cashier.till.tap(payment_id, "approve")
    await cashier.courier.run_once()  # nobody listens
    assert await cashier.order_status(order) == "pending_payment"
    letter = (await cashier.rows(sandbox_letter))[0]
    assert letter["attempts"] == 1 and letter["delivered_at"] is None and letter["due_at"] is not None
    cashier.clock.move_to(6)
    await cashier.watch.check_due()
    assert await cashier.order_status(order) == "paid"


async def test_wakeups_come_at_the_earliest_moment_and_at_the_latest_after_the_sweep():
    wakeups = Wakeups()
    wakeups.after(60)
    await wakeups.wait(at_most_s=0.01)
    wakeups.after(0)
    await wakeups.wait(at_most_s=60)
