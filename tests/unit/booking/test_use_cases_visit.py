"""The visit itself: the code, the window, the end, the review."""
import pytest
from sqlalchemy import select

from server.core.ids import new_id
from server.storage.tables.booking import order_event, t_order_detail
from server.storage.tables.notices import t_message_notification
from tests.unit.booking.visits import Visit


async def _start(visit, code, *, key=None):
    return await visit.stage.do(visit.caregiver, "order.start", key=key, order_id=visit.order_id, start_code=code)


def _other(code):
    return f"{(int(code) + 1) % 1_000_000:06d}"


async def _ready(stage):
    visit = await Visit.in_state(stage, "awaiting_service")
    await visit.wait_for_start()
    return visit, (await visit.row())["start_code"]


async def test_a_visit_starts_with_the_familys_code_and_again_answers_the_same(stage):
    visit, code = await _ready(stage)
    first = await _start(visit, code)
    assert (first.data["status"], first.data["version"]) == ("in_service", 4)
    assert (await _start(visit, code)).data == first.data
    assert (await _start(visit, _other(code))).data == first.data
    assert (await visit.row())["version"] == 4


async def test_the_fifth_wrong_code_sends_a_new_one_to_the_family_and_the_old_one_is_dead(stage):
    visit, code = await _ready(stage)
    for _ in range(5):
        assert (await _start(visit, _other(code))).code == "start_code_wrong"
    renewed = (await visit.row())["start_code"]
    assert renewed != code
    shown = await stage.must(visit.booker, "order.detail", order_id=visit.order_id)
    assert shown["start_code"] == renewed
    mine = t_message_notification.c.user_id == visit.booker.user_id
    told = await stage.rows(select(t_message_notification).where(mine))
    assert [row["template"] for row in told if renewed in row["content"]] == ["start_code_renewed"]
    assert (await _start(visit, code)).code == "start_code_wrong"
    assert (await _start(visit, renewed)).is_ok


async def test_four_wrong_codes_leave_the_right_one_alive(stage):
    visit, code = await _ready(stage)
    for _ in range(4):
        await _start(visit, _other(code))
    assert (await _start(visit, code)).is_ok


async def test_a_wrong_code_repeated_with_its_key_counts_once(stage):
    visit, code = await _ready(stage)
    key = new_id()
    for _ in range(8):
        assert (await _start(visit, _other(code), key=key)).code == "start_code_wrong"
    assert (await visit.row())["start_code_failures"] == 1


async def test_the_window_opens_half_an_hour_before_and_closes_at_the_end(stage):
    visit = await Visit.in_state(stage, "awaiting_service")
    order = await visit.row()
    lead_s = (order["start_at"] - stage.clock.now()).total_seconds()
    await stage.advance(lead_s - 30 * 60 - 20)
    assert (await _start(visit, order["start_code"])).code == "outside_start_window"
    assert (await visit.row())["start_code_failures"] == 0
    await stage.advance(25)
    assert (await _start(visit, order["start_code"])).is_ok


async def test_a_visit_nobody_started_is_cancelled_at_its_end_and_refunded_whole(stage):
    visit = await Visit.in_state(stage, "awaiting_service")
    order = await visit.row()
    await stage.advance((order["end_at"] - stage.clock.now()).total_seconds() - 5)
    assert (await visit.row())["status"] == "awaiting_service"
    await stage.advance(10)
    after = await visit.row()
    assert (after["status"], after["cancelled_by"], after["cancel_fee_fen"]) == ("cancelled", "system", 0)
    assert (await stage.must(visit.booker, "order.detail", order_id=visit.order_id))["refund"]["amount_fen"] == (
        order["amount_fen"]
    )
    assert (await _start(visit, order["start_code"])).code in ("wrong_state", "not_found")


async def test_finishing_keeps_the_status_and_the_summary(stage):
    visit = await Visit.in_state(stage, "in_service")
    finish = {"order_id": visit.order_id, "summary": "已完成检查"}
    first = await stage.do(visit.caregiver, "order.finish", **finish)
    again = await stage.do(visit.caregiver, "order.finish", **finish | {"summary": "另一个"})
    assert (first.data["status"], first.data) == ("in_service", again.data)
    detail = select(t_order_detail).where(t_order_detail.c.order_id == visit.order_id)
    assert (await stage.rows(detail))[0]["service_record"] == "已完成检查"
    confirm = {"order_id": visit.order_id}
    done = [await stage.do(visit.booker, "order.confirm", **confirm) for _ in "12"]
    assert done[0].data["status"] == "completed"
    assert done[0].data == done[1].data


async def test_what_the_caregiver_wrote_at_the_end_is_shown_and_income_to_nobody_else(stage):
    visit = await Visit.in_state(stage, "in_service")
    before = await stage.do(visit.booker, "order.detail", order_id=visit.order_id)
    await stage.do(visit.caregiver, "order.finish", order_id=visit.order_id, summary="已完成检查")
    family = await stage.do(visit.booker, "order.detail", order_id=visit.order_id)
    carer = await stage.do(visit.caregiver, "order.detail", order_id=visit.order_id)
    assert (before.data["summary"], family.data["summary"], carer.data["summary"]) == (None, "已完成检查", "已完成检查")
    assert "income_fen" not in family.data
    assert carer.data["income_fen"] == (await visit.row())["income_fen"]


async def test_confirming_before_the_finish_is_refused(stage):
    visit = await Visit.in_state(stage, "in_service")
    refused = await stage.do(visit.booker, "order.confirm", order_id=visit.order_id)
    assert (refused.status, refused.code) == (409, "wrong_state")


async def test_a_silent_family_confirms_after_a_day(stage):
    visit = await Visit.in_state(stage, "in_service")
    await visit.finish()
    await stage.advance(24 * 3_600 - 30)
    assert (await visit.row())["status"] == "in_service"
    await stage.advance(60)
    after = await visit.row()
    assert (after["status"], after["version"]) == ("completed", 6)
    moves = select(order_event).where(order_event.c.order_id == visit.order_id, order_event.c.version == 6)
    [last] = await stage.rows(moves)
    assert (last["event"], last["actor_type"]) == ("auto_confirm", "system")
    assert (await stage.do(visit.booker, "order.confirm", order_id=visit.order_id)).is_ok


async def _review(visit, who=None, **more):
    body = {"order_id": visit.order_id, "score": 5, "content": "很好", "tags": ["准时"]} | more
    return await visit.stage.do(who or visit.booker, "order.review", **body)


async def test_a_review_is_given_once_and_shown(stage):
    visit = await Visit.in_state(stage, "completed")
    first = await _review(visit)
    assert (first.status, list(first.data)) == (201, ["review_id"])
    again = await _review(visit, score=1)
    assert (again.status, again.code) == (409, "already_reviewed")
    shown = (await stage.must(visit.booker, "order.detail", order_id=visit.order_id))["review"]
    assert (shown["score"], shown["content"], shown["tags"]) == (5, "很好", ["准时"])


async def test_after_a_fortnight_nobody_reviews(stage):
    visit = await Visit.in_state(stage, "completed")
    await stage.advance(14 * 86_400 - 60)
    late = await Visit.in_state(stage, "completed")
    await stage.advance(120)
    assert (await _review(visit)).code == "wrong_state"
    assert (await _review(late)).is_ok


@pytest.mark.parametrize("score", [0, 6, "5", 4.5, True, None])
async def test_a_score_is_one_to_five(stage, score):
    visit = await Visit.in_state(stage, "completed")
    assert (await _review(visit, score=score)).code == "invalid"
