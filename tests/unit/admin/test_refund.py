"""Administrators give money back: never too much, out of what was earned, above a limit only two together."""
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from server.core.clock import server_now, shanghai_text
from server.storage.tables.billing import ledger_entry, refund, refund_request, sandbox_refund, settlement
from tests.cast import Person
from tests.invariants import check_invariants
from tests.stores import make_user
from tests.unit.booking.visits import Visit

REASON = "服务未达要求"
_LEAD = timedelta(hours=5)


@pytest.fixture(autouse=True)
def sound(io_loop, office):
    yield
    io_loop.asyncio_loop.run_until_complete(check_invariants(office.stage.database))


@pytest.fixture
def second(io_loop, office):
    """Another administrator."""
    user_id = io_loop.asyncio_loop.run_until_complete(make_user(office.stage.database, "admin", username="晚班"))
    return Person(user_id, "admin", "login")


async def _refund(office, visit, amount_fen, **more):
    body = {"order_id": visit.order_id, "amount_fen": amount_fen, "reason": REASON}
    return await office.ask("order.refund", **body | more)


async def _balances(office, visit):
    entries = await office.stage.rows(select(ledger_entry).where(ledger_entry.c.order_id == visit.order_id))
    sums = {}
    for row in entries:
        sums[row["account"]] = sums.get(row["account"], 0) + row["amount_fen"]
    return {account: fen for account, fen in sums.items() if fen}


async def _settlement(office):
    (row,) = await office.stage.rows(select(settlement))
    return {name: row[name] for name in ("gross_fen", "commission_fen", "adjustment_fen", "net_fen", "status")}


async def _long_visit(office):
    """A completed visit that costs more than one administrator may give back."""
    start_at, _ = office.stage.slot(lead=_LEAD)
    end_at = shanghai_text(start_at + timedelta(hours=12))
    return await Visit.in_state(
        office.stage, "completed", lead=_LEAD, service_type="escort_hourly", end_at=end_at
    )


async def test_a_part_goes_back_out_of_income_and_commission(office):
    visit = await Visit.in_state(office.stage, "completed", lead=_LEAD)
    told = await _refund(office, visit, 1_000)
    assert (told.data["state"], told.data["decided_by"]) == ("approved", office.admin.user_id)
    assert await _settlement(office) == {
        "gross_fen": 8_000, "commission_fen": 1_600, "adjustment_fen": -800, "net_fen": 5_600, "status": "frozen",
    }
    assert await _balances(office, visit) == {
        "provider_cash": 8_000, "caregiver_payable": -5_600, "platform_commission": -1_400, "refunds_due": -1_000,
    }
    (row,) = await office.stage.rows(select(refund))
    assert (row["refund_id"], row["kind"], row["amount_fen"]) == (told.data["refund_id"], "partial", 1_000)


async def test_the_whole_goes_back_and_nobody_keeps_anything(office):
    visit = await Visit.in_state(office.stage, "completed", lead=_LEAD)
    assert (await _refund(office, visit, 8_000)).is_ok
    assert (await _settlement(office))["net_fen"] == 0
    await office.stage.advance(60)  # the provider is asked, and takes its time
    await office.stage.database.write(lambda tx: tx.run(update(sandbox_refund).values(settle_at=server_now())))
    await office.stage.advance(600)
    assert await _balances(office, visit) == {}
    (notice,) = await office.notices(visit.booker.user_id, "refund_succeeded")
    assert "80.00元" in notice["content"]
    assert (await visit.row())["status"] == "completed"


async def test_the_platform_may_bear_it_alone_and_the_caregiver_hears_nothing(office):
    visit = await Visit.in_state(office.stage, "completed", lead=_LEAD)
    await _refund(office, visit, 2_000, borne_by="platform")
    assert (await _settlement(office))["adjustment_fen"] == 0
    assert (await _balances(office, visit))["platform_commission"] == 400
    assert await office.notices(visit.caregiver.user_id, "income_adjusted") == []


async def test_the_caregiver_is_told_what_is_taken_and_sees_it_in_the_income(office):
    visit = await Visit.in_state(office.stage, "completed", lead=_LEAD)
    await _refund(office, visit, 1_000)
    (notice,) = await office.notices(visit.caregiver.user_id, "income_adjusted")
    assert "8.00元" in notice["content"] and REASON not in notice["content"]
    (item,) = (await office.stage.must(visit.caregiver, "caregiver.income"))["items"]
    assert (item["adjustment_fen"], item["net_fen"]) == (-800, 5_600)


async def test_what_was_settled_is_adjusted_too(office):
    visit = await Visit.in_state(office.stage, "completed", lead=_LEAD)
    await office.stage.advance(8 * 86_400)
    assert (await _settlement(office))["status"] == "available"
    await _refund(office, visit, 8_000)
    assert await _settlement(office) | {"net_fen": 0} == await _settlement(office)


async def test_never_more_than_was_paid(office):
    visit = await Visit.in_state(office.stage, "completed", lead=_LEAD)
    assert (await _refund(office, visit, 8_001)).code == "wrong_state"
    assert (await _refund(office, visit, 5_000)).is_ok
    assert (await _refund(office, visit, 3_001)).code == "wrong_state"
    assert (await _refund(office, visit, 3_000)).is_ok
    assert (await _refund(office, visit, 1)).code == "wrong_state"
    assert [row["amount_fen"] for row in await office.stage.rows(select(refund))] == [5_000, 3_000]
    assert len(await office.audit("order.refund")) == 2
    assert len(await office.stage.rows(select(refund_request))) == 2


