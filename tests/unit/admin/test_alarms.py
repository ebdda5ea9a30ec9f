"""Alarms about what stands still: raised once, closed when it moves again or somebody saw to it."""
import json
from datetime import timedelta

import pytest
from sqlalchemy import insert, select, update

from server.billing.facts import PaymentAlarm, RefundSucceeded
from server.core.channels import OPS
from server.core.clock import server_now
from server.jobs.alarms import AlarmRound
from server.jobs.outbox_watch import OutboxWatch
from server.storage.tables.billing import refund, sandbox_refund
from server.storage.tables.booking import t_order
from server.storage.tables.system import channel_event, outbox
from tests.invariants import check_invariants
from tests.unit.booking.visits import STATES, Visit

REASON = "已电话联系"
_SOON = timedelta(minutes=100)  # and the next quarter of an hour


async def _look(office):
    job = next(job for job in office.stage.product.jobs._jobs if job.name == "alarms")
    return await job.run_once()


async def _alarms(office, state="open", **filters):
    return (await office.must("alarm.list", state=state, **filters))["items"]


async def _told(office):
    """(type, kind) of the events on `ops`, in order."""
    rows = await office.stage.rows(select(channel_event).where(channel_event.c.channel == OPS))
    events = [json.loads(row["data"]) for row in sorted(rows, key=lambda row: row["offset"])]
    return [(event["type"], event["data"]["kind"]) for event in events]


async def _pass_until(office, instant):
    """Time passes and nothing is done but to look for trouble."""
    await office.stage.product.base.time.advance((instant - office.stage.clock.now()).total_seconds())


async def _record(office, fact):
    await office.stage.database.write(lambda tx: office.stage.product.base.facts.record(tx, fact))


@pytest.mark.parametrize("state", STATES)
async def test_where_all_goes_well_nobody_is_called(office, state):
    await Visit.in_state(office.stage, state, lead=timedelta(hours=5))
    assert await _look(office) == 0
    assert await _alarms(office) == [] and await _told(office) == []


async def test_an_order_that_nobody_takes_is_told_once_and_closes_when_somebody_does(office):
    visit = await Visit.in_state(office.stage, "paid", lead=_SOON)
    assert [await _look(office), await _look(office)] == [1, 0]
    (alarm,) = await _alarms(office)
    assert (alarm["kind"], alarm["order_id"]) == ("unaccepted_near_start", visit.order_id)
    assert "仍无人接单" in alarm["text"]
    await visit.accept()
    assert [await _look(office), await _look(office)] == [1, 0]
    (closed,) = await _alarms(office, "closed", kind="unaccepted_near_start", order_id=visit.order_id)
    assert closed["closed_by"] is None and closed["close_reason"] and await _alarms(office) == []
    assert await _told(office) == [
        ("ops.alarm", "unaccepted_near_start"), ("ops.alarm_closed", "unaccepted_near_start"),
    ]


async def test_the_same_trouble_again_is_a_new_alarm(office):
    visit = await Visit.in_state(office.stage, "paid", lead=_SOON)
    await _look(office)
    await visit.accept()
    await _look(office)
    await office.stage.must(visit.caregiver, "order.cancel", order_id=visit.order_id, reason="生病")
    await _look(office)
    assert len(await _alarms(office)) == 1 and len(await _alarms(office, "closed")) == 1


async def test_a_visit_that_does_not_begin_or_end_is_told_with_its_minutes_of_grace(office):
    visit = await Visit.in_state(office.stage, "awaiting_service", lead=timedelta(hours=5))
    order = await visit.row()
    await _pass_until(office, order["start_at"] + timedelta(minutes=14))
    assert await _look(office) == 0
    await _pass_until(office, order["start_at"] + timedelta(minutes=15, seconds=1))
    await _look(office)
    assert [alarm["kind"] for alarm in await _alarms(office)] == ["not_started"]
    code = (await visit.row())["start_code"]
    await office.stage.must(visit.caregiver, "order.start", order_id=visit.order_id, start_code=code)
    await _pass_until(office, order["end_at"] + timedelta(minutes=61))
    await _look(office)
    assert [alarm["kind"] for alarm in await _alarms(office)] == ["overrun"]
    await visit.finish()
    await _look(office)
    assert await _alarms(office) == [] and len(await _alarms(office, "closed")) == 2
    await check_invariants(office.stage.database)


