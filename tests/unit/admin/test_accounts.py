"""Administrators look through accounts, warn, verify and close them."""
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from server.core.clock import server_now, shanghai_date
from server.storage.tables.identity import t_user, user_warning

REASON = "提供虚假信息"


async def _phone(office, user_id):
    return (await office.stage.rows(select(t_user.c.phone).where(t_user.c.user_id == user_id)))[0]["phone"]


async def _everybody(office, **filters):
    """All pages of the list, five at a time."""
    found, cursor = [], {}
    while True:
        page = await office.must("user.list", limit=5, **filters, **cursor)
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


async def test_the_list_pages_through_everybody_once_from_new_to_old(office):
    listed = await _everybody(office)
    ids = [one["user_id"] for one in listed]
    people = [one.user_id for one in (office.admin, *office.families, *office.caregivers)]
    assert sorted(ids) == sorted(people)
    assert [one["registered_at"] for one in listed] == sorted((one["registered_at"] for one in listed), reverse=True)
    assert all("****" in one["phone_masked"] for one in listed)


async def test_filters_find_kinds_states_days_and_names(office):
    assert {one["user_type"] for one in await _everybody(office, user_type="caregiver")} == {"caregiver"}
    caregiver, family = office.caregivers[3], office.families[2]
    await office.must("user.ban", user_id=caregiver.user_id, reason=REASON)
    assert [one["user_id"] for one in await _everybody(office, state="banned")] == [caregiver.user_id]
    assert len(await _everybody(office, state="active")) == 48
    by_phone = await office.must("user.list", keyword=f"+86 {await _phone(office, family.user_id)}")
    by_id = await office.must("user.list", keyword=family.user_id)
    assert [one["user_id"] for one in by_phone["items"]] == [one["user_id"] for one in by_id["items"]] == [family.user_id]
    assert [one["user_id"] for one in await _everybody(office, keyword="管理")] == [office.admin.user_id]
    assert await _everybody(office, keyword="%") == []
    day = by_id["items"][0]["registered_at"][:10]
    on_that_day = await _everybody(office, registered_from=day, registered_to=day)
    assert family.user_id in {one["user_id"] for one in on_that_day}
    assert {one["registered_at"][:10] for one in on_that_day} == {day}
    assert (await office.ask("user.list", registered_from="2026-02-01", registered_to="2026-01-31")).code == "invalid"


async def test_a_day_of_registration_is_shanghais(office):
    family = office.families[0]
    midnight = server_now().replace(year=2026, month=3, day=4, hour=16, minute=0, second=0, microsecond=0)
    here = t_user.c.user_id == family.user_id
    await office.stage.database.write(lambda tx: tx.run(update(t_user).where(here).values(registered_at=midnight)))
    assert shanghai_date(midnight).isoformat() == "2026-03-05"
    first = await _everybody(office, registered_from="2026-03-05", registered_to="2026-03-05")
    assert family.user_id in {one["user_id"] for one in first}
    before = await _everybody(office, registered_from="2026-03-04", registered_to="2026-03-04")
    assert family.user_id not in {one["user_id"] for one in before}


async def test_a_card_counts_warnings_orders_and_patients(office):
    family, caregiver = office.families[0], office.caregivers[0]
    await office.stage.create(family, office.stage.slot(lead=timedelta(hours=30)))
    await office.must("user.warn", user_id=family.user_id, reason=REASON)
    card = (await office.must("user.list", keyword=family.user_id))["items"][0]
    assert (card["warning_count"], card["order_count"], card["patient_count"]) == (1, 1, 2)
    assert card["caregiver"] is None
    career = (await office.must("user.list", keyword=caregiver.user_id))["items"][0]["caregiver"]
    assert (career["caregiver_id"], career["qualification_status"]) == (caregiver.caregiver_id, "approved")


async def test_a_warning_is_kept_and_told_to_the_person(office):
    caregiver = office.caregivers[0]
    assert (await office.must("user.warn", user_id=caregiver.user_id, reason=REASON))["warning_count"] == 1
    again = await office.must("user.warn", user_id=caregiver.user_id, reason="再次迟到")
    assert again["warning_count"] == 2
    told = await office.notices(caregiver.user_id, "account_warned")
    assert [REASON in told[0]["content"], "再次迟到" in told[1]["content"]] == [True, True]
    kept = await office.stage.rows(select(user_warning))
    assert {(row["user_id"], row["warned_by"]) for row in kept} == {(caregiver.user_id, office.admin.user_id)}
    written = await office.audit("user.warn")
    assert [(row["target"], row["reason"]) for row in written] == [
        (f"user:{caregiver.user_id}", REASON), (f"user:{caregiver.user_id}", "再次迟到"),
    ]


async def test_an_administrator_cannot_be_warned(office):
    assert (await office.ask("user.warn", user_id=office.admin.user_id, reason=REASON)).code == "wrong_state"
    assert (await office.ask("user.warn", user_id="nobody", reason=REASON)).code == "not_found"
    assert await office.audit("user.warn") == []


@pytest.mark.parametrize(("decision", "status", "word"), [("approve", "verified", "已通过"), ("reject", "rejected", "未通过")])
async def test_a_verification_is_kept_once_and_told(office, decision, status, word):
    family = office.families[0]
    here = t_user.c.user_id == family.user_id
    pending = update(t_user).where(here).values(verification_status="pending")
    await office.stage.database.write(lambda tx: tx.run(pending))
    answer = await office.must("user.verify", user_id=family.user_id, decision=decision, reason="证件核对")
    assert answer["verification_status"] == status
    again = await office.ask("user.verify", user_id=family.user_id, decision=decision, reason="证件核对")
    assert again.code == "wrong_state"
    (told,) = await office.notices(family.user_id, "account_verified")
    assert word in told["content"] and "证件核对" in told["content"]
    (written,) = await office.audit("user.verify")
    assert written["detail"] == {"before": "pending", "after": status}


async def test_a_ban_and_its_end_are_told_each_time(office):
    family = office.families[0]
    for _ in range(2):
        await office.must("user.ban", user_id=family.user_id, reason=REASON)
        await office.must("user.unban", user_id=family.user_id, reason="申诉成立")
        await office.stage.advance(1)
    assert len(await office.notices(family.user_id, "account_banned")) == 2
    told = await office.notices(family.user_id, "account_unbanned")
    assert ["申诉成立" in row["content"] for row in told] == [True, True]


@pytest.mark.parametrize("verb", ["user.warn", "user.ban", "user.unban", "user.verify"])
async def test_without_a_reason_nothing_is_done(office, verb):
    user_id = office.families[0].user_id
    for body in ({"user_id": user_id}, {"user_id": user_id, "reason": "  "}):
        reply = await office.ask(verb, **body)
        assert (reply.status, reply.code) == (422, "invalid")
    assert await office.audit(verb) == []