@pytest.mark.parametrize("state", ["pending_payment", "paid", "awaiting_service", "in_service"])
async def test_while_an_order_lives_its_price_is_frozen(office, state):
    visit = await Visit.in_state(office.stage, state, lead=_LEAD)
    assert (await _refund(office, visit, 100)).code == "wrong_state"
    assert await office.stage.rows(select(refund_request)) == []


async def test_the_fee_of_a_late_cancellation_may_go_back(office):
    visit = await Visit.in_state(office.stage, "awaiting_service", lead=timedelta(minutes=90))
    await office.stage.must(visit.booker, "order.cancel", order_id=visit.order_id, reason="病情变化")
    order = await visit.row()
    fee_fen, paid_fen = order["cancel_fee_fen"], order["amount_fen"]
    assert 0 < fee_fen < paid_fen
    assert (await _refund(office, visit, fee_fen + 1)).code == "wrong_state"
    assert (await _refund(office, visit, fee_fen)).is_ok
    assert (await visit.row())["cancel_fee_fen"] == 0
    assert (await _settlement(office))["net_fen"] == 0


async def test_an_order_that_never_cost_anything_gives_nothing_back(office):
    visit = await Visit.in_state(office.stage, "cancelled", lead=_LEAD)
    assert (await _refund(office, visit, 1)).code == "wrong_state"
    assert (await office.ask("order.refund", order_id="nobody", amount_fen=1, reason=REASON)).code == "not_found"


async def test_a_large_one_waits_for_a_second_administrator_and_calls_them(office, second):
    visit = await _long_visit(office)
    amount_fen = (await visit.row())["amount_fen"]
    assert amount_fen >= 50_000
    asked = (await _refund(office, visit, amount_fen)).data
    assert (asked["state"], asked["refund_id"], asked["decided_by"]) == ("waiting", None, None)
    assert await office.stage.rows(select(refund)) == []
    (alarm,) = (await office.must("alarm.list", state="open"))["items"]
    assert (alarm["kind"], alarm["order_id"]) == ("refund_waiting", visit.order_id)
    decision = {"request_id": asked["request_id"], "decision": "approve", "reason": "情况属实"}
    own = await office.ask("order.refund_decide", **decision)
    assert own.code == "wrong_state" and await office.stage.rows(select(refund)) == []
    done = (await office.ask("order.refund_decide", by=second, **decision)).data
    assert (done["state"], done["decided_by_name"]) == ("approved", "晚班") and done["refund_id"]
    (row,) = await office.stage.rows(select(refund))
    assert (row["kind"], row["amount_fen"]) == ("full", amount_fen)
    assert (await office.must("alarm.list", state="open"))["items"] == []
    again = await office.ask("order.refund_decide", by=second, **decision)
    assert again.code == "wrong_state"
    (written,) = await office.audit("order.refund_decide")
    assert (written["actor_id"], written["target"]) == (second.user_id, f"order:{visit.order_id}")


async def test_small_ones_that_add_up_to_a_large_one_wait_too(office, second):
    visit = await _long_visit(office)
    assert (await _refund(office, visit, 49_999)).data["state"] == "approved"
    assert (await _refund(office, visit, 1)).data["state"] == "waiting"
    assert (await _refund(office, visit, 1)).code == "wrong_state", "one waits already"
    listed = await office.must("order.refund_list", state="waiting")
    assert [item["amount_fen"] for item in listed["items"]] == [1]
    (item,) = listed["items"]
    rejected = {"request_id": item["request_id"], "decision": "reject", "reason": "撤回"}
    assert (await office.must("order.refund_decide", **rejected))["state"] == "rejected"
    assert (await _refund(office, visit, 2)).data["state"] == "waiting"
    file = await office.must("order.detail", order_id=visit.order_id)
    assert [one["state"] for one in file["money"]["refund_requests"]] == ["approved", "rejected", "waiting"]


async def test_what_was_given_back_meanwhile_is_not_given_again(office, second):
    visit = await _long_visit(office)
    amount_fen = (await visit.row())["amount_fen"]
    waiting = (await _refund(office, visit, amount_fen)).data
    assert (await _refund(office, visit, 100)).is_ok
    decision = {"request_id": waiting["request_id"], "decision": "approve", "reason": "同意"}
    refused = await office.ask("order.refund_decide", by=second, **decision)
    assert refused.code == "wrong_state"
    listed = await office.must("order.refund_list", state="waiting")
    assert [item["request_id"] for item in listed["items"]] == [waiting["request_id"]]


async def test_the_list_pages_from_new_to_old(office):
    visit = await Visit.in_state(office.stage, "completed", lead=_LEAD)
    for amount_fen in (1, 2, 3):
        await _refund(office, visit, amount_fen)
    first = await office.must("order.refund_list", limit=2)
    rest = await office.must("order.refund_list", limit=2, cursor=first["next_cursor"])
    assert [item["amount_fen"] for item in first["items"] + rest["items"]] == [3, 2, 1]


def test_whatever_goes_back_in_whatever_parts_the_books_balance(office, io_loop):
    run, stage = io_loop.asyncio_loop.run_until_complete, office.stage
    visit = run(Visit.in_state(stage, "completed", lead=_LEAD))
    parts = st.lists(st.tuples(st.integers(1, 9_000), st.sampled_from(["shared", "platform"])), max_size=8)

    @settings(max_examples=20, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(parts)
    def check(parts):
        for amount_fen, borne_by in parts:
            run(_refund(office, visit, amount_fen, borne_by=borne_by))
        balances, earned = run(_balances(office, visit)), run(_settlement(office))
        assert sum(balances.values()) == 0 and "customer_funds" not in balances
        assert earned["net_fen"] == earned["gross_fen"] - earned["commission_fen"] + earned["adjustment_fen"] >= 0
        assert balances.get("caregiver_payable", 0) == -earned["net_fen"]

    check()
