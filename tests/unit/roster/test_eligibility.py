"""Who may be asked, with each condition taken away once."""
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, insert, update

from server.core.clock import SHANGHAI
from server.core.ids import new_id
from server.roster.caregivers.commands import SaveService
from server.roster.eligibility import eligible_caregivers, may_serve_until
from server.storage.tables.booking import offer
from server.storage.tables.roster import caregiver_district, caregiver_price, t_caregiver_info
from tests.unit.roster.stage import NOW, SERVICE, make_busy, make_order

START = datetime(2026, 11, 24, 9, tzinfo=SHANGHAI)
VISIT = {
    "district": "haidian",
    "service_type": "escort_hourly",
    "start_at": START,
    "end_at": START + timedelta(hours=2),
    "needs_night": False,
    "needs_urgent": False,
    "max_day_price_fen": 6_000,
    "exclude": set(),
    "only": None,
    "now": NOW,
    "hospital_id": "bj-beisan",
}


async def found(database, **changes):
    async with database.read() as tx:
        return await eligible_caregivers(tx, **(VISIT | changes))


async def ids(database, **changes):
    return [one.caregiver_id for one in await found(database, **changes)]


async def test_one_who_fits_is_found_with_what_ranks(roster, database):
    call, caregiver_id = await roster.approved()
    (one,) = await found(database)
    assert (one.caregiver_id, one.user_id, one.experience_years) == (caregiver_id, call.user.user_id, 8)
    assert (one.rating_milli, one.review_count, one.completed_count, one.recent_offers) == (None, 0, 0, 0)


@pytest.mark.parametrize(
    "values",
    [
        {"qualification_status": "pending"},
        {"banned_at": NOW},
        {"papers_valid_until": datetime(2026, 11, 23, tzinfo=UTC).date()},
        {"listening": False},
    ],
)
async def test_a_caregiver_who_may_not_or_does_not_listen_is_not_asked(roster, database, values):
    await roster.approved()
    await database.write(lambda tx: tx.run(update(t_caregiver_info).values(values)))
    assert await ids(database) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"district": "chaoyang"},
        {"service_type": "inpatient_24h"},
        {"max_day_price_fen": 5_999},
        {"needs_night": True},
        {"start_at": START - timedelta(hours=2)},
        {"end_at": START + timedelta(hours=12)},
        {"only": "0" * 26},
    ],
)
async def test_a_visit_that_does_not_suit_is_not_offered(roster, database, changes):
    await roster.approved()
    assert await ids(database, **changes) == []


async def test_urgent_visits_go_to_who_takes_them(roster, database):
    call, caregiver_id = await roster.approved()
    assert await ids(database, needs_urgent=True) == [caregiver_id]
    await roster.service.save_service(call, SaveService.model_validate(SERVICE | {"accepts_urgent": False}))
    assert await ids(database, needs_urgent=True) == []


async def test_a_named_caregiver_need_not_listen_and_may_ask_more(roster, database):
    _, caregiver_id = await roster.approved()
    await database.write(lambda tx: tx.run(update(t_caregiver_info).values(listening=False)))
    assert await ids(database, only=caregiver_id, max_day_price_fen=None) == [caregiver_id]
    assert await ids(database, only=caregiver_id, max_day_price_fen=None, exclude={caregiver_id}) == []


async def test_busy_time_counts_with_travel_between_hospitals(roster, database):
    _, caregiver_id = await roster.approved()
    order_id = await make_order(database, await roster.someone(), caregiver_id)
    busy_from = START + timedelta(hours=2, minutes=15)
    await make_busy(database, order_id, caregiver_id, busy_from, busy_from + timedelta(hours=2))
    assert await ids(database) == [], "a quarter of an hour to another hospital"
    assert await ids(database, hospital_id="bj-xiehe") == [caregiver_id]
    assert await ids(database, hospital_id=None) == []
    assert await ids(database, end_at=START + timedelta(hours=1, minutes=45)) == [caregiver_id]
    assert await ids(database, order_id=order_id) == [caregiver_id], "the order's own hold"


async def test_an_exception_of_the_day_counts(roster, database):
    call, _ = await roster.approved()
    off = {"exceptions": [{"date": "2026-11-24", "available": False, "start": "10:30", "end": "11:00"}]}
    await roster.service.save_service(call, SaveService.model_validate(SERVICE | off))
    assert await ids(database) == []
    assert len(await ids(database, end_at=START + timedelta(minutes=90))) == 1


async def test_recent_offers_are_those_of_a_day(roster, database):
    _, caregiver_id = await roster.approved()
    order_id = await make_order(database, await roster.someone(), caregiver_id)
    ages = (timedelta(hours=1), timedelta(hours=23), timedelta(hours=25))
    rows = [
        {
            "offer_id": new_id(),
            "order_id": order_id,
            "caregiver_id": caregiver_id,
            "wave": 1,
            "state": "expired",
            "opened_at": NOW - age,
            "expires_at": NOW,
            "income_fen": 1,
        }
        for age in ages
    ]
    await database.write(lambda tx: tx.run(insert(offer), rows))
    assert [one.recent_offers for one in await found(database)] == [2]


async def test_papers_must_last_to_the_day_on_which_a_visit_ends(roster, database):
    _, caregiver_id = await roster.approved()
    last = datetime(2027, 4, 30, 23, 59, tzinfo=SHANGHAI)
    async with database.read() as tx:
        assert await may_serve_until(tx, caregiver_id, last)
        assert not await may_serve_until(tx, caregiver_id, last + timedelta(minutes=1))
        assert not await may_serve_until(tx, "0" * 26, last)


async def test_without_a_price_or_a_district_row_nobody_is_asked(roster, database):
    await roster.approved()
    for table in (caregiver_price, caregiver_district):
        await database.write(lambda tx, table=table: tx.run(delete(table)))
        assert await ids(database) == []
