"""Prices within bounds, hours without overlap."""
import pytest
from sqlalchemy import select

from server.roster.caregivers.commands import Nothing, SaveService
from server.storage.tables.roster import caregiver_hours, caregiver_open_time
from tests.unit.roster.stage import SERVICE
from tests.unit.roster.test_patients import field_refused, refusal


def service(**changes):
    return SaveService.model_validate(SERVICE | changes)


def price(fen, service_type="escort_hourly", band="day"):
    return {"service_type": service_type, "band": band, "price_fen": fen}


def shift(weekday, start, end):
    return {"weekday": weekday, "start": start, "end": end}


async def test_settings_are_read_back_as_they_were_posted(roster):
    call, _ = await roster.caregiver()
    posted = service(
        weekly_hours=[shift(1, "08:00", "24:00"), shift(5, "22:00", "08:00"), shift(6, "20:00", "20:00")],
        exceptions=[
            {"date": "2026-12-01", "available": False},
            {"date": "2026-12-02", "available": True, "start": "22:00", "end": "06:00"},
        ],
        accepts_night=True,
    )
    answered = await roster.service.save_service(call, posted)
    assert answered == await roster.service.read_service(call, Nothing())
    assert answered["weekly_hours"] == [
        shift(1, "08:00", "24:00"),
        shift(5, "22:00", "08:00"),
        shift(6, "20:00", "20:00"),
    ]
    assert answered["exceptions"][0] == {"date": "2026-12-01", "available": False, "start": None, "end": None}
    assert answered["exceptions"][1]["end"] == "06:00"
    assert (answered["accepts_urgent"], answered["accepts_night"]) == (True, True)
    assert answered["prices"][0]["service_type_text"] == "代办跑腿"


async def test_posting_again_replaces_prices_and_hours(roster, database):
    call, _ = await roster.caregiver()
    await roster.service.save_service(call, service(prices=[price(5_000)], weekly_hours=[]))
    shown = await roster.service.read_service(call, Nothing())
    assert [row["price_fen"] for row in shown["prices"]] == [5_000]
    async with database.read() as tx:
        assert await tx.all(select(caregiver_hours)) == []
        assert await tx.all(select(caregiver_open_time)) == []


@pytest.mark.parametrize(
    ("prices", "field"),
    [
        ([price(2_999)], "prices.0.price_fen"),
        ([price(3_000), price(20_001, band="night")], "prices.1.price_fen"),
        ([price(6_000, "massage")], "prices.0.service_type"),
        ([price(6_000), price(7_000)], "prices.1"),
        ([price(6_000, band="night")], "prices"),
        ([price(6_000), price(9_000, "errand", "holiday")], "prices"),
    ],
)
async def test_prices_keep_to_the_catalogue(roster, prices, field):
    call, _ = await roster.caregiver()
    assert await field_refused(roster.service.save_service(call, service(prices=prices))) == field


async def test_the_bounds_themselves_are_allowed(roster):
    call, _ = await roster.caregiver()
    await roster.service.save_service(call, service(prices=[price(3_000), price(20_000, band="holiday")]))


@pytest.mark.parametrize(
    ("rows", "field"),
    [
        ([shift(1, "08:00", "12:00"), shift(1, "11:59", "13:00")], "weekly_hours.1"),
        ([shift(1, "22:00", "08:00"), shift(2, "07:00", "09:00")], "weekly_hours.1"),
        ([shift(1, "06:00", "09:00"), shift(7, "22:00", "08:00")], "weekly_hours.0"),
        ([shift(3, "00:00", "24:00"), shift(3, "00:00", "24:00")], "weekly_hours.1"),
        ([shift(3, "24:00", "06:00")], "weekly_hours.0.start"),
    ],
)
async def test_overlapping_shifts_are_refused_over_midnight_and_weeks_end(roster, rows, field):
    call, _ = await roster.caregiver()
    assert await field_refused(roster.service.save_service(call, service(weekly_hours=rows))) == field


async def test_shifts_may_touch(roster):
    call, _ = await roster.caregiver()
    rows = [shift(1, "08:00", "12:00"), shift(1, "12:00", "24:00")]
    rows += [shift(2, "00:00", "08:00"), shift(7, "22:00", "08:00")]
    await roster.service.save_service(call, service(weekly_hours=rows))


@pytest.mark.parametrize(
    ("rows", "field"),
    [
        ([{"date": "2026-12-01", "available": True, "start": "08:00"}], "exceptions.0"),
        (
            [
                {"date": "2026-12-01", "available": False},
                {"date": "2026-12-01", "available": True, "start": "08:00", "end": "09:00"},
            ],
            "exceptions.1",
        ),
        ([{"date": "2026-12-01", "available": True, "start": "24:00", "end": "09:00"}], "exceptions.0.start"),
    ],
)
async def test_exceptions_of_a_date_must_make_sense_together(roster, rows, field):
    call, _ = await roster.caregiver()
    assert await field_refused(roster.service.save_service(call, service(exceptions=rows))) == field


async def test_without_a_profile_there_is_nothing_to_set(roster):
    call = await roster.someone("caregiver")
    assert (await refusal(roster.service.save_service(call, service()))).code == "wrong_state"
    assert (await refusal(roster.service.read_service(call, Nothing()))).code == "not_found"
