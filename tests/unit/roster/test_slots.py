"""Slots are what can really be booked."""
from datetime import timedelta

from server.roster.caregivers.commands import SaveService
from server.roster.showcase.commands import FindSlots
from tests.unit.roster.stage import NOW, SERVICE, make_busy, make_order
from tests.unit.roster.test_patients import field_refused, refusal


async def slots(roster, caregiver_id, *, date="2026-11-24", service_type="escort_hourly", **more):
    asked = FindSlots.model_validate({"caregiver_id": caregiver_id, "date": date, "service_type": service_type, **more})
    return (await roster.slots.find_slots(await roster.someone(), asked))["items"]


def clock_times(items):
    return [item["start_at"][11:16] for item in items]


async def test_a_free_day_has_every_quarter_that_fits(roster):
    _, caregiver_id = await roster.approved()
    items = await slots(roster, caregiver_id)
    assert items[0] == {
        "start_at": "2026-11-24T08:00:00.000+08:00",
        "end_at": "2026-11-24T09:00:00.000+08:00",
        "price_fen": 6_000,
    }
    assert len(items) == 45 and clock_times(items)[-1] == "19:00"
    assert clock_times(await slots(roster, caregiver_id, service_type="errand"))[-1] == "18:00"
    long = await slots(roster, caregiver_id, duration_minutes="180")
    assert (clock_times(long)[-1], long[0]["price_fen"]) == ("17:00", 18_000)


async def test_busy_time_and_the_way_there_are_left_out(roster, database):
    _, caregiver_id = await roster.approved()
    order_id = await make_order(database, await roster.someone(), caregiver_id)
    noon = NOW + timedelta(days=1, hours=1, minutes=30)
    await make_busy(database, order_id, caregiver_id, noon, noon + timedelta(hours=2))
    times = clock_times(await slots(roster, caregiver_id))
    assert "10:30" in times and "14:30" in times
    assert [time for time in times if "10:30" < time < "14:30"] == []


async def test_today_begins_after_the_lead_and_without_urgent_after_four_hours(roster):
    call, caregiver_id = await roster.approved()
    assert clock_times(await slots(roster, caregiver_id, date="2026-11-23"))[0] == "11:30"
    await roster.service.save_service(call, SaveService.model_validate(SERVICE | {"accepts_urgent": False}))
    assert clock_times(await slots(roster, caregiver_id, date="2026-11-23"))[0] == "14:45"


async def test_nights_are_for_who_takes_them(roster):
    call, caregiver_id = await roster.approved()
    late = {"weekly_hours": [{"weekday": 2, "start": "20:00", "end": "24:00"}]}
    await roster.service.save_service(call, SaveService.model_validate(SERVICE | late))
    assert clock_times(await slots(roster, caregiver_id)) == ["20:00", "20:15", "20:30", "20:45"]
    await roster.service.save_service(call, SaveService.model_validate(SERVICE | late | {"accepts_night": True}))
    assert clock_times(await slots(roster, caregiver_id))[-1] == "23:00"


async def test_beyond_the_horizon_or_the_papers_there_is_nothing(roster):
    _, caregiver_id = await roster.approved()
    assert await slots(roster, caregiver_id, date="2027-01-23") == []
    assert len(await slots(roster, caregiver_id, date="2027-01-22")) == 11
    roster.clock.at += timedelta(days=150)
    assert len(await slots(roster, caregiver_id, date="2027-04-30")) == 45
    assert await slots(roster, caregiver_id, date="2027-05-01") == []


async def test_what_is_not_sold_has_no_slots_and_what_is_wrong_is_refused(roster):
    _, caregiver_id = await roster.approved()
    assert await slots(roster, caregiver_id, service_type="inpatient_24h") == []
    assert await field_refused(slots(roster, caregiver_id, service_type="massage")) == "service_type"
    wrong = slots(roster, caregiver_id, service_type="errand", duration_minutes="60")
    assert (await refusal(wrong)).code == "invalid_duration"
    assert (await refusal(slots(roster, "0" * 26))).code == "not_found"
