"""Nobody is in two visits at once, and changing hospital takes time."""
from datetime import timedelta

from tests.cast import HOSPITAL, NEIGHBOUR

LEAD = timedelta(hours=5)


def after(slot, **shift):
    return tuple(instant + timedelta(**shift) for instant in slot)


async def book(stage, family, slot, *, named=None, hospital_id=HOSPITAL):
    answer = await stage.create(stage.families[family], slot, named=named, hospital_id=hospital_id)
    return "ok" if answer.is_ok else answer.code


async def test_visits_in_one_hospital_may_follow_each_other_directly(stage):
    caregiver, slot = stage.caregivers[0], stage.slot(lead=LEAD)
    for family, hours in enumerate((0, 2, -2)):
        assert await book(stage, family, after(slot, hours=hours), named=caregiver) == "ok"


async def test_changing_hospital_takes_half_an_hour(stage):
    caregiver, slot = stage.caregivers[0], stage.slot(lead=LEAD)
    assert await book(stage, 0, slot, named=caregiver) == "ok"
    for shift in ({"hours": 2, "minutes": 15}, {"hours": -2, "minutes": -15}):
        asked = {"named": caregiver, "hospital_id": NEIGHBOUR}
        assert await book(stage, 1, after(slot, **shift), **asked) == "caregiver_busy"
    for family, shift in ((1, {"hours": 2, "minutes": 30}), (2, {"hours": -2, "minutes": -30})):
        assert await book(stage, family, after(slot, **shift), named=caregiver, hospital_id=NEIGHBOUR) == "ok"


async def test_any_common_moment_is_a_conflict_wherever_it_is(stage):
    caregiver, slot = stage.caregivers[0], stage.slot(lead=LEAD)
    assert await book(stage, 0, slot, named=caregiver) == "ok"
    for hospital_id in (HOSPITAL, NEIGHBOUR):
        for minutes in (-105, 0, 105):
            again = after(slot, minutes=minutes)
            assert await book(stage, 1, again, named=caregiver, hospital_id=hospital_id) == "caregiver_busy"


async def test_a_patients_visits_need_no_pause_but_never_overlap(stage):
    slot = stage.slot(lead=LEAD)
    assert await book(stage, 0, slot) == "ok"
    assert await book(stage, 0, after(slot, minutes=105)) == "patient_busy"
    assert await book(stage, 0, after(slot, hours=2), hospital_id=NEIGHBOUR) == "ok"
