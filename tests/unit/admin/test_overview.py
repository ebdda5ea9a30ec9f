"""Every number of the first page can be counted again from the rows that it is made of."""
import sqlite3
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from server.core.clock import SHANGHAI, server_now, shanghai_date
from server.insight.crowd import CONNECTED_CAREGIVERS, Crowd
from server.storage.tables.billing import ledger_entry
from server.storage.tables.booking import t_order
from server.storage.tables.identity import t_user
from server.storage.tables.roster import t_caregiver_info
from server.storage.tables.system import instance_figure
from tests.property.test_query import Statements
from tests.unit.booking.visits import Visit

_LEAD = timedelta(hours=5)


async def _overview(office, **more):
    return await office.must("overview", **more)


async def _set(office, table, values, *conditions):
    await office.stage.database.write(lambda tx: tx.run(update(table).where(*conditions).values(**values)))


def _counts(rows):
    return {row["status"]: row["count"] for row in rows if row["count"]}


async def test_a_quiet_day_is_all_noughts(office):
    found = await _overview(office, days=30)
    assert found["orders"]["created"] == 0 and _counts(found["orders"]["by_status"]) == {}
    assert found["income"] == {"gross_fen": 0, "refunds_fen": 0, "net_fen": 0, "commission_fen": 0}
    daily = found["series"]["daily"]
    assert len(daily) == 30 and daily[-1]["day"] == found["day"] == shanghai_date(office.stage.clock.now()).isoformat()
    assert {value for day in daily for name, value in day.items() if name != "day"} == {0}
    assert (found["series"]["by_service_type"], found["series"]["by_district"]) == ([], [])


async def test_orders_are_counted_by_the_day_of_their_making_and_how_they_stand(office):
    visit = await Visit.in_state(office.stage, "completed", lead=_LEAD)
    made = await office.stage.create(office.families[1], office.stage.slot(lead=_LEAD))
    gone = await office.stage.create(office.families[2], office.stage.slot(lead=_LEAD))
    await office.stage.must(office.families[2], "order.cancel", order_id=gone.data["order_id"], reason="改期")
    now = office.stage.clock.now()
    await _set(office, t_order, {"created_at": now})
    midnight = now.astimezone(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)
    before = midnight - timedelta(milliseconds=1)
    await _set(office, t_order, {"created_at": before}, t_order.c.order_id == visit.order_id)
    found = await _overview(office)
    assert _counts(found["orders"]["by_status"]) == {"pending_payment": 1, "cancelled": 1}
    assert found["orders"]["created"] == 2 and _counts(found["orders"]["live"]) == {"pending_payment": 1}
    yesterday, today = found["series"]["daily"][-2:]
    assert (yesterday["orders"], yesterday["completed"]) == (1, 1)
    assert (today["orders"], today["cancelled"]) == (2, 1)
    assert [(one["code"], one["orders"], one["cancelled"]) for one in found["series"]["by_service_type"]] == [
        ("errand", 3, 1)
    ]
    assert [(one["name"], one["orders"]) for one in found["series"]["by_district"]] == [("西城区", 3)]
    await _set(office, t_order, {"created_at": midnight}, t_order.c.order_id == made.data["order_id"])
    assert (await _overview(office))["orders"]["created"] == 2, "the first instant of the day is in it"
    assert (await _overview(office, days=1))["series"]["daily"][0]["orders"] == 2


async def test_income_is_what_arrived_what_went_back_and_what_was_earned(office):
    visit = await Visit.in_state(office.stage, "completed", lead=_LEAD)
    unpaid = await office.stage.create(office.families[1], office.stage.slot(lead=_LEAD))
    assert unpaid.is_ok
    now = office.stage.clock.now()
    await _set(office, ledger_entry, {"at": now})
    found = await _overview(office)
    assert found["income"] == {"gross_fen": 8_000, "refunds_fen": 0, "net_fen": 8_000, "commission_fen": 1_600}
    refunded = {"order_id": visit.order_id, "amount_fen": 1_000, "reason": "协商"}
    await office.must("order.refund", **refunded)
    await _set(office, ledger_entry, {"at": now})
    assert (await _overview(office))["income"]["commission_fen"] == 1_400
    assert (await _overview(office))["income"]["refunds_fen"] == 0, "it has not gone back yet"