async def test_what_an_administrator_closed_is_not_told_again_while_it_stands(office):
    visit = await Visit.in_state(office.stage, "paid", lead=_SOON)
    await _look(office)
    (alarm,) = await _alarms(office)
    await office.must("alarm.close", alarm_id=alarm["alarm_id"], reason=REASON)
    assert await _look(office) == 0 and await _alarms(office) == []
    (closed,) = await _alarms(office, "closed")
    assert (closed["closed_by"], closed["closed_by_name"], closed["close_reason"]) == (
        office.admin.user_id, "管理员", REASON,
    )
    (written,) = await office.audit("alarm.close")
    assert (written["target"], written["reason"]) == (f"alarm:{alarm['alarm_id']}", REASON)
    assert written["detail"] == {"kind": "unaccepted_near_start", "order_id": visit.order_id}
    assert (await office.ask("alarm.close", alarm_id=alarm["alarm_id"], reason=REASON)).code == "wrong_state"
    assert (await office.ask("alarm.close", alarm_id="nobody", reason=REASON)).code == "not_found"
    await visit.accept()
    await _look(office)  # the cause is gone, so the same may be told one day again
    await office.stage.must(visit.caregiver, "order.cancel", order_id=visit.order_id, reason="生病")
    await _look(office)
    assert len(await _alarms(office)) == 1


async def test_a_slow_refund_is_told_and_closes_when_the_money_is_back(office):
    visit = await Visit.in_state(office.stage, "paid", lead=timedelta(hours=30))
    await office.stage.must(visit.booker, "order.cancel", order_id=visit.order_id, reason="改期")
    assert await _look(office) == 0
    await _pass_until(office, office.stage.clock.now() + timedelta(minutes=31))
    await _look(office)
    (alarm,) = await _alarms(office)
    assert (alarm["kind"], alarm["order_id"]) == ("refund_stuck", visit.order_id)
    assert "80.00元" in alarm["text"]
    await office.stage.look()  # accepted by the provider, which takes its time
    settled = update(sandbox_refund).values(settle_at=server_now())
    await office.stage.database.write(lambda tx: tx.run(settled))
    await office.stage.advance(600)
    (row,) = await office.stage.rows(select(refund))
    assert row["status"] == "succeeded" and await _alarms(office) == []
    assert await _look(office) == 0


async def test_a_refund_that_failed_is_solved_by_its_success(office):
    visit = await Visit.in_state(office.stage, "paid", lead=timedelta(hours=30))
    fact = PaymentAlarm(kind="refund_failed", order_id=visit.order_id, text="异常", once_key="refund_failed/r1")
    for _ in range(2):
        await _record(office, fact)
    assert len(await _alarms(office)) == 1
    await _record(office, RefundSucceeded("r2", visit.order_id, visit.booker.user_id, 1))
    assert len(await _alarms(office)) == 1
    await _record(office, RefundSucceeded("r1", visit.order_id, visit.booker.user_id, 1))
    assert await _alarms(office) == []


async def test_parcels_that_do_not_leave_are_told(office):
    product, age = office.stage.product, [99.0]

    async def oldest_age_s():
        return age[0]

    watch = OutboxWatch(oldest_age_s=oldest_age_s, stuck_after_s=30)
    alarms = product.areas.oversight.alarms
    look = AlarmRound(database=office.stage.database, alarms=alarms, watches=[watch], clock=office.stage.clock)
    assert [await look.run_once(), await look.run_once()] == [1, 0]
    assert [(alarm["kind"], alarm["order_id"]) for alarm in await _alarms(office)] == [("outbox_stuck", None)]
    age[0] = 0.0
    assert await look.run_once() == 1 and await _alarms(office) == []


async def test_the_products_own_round_watches_its_outbox(office):
    row = {"topic": "bus", "payload": "{}", "created_at": server_now() - timedelta(hours=1), "due_at": server_now()}
    await office.stage.database.write(lambda tx: tx.run(insert(outbox).values(**row)))
    await _look(office)
    assert [alarm["kind"] for alarm in await _alarms(office)] == ["outbox_stuck"]


async def test_more_troubles_than_fit_in_one_look_are_all_told_in_the_end(office):
    visit = await Visit.in_state(office.stage, "paid", lead=_SOON)
    order = dict(await visit.row())
    more = [order | {"order_id": f"{number:026}"} for number in range(150)]
    await office.stage.database.write(lambda tx: tx.run(insert(t_order), more))
    assert [await _look(office) for _ in range(3)] == [100, 51, 0]
    paid = t_order.c.status == "paid"
    await office.stage.database.write(lambda tx: tx.run(update(t_order).where(paid).values(status="cancelled")))
    assert await _look(office) == 151 and await _alarms(office) == []


@pytest.mark.parametrize("filters", [{"order_id": "x"}, {"cursor": "x"}, {"state": "all"}])
async def test_a_filter_that_is_none_is_refused(office, filters):
    assert (await office.ask("alarm.list", **filters)).code == "invalid"


async def test_the_list_pages_from_new_to_old(office):
    for number in range(5):
        await _record(office, PaymentAlarm("payment_unknown", None, "未知", f"payment_unknown/{number}"))
    seen, cursor = [], {}
    while True:
        page = await office.must("alarm.list", limit=2, **cursor)
        seen += [alarm["alarm_id"] for alarm in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert len(set(seen)) == 5 and seen == sorted(seen, reverse=True)
