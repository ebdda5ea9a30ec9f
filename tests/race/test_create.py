"""Many families want one caregiver's time, or one patient's."""
import pytest
from sqlalchemy import func, select

from server.core.ids import new_id
from server.storage.tables.booking import t_order
from tests.invariants import check_invariants
from tests.race.rivals import Rivals, at_once, two_instances
from tests.race.unguarded import UnguardedCalendar

CALLERS = 20


async def _rivals(open_world, **guards):
    rivals = Rivals(await open_world(*two_instances(**guards)))
    await rivals.join(*rivals.world.families[:CALLERS])
    return rivals


async def _create(rivals, family, number, *, by_rpc, **more):
    """Who hears that the database is too busy asks again with the key, as every client does."""
    wish, key = rivals.bookings.wish(family, rivals.bookings.slot(number), **more), new_id()
    for _ in range(5):
        reply = await rivals.ask(family, "order.create", wish, by_rpc=by_rpc, key=key)
        if reply.code != "unavailable":
            break
    return reply


async def _one_caregivers_time(rivals, number):
    named = rivals.world.caregivers[number % len(rivals.world.caregivers)]
    replies = await at_once(
        *(
            _create(rivals, family, number, named=named, by_rpc=(place + number) % 2 == 0)
            for place, family in enumerate(rivals.world.families[:CALLERS])
        )
    )
    codes = sorted(reply.code for reply in replies)
    assert codes == ["caregiver_busy"] * (CALLERS - 1) + ["ok"], f"round {number}: {codes}"
    assert {reply.status for reply in replies if not reply.is_ok} == {409}


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_of_twenty_families_who_name_one_caregiver_one_gets_the_time(open_world, rounds):
    rivals = await _rivals(open_world)
    for number in range(rounds):
        await _one_caregivers_time(rivals, number)


async def test_the_race_is_real_without_the_calendars_condition_all_hold_the_same_time(open_world):
    rivals = await _rivals(open_world, calendar=UnguardedCalendar)
    rivals.world.is_sound = False
    for number in range(2):
        with pytest.raises(AssertionError, match=f"round {number}: .'ok', 'ok'"):
            await _one_caregivers_time(rivals, number)
    with pytest.raises(AssertionError, match="nobody_is_in_two_places"):
        await check_invariants(rivals.world.database)


async def _one_patients_time(rivals, number):
    """The same family books twice, as two members with one account do: two keys, two wishes."""
    family = rivals.world.families[number % CALLERS]
    replies = await at_once(*(_create(rivals, family, number, by_rpc=tap % 2 == 0) for tap in range(4)))
    codes = sorted(reply.code for reply in replies)
    assert codes == ["ok"] + ["patient_busy"] * 3, f"round {number}: {codes}"
    mine = select(func.count().label("n")).where(t_order.c.user_id == family.user_id)
    assert (await rivals.world.one(mine))["n"] == number // CALLERS + 1


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_a_patient_is_booked_once_for_one_time(open_world, rounds):
    rivals = await _rivals(open_world)
    for number in range(rounds):
        await _one_patients_time(rivals, number)


async def test_the_race_is_real_without_the_calendars_condition_a_patient_is_booked_again_and_again(open_world):
    rivals = await _rivals(open_world, calendar=UnguardedCalendar)
    rivals.world.is_sound = False
    for number in range(2):
        with pytest.raises(AssertionError, match=f"round {number}: .'ok', 'ok', 'ok', 'ok'"):
            await _one_patients_time(rivals, number)
