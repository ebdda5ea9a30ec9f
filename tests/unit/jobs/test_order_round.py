"""One order that cannot be worked on keeps no other order waiting."""
import logging
from datetime import timedelta

import pytest

_PAY_WITHIN_S = 15 * 60 + 1
_LEAD = timedelta(hours=5)


async def _unpaid(stage, number):
    slot = tuple(instant + timedelta(hours=3 * number) for instant in stage.slot(lead=_LEAD))
    return (await stage.create(stage.families[number], slot)).data["order_id"]


async def _become_due(stage):
    """Three unpaid orders past their deadline."""
    order_ids = [await _unpaid(stage, number) for number in range(3)]
    await stage.product.base.time.advance(_PAY_WITHIN_S)
    return order_ids


@pytest.mark.expects_warnings
async def test_a_bug_with_one_order_lets_the_round_go_on_to_the_others(stage, caplog, monkeypatch):
    order_ids, orders = await _become_due(stage), stage.product.order_round
    sound = orders._unpaid.end

    async def end(order_id):
        if order_id == order_ids[0]:
            raise ZeroDivisionError
        await sound(order_id)

    monkeypatch.setattr(orders._unpaid, "end", end)
    assert await orders.run_once() == 3
    assert [(await stage.order(one))["status"] for one in order_ids] == ["pending_payment", "cancelled", "cancelled"]
    assert orders.failing == ["pay_deadline"]
    assert "step:pay_deadline" in (await stage.product.probe.ready()).degraded
    await orders.run_once()
    assert orders.failed == {"pay_deadline": 2}
    assert len([record for record in caplog.records if record.levelno >= logging.ERROR]) == 1

    monkeypatch.undo()
    await orders.run_once()
    assert (await stage.order(order_ids[0]))["status"] == "cancelled"
    assert orders.failing == []
    assert (await stage.product.probe.ready()).degraded == ()
