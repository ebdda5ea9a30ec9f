"""Administrators find orders by whatever they know, and see everything of one."""
import json
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from server.core.clock import SHANGHAI, shanghai_date
from server.storage.tables.booking import t_order
from server.storage.tables.identity import t_user
from server.storage.tables.roster import t_caregiver_info, t_patient_info
from tests.cast import HOSPITAL, NEIGHBOUR
from tests.unit.booking.visits import Visit

_LEAD = timedelta(hours=30)


async def _found(office, **filters):
    """The ids of all pages, two at a time."""
    ids, cursor = [], {}
    while True:
        page = await office.must("order.list", limit=2, **filters, **cursor)
        ids += [item["order_id"] for item in page["items"]]
        if page["next_cursor"] is None:
            return ids
        cursor = {"cursor": page["next_cursor"]}


async def _book(office, family=0, *, day=0, **more):
    slot = office.stage.slot(lead=_LEAD + timedelta(days=day))
    made = await office.stage.create(office.families[family], slot, **more)
    assert made.is_ok, made
    return made.data["order_id"]


async def _set(office, table, values, *conditions):
    await office.stage.database.write(lambda tx: tx.run(update(table).where(*conditions).values(**values)))


async def test_the_list_goes_from_new_to_old_over_all_pages(office):
    ids = [await _book(office, number) for number in range(5)]
    same_instant = office.stage.clock.now()
    await _set(office, t_order, {"created_at": same_instant}, t_order.c.order_id.in_(ids[:3]))
    assert await _found(office) == [*sorted(ids[:3], reverse=True), ids[4], ids[3]]


async def test_each_filter_finds_its_orders_and_all_together_their_common_ones(office):
    near, far = await _book(office, 0), await _book(office, 1, hospital_id=NEIGHBOUR)
    visit = await Visit.in_state(office.stage, "awaiting_service", lead=timedelta(hours=50), patient=1)
    assert set(await _found(office, status="pending_payment")) == {near, far}
    assert set(await _found(office, hospital_id=HOSPITAL)) == {near, visit.order_id}
    assert await _found(office, hospital_id=NEIGHBOUR, status="pending_payment", service_type="errand") == [far]
    assert len(await _found(office, district="xicheng")) == 3 and await _found(office, district="haidian") == []
    assert await _found(office, service_type="inpatient_24h") == []
    assert await _found(office, caregiver_id=visit.caregiver.caregiver_id) == [visit.order_id]
    assert await _found(office, caregiver_id=office.caregivers[4].caregiver_id) == []


async def test_days_are_shanghais_and_both_ends_are_in(office):
    first, second = await _book(office, 0), await _book(office, 1)
    midnight = office.stage.clock.now().astimezone(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)
    before = midnight - timedelta(milliseconds=1)
    for order_id, at in ((first, before), (second, midnight)):
        then = {"created_at": at, "start_at": at + timedelta(days=3)}
        await _set(office, t_order, then, t_order.c.order_id == order_id)
    today, yesterday = shanghai_date(midnight), shanghai_date(before)
    assert await _found(office, created_from=today, created_to=today) == [second]
    assert await _found(office, created_to=yesterday) == [first]
    in_three_days = today + timedelta(days=3)
    assert await _found(office, start_from=in_three_days, start_to=in_three_days) == [second]
    assert await _found(office, start_to=in_three_days - timedelta(days=1)) == [first]
    refused = await office.ask("order.list", created_from=today, created_to=yesterday)
    assert refused.code == "invalid"


async def test_a_keyword_is_an_id_a_phone_or_a_whole_name(office):
    visit = await Visit.in_state(office.stage, "awaiting_service", lead=_LEAD)
    other = await _book(office, 1)
    family, carer = visit.booker, visit.caregiver
    for user_id in (family.user_id, carer.user_id):
        rows = await office.stage.rows(select(t_user.c.phone).where(t_user.c.user_id == user_id))
        assert await _found(office, keyword=f"+86 {rows[0]['phone']}") == [visit.order_id]
    assert await _found(office, keyword=other) == [other]
    await office.stage.must(family, "patient.update", patient_id=family.patient_ids[0], name="欧阳桂芳")
    assert await _found(office, keyword="欧阳桂芳") == [visit.order_id]
    assert await _found(office, keyword="欧阳") == []
    mine = t_caregiver_info.c.caregiver_id == carer.caregiver_id
    await _set(office, t_caregiver_info, {"name": "上官秀兰"}, mine)
    assert await _found(office, keyword="上官秀兰") == [visit.order_id]
    assert await _found(office, keyword="13000000000") == [] == await _found(office, keyword="%")


async def test_patients_of_an_earlier_version_become_findable(office):
    order_id = await _book(office)
    mine = t_patient_info.c.patient_id == office.families[0].patient_ids[0]
    (row,) = await office.stage.rows(select(t_patient_info).where(mine))
    await _set(office, t_patient_info, {"name_hash": None})
    assert await _found(office, keyword=row["name"]) == []
    patients = office.stage.product.roster.patients
    assert await patients.fill_name_hashes() == 48 and await patients.fill_name_hashes() == 0
    assert order_id in await _found(office, keyword=row["name"])