async def test_every_days_money_is_the_sum_of_its_entries(office):
    for number in range(3):
        visit = await Visit.in_state(office.stage, "paid", lead=timedelta(hours=30), patient=number % 2)
        await office.stage.must(visit.booker, "order.cancel", order_id=visit.order_id, reason="改期")
        await office.stage.advance(86_400)
    found = await _overview(office, days=31)
    rows = await office.stage.rows(select(ledger_entry).where(ledger_entry.c.account == "provider_cash"))
    for day in found["series"]["daily"]:
        here = [row["amount_fen"] for row in rows if shanghai_date(row["at"]).isoformat() == day["day"]]
        assert day["gross_fen"] == sum(fen for fen in here if fen > 0)
        assert day["refunds_fen"] == -sum(fen for fen in here if fen < 0)
    assert sum(day["gross_fen"] for day in found["series"]["daily"]) == 24_000


async def test_users_and_caregivers_are_counted_by_what_they_are(office):
    now = office.stage.clock.now()
    await _set(office, t_user, {"registered_at": now}, t_user.c.user_id == office.families[0].user_id)
    banned, off, expired = office.caregivers[:3]
    await office.must("user.ban", user_id=banned.user_id, reason="核实中")
    await _set(office, t_caregiver_info, {"listening": False}, t_caregiver_info.c.caregiver_id == off.caregiver_id)
    over = {"papers_valid_until": shanghai_date(now) - timedelta(days=1)}
    await _set(office, t_caregiver_info, over, t_caregiver_info.c.caregiver_id == expired.caregiver_id)
    found = await _overview(office)
    by_type = {one["user_type"]: (one["total"], one["new_today"]) for one in found["users"]["by_type"]}
    assert by_type == {"admin": (1, 0), "caregiver": (24, 0), "patient": (24, 1)}
    assert (found["users"]["total"], found["users"]["new_today"]) == (49, 1)
    assert found["caregivers"] == {"approved": 22, "listening": 21, "connected": 0}


async def test_what_waits_for_an_administrator_is_shown(office):
    visit = await Visit.in_state(office.stage, "paid", lead=timedelta(minutes=100))
    await office.stage.product.areas.oversight.round.run_once()
    found = await _overview(office)
    assert (found["alarms"]["open"], found["alarms"]["latest"][0]["order_id"]) == (1, visit.order_id)
    assert found["waiting"] == {"qualifications": 0, "refund_requests": 0}


async def test_connected_ones_are_summed_over_the_instances_that_live(office):
    database, counts = office.stage.database, {"a": 3, "b": 2, "gone": 9}
    crowds = {one: Crowd(database=database, instance_id=one, count=lambda one=one: counts[one]) for one in counts}
    for crowd in crowds.values():
        await crowd.run_once()
    late = {"at": server_now() - timedelta(minutes=2)}
    await _set(office, instance_figure, late, instance_figure.c.instance_id == "gone")
    assert (await _overview(office))["caregivers"]["connected"] == 5
    counts["a"] = 0
    await crowds["a"].run_once()
    assert (await _overview(office))["caregivers"]["connected"] == 2


async def test_a_figure_that_stays_is_not_written_again_until_it_grows_old(office):
    crowd = Crowd(database=office.stage.database, instance_id="a", count=lambda: 1)
    await crowd.run_once()
    await _set(office, instance_figure, {"value": 7})
    await crowd.run_once()
    rows = await office.stage.rows(select(instance_figure))
    assert [(row["name"], row["value"]) for row in rows] == [(CONNECTED_CAREGIVERS, 7)]


async def test_a_socket_of_a_caregiver_is_counted_and_a_familys_is_not(peihu):
    job = next(job for job in peihu.product.jobs._jobs if job.name == "crowd")
    sockets = [await peihu.socket(one) for one in (*peihu.caregivers[:2], peihu.caregivers[0], peihu.families[0])]
    await job.run_once()
    told = await peihu.get(peihu.admin, "/api/admin/overview")
    assert told.data["caregivers"]["connected"] == 2 and len(sockets) == 4


@pytest.mark.parametrize("days", ["0", "32", "7.0", "x"])
async def test_days_have_bounds(office, days):
    assert (await office.ask("overview", days=days)).code == "invalid"


async def test_nothing_is_read_but_indexes_however_many_orders_there_are(office):
    """Five tables that grow without end: each figure comes out of an index alone, orders of a window of days."""
    with Statements() as statements:
        await _overview(office, days=30)
    assert len(statements.seen) <= 14
    connection = sqlite3.connect(office.stage.database.url.database)
    for statement, parameters in statements.seen:
        if "ops_alarm.text" in statement:
            continue  # the latest ten
        steps = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]
        for table in ("t_order", "ledger_entry", "t_user", "t_qualification_certification", "refund_request"):
            for step in (step for step in steps if f" {table} " in f"{step} "):
                assert "USING COVERING INDEX" in step, (statement, steps)
        if "FROM t_order" in statement and "created_at" in statement:
            assert any("(created_at>? AND created_at<?)" in step for step in steps), steps
    connection.close()