async def test_stuck_ones_are_those_with_an_open_alarm(office):
    await _book(office, 1)
    visit = await Visit.in_state(office.stage, "paid", lead=timedelta(minutes=100))
    assert await _found(office, stuck="true") == []
    await office.stage.product.areas.oversight.round.run_once()
    assert await _found(office, stuck="true") == [visit.order_id]
    (item,) = (await office.must("order.list", stuck="true"))["items"]
    assert item["open_alarms"] == 1
    alarm = (await office.must("alarm.list"))["items"][0]
    await office.must("alarm.close", alarm_id=alarm["alarm_id"], reason="已联系")
    assert await _found(office, stuck="true") == []


async def test_the_list_shows_no_name_phone_or_condition(office):
    visit = await Visit.in_state(office.stage, "awaiting_service", lead=_LEAD)
    shown = json.dumps(await office.must("order.list"), ensure_ascii=False)
    order = await office.stage.must(visit.booker, "order.detail", order_id=visit.order_id)
    for secret in (order["patient"]["name"], order["patient"]["contact_phone"], order["patient"]["condition"]):
        assert secret and secret not in shown
    assert order["patient"]["name"][:1] + "**" in shown


@pytest.mark.parametrize(
    "filters",
    [{name: "x"} for name in ("hospital_id", "district", "service_type", "caregiver_id", "cursor", "status")],
)
async def test_a_filter_that_is_none_is_refused(office, filters):
    refused = await office.ask("order.list", **filters)
    assert refused.code == "invalid"


async def test_a_file_has_everything_that_happened(office):
    visit = await Visit.in_state(office.stage, "completed", lead=timedelta(hours=5))
    await office.stage.must(visit.booker, "order.review", order_id=visit.order_id, score=5, content="很好")
    file = await office.must("order.detail", order_id=visit.order_id)
    assert [event["event"] for event in file["timeline"]] == [
        "create", "pay", "accept", "start", "finish", "confirm",
    ]
    assert [event["version"] for event in file["timeline"]] == [1, 2, 3, 4, 5, 6]
    accept = file["timeline"][2]
    assert (accept["actor_id"], accept["actor_type"]) == (visit.caregiver.user_id, "caregiver")
    assert [(offer["state"], offer["named"]) for offer in file["offers"]] == [("accepted", True)]
    money = file["money"]
    assert sum(entry["amount_fen"] for entry in money["ledger"]) == 0
    assert (money["paid_fen"], money["refunded_fen"]) == (8_000, 0)
    assert money["settlement"]["net_fen"] == 6_400
    assert {notice["template"] for notice in file["notices"]} >= {"booking_succeeded", "order_completed"}
    assert any(notice["deliveries"] for notice in file["notices"])
    assert file["order"]["review"]["score"] == 5 and file["order"]["finish_summary"]
    assert (file["order"]["may_cancel"], file["order"]["may_reassign"]) == (False, False)


async def test_what_was_said_is_shown_for_a_reason_only_and_each_look_is_written_down(office):
    visit = await Visit.in_state(office.stage, "in_service", lead=timedelta(hours=5))
    said = {"order_id": visit.order_id, "msg_id": "m1", "kind": "text", "text": "请带轮椅"}
    await office.stage.must(visit.booker, "chat.send", **said)
    noted = {"order_id": visit.order_id, "msg_id": "n1", "kind": "measure", "text": "已测血压"}
    noted["recorded_at"] = office.stage.clock.now().isoformat()
    await office.stage.must(visit.caregiver, "note.append", **noted)
    without = await office.must("order.detail", order_id=visit.order_id)
    assert without["talk"] == {"message_count": 1, "note_count": 1, "messages": None, "notes": None}
    assert "请带轮椅" not in json.dumps(without, ensure_ascii=False)
    told = await office.must("order.detail", order_id=visit.order_id, reason="处理投诉")
    assert [message["text"] for message in told["talk"]["messages"]] == ["请带轮椅"]
    assert [note["text"] for note in told["talk"]["notes"]] == ["已测血压"]
    rows = await office.audit("order.detail")
    assert [(row["target"], row["reason"], row["detail"]) for row in rows] == [
        (f"order:{visit.order_id}", None, {"with_content": False}),
        (f"order:{visit.order_id}", "处理投诉", {"with_content": True}),
    ]
    assert told["audit"][0]["reason"] == "处理投诉", "the look itself stands in what is shown"


async def test_an_order_that_is_not_there_leaves_no_row(office):
    for order_id in ("nobody", "0" * 26):
        assert (await office.ask("order.detail", order_id=order_id)).code == "not_found"
        assert (await office.ask("order.candidates", order_id=order_id)).code == "not_found"
    assert await office.audit("order.detail") == []


async def test_a_file_shows_its_alarms_and_its_audit(office):
    visit = await Visit.in_state(office.stage, "paid", lead=timedelta(minutes=100))
    await office.stage.product.areas.oversight.round.run_once()
    file = await office.must("order.detail", order_id=visit.order_id)
    assert [alarm["kind"] for alarm in file["alarms"]] == ["unaccepted_near_start"]
    assert [entry["action"] for entry in file["audit"]] == ["admin.order.detail"]
    assert (file["order"]["may_cancel"], file["order"]["may_reassign"]) == (True, True)
