"""Working hours: what a plan covers, checked minute by minute."""
from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.core.clock import SHANGHAI
from server.roster.hours import (
    DateException,
    WeeklyShift,
    WorkingHours,
    covers,
    free_starts,
    overlaps,
    working_intervals,
)

MONDAY = date(2026, 11, 23)
AROUND_THE_CLOCK = WorkingHours(tuple(WeeklyShift(weekday, 0, 1_440) for weekday in range(1, 8)))
NIGHTS = WorkingHours(tuple(WeeklyShift(weekday, 1_320, 480) for weekday in range(1, 8)))  # 22:00-08:00


def at(day: date, minute: int) -> datetime:
    return datetime.combine(day, time(), SHANGHAI) + timedelta(minutes=minute)


def day_after(days: int) -> date:
    return MONDAY + timedelta(days=days)


@pytest.mark.parametrize("hours", [1, 12, 24, 24 * 9])
@pytest.mark.parametrize("start_min", [0, 15, 1_425])
def test_whoever_works_around_the_clock_covers_everything(hours, start_min):
    start_at = at(MONDAY, start_min)
    assert covers(AROUND_THE_CLOCK, start_at, start_at + timedelta(hours=hours))


def test_a_night_shift_covers_over_midnight_and_not_the_day():
    assert covers(NIGHTS, at(MONDAY, 1_320), at(MONDAY, 1_320 + 600))
    assert covers(NIGHTS, at(MONDAY, 0), at(MONDAY, 480))
    assert not covers(NIGHTS, at(MONDAY, 0), at(MONDAY, 495))
    assert not covers(NIGHTS, at(MONDAY, 600), at(MONDAY, 660))


def test_an_end_at_the_start_means_the_same_time_next_day():
    plan = WorkingHours((WeeklyShift(1, 480, 480),))
    assert covers(plan, at(MONDAY, 480), at(day_after(1), 480))
    assert not covers(plan, at(MONDAY, 480), at(day_after(1), 495))


def test_shifts_that_touch_are_one():
    plan = WorkingHours((WeeklyShift(1, 480, 720), WeeklyShift(1, 720, 960)))
    assert covers(plan, at(MONDAY, 600), at(MONDAY, 840))


def test_a_plan_without_rows_covers_nothing():
    assert not covers(WorkingHours(), at(MONDAY, 600), at(MONDAY, 660))


def test_a_day_off_takes_the_day_out_and_the_shift_that_begins_on_it():
    plan = WorkingHours(NIGHTS.weekly, (DateException(day_after(1), available=False),))
    assert not covers(plan, at(MONDAY, 1_320), at(day_after(1), 60))
    assert covers(plan, at(MONDAY, 1_320), at(MONDAY, 1_440))
    assert not covers(plan, at(day_after(1), 1_320), at(day_after(1), 1_380))
    assert not covers(plan, at(day_after(2), 0), at(day_after(2), 60))
    assert covers(plan, at(day_after(2), 1_320), at(day_after(2), 1_380))


def test_other_hours_on_a_date_replace_the_shifts_that_begin_on_it():
    plan = WorkingHours(
        AROUND_THE_CLOCK.weekly, (DateException(MONDAY, available=True, start_min=600, end_min=660),)
    )
    assert covers(plan, at(MONDAY, 600), at(MONDAY, 660))
    assert not covers(plan, at(MONDAY, 540), at(MONDAY, 600))


def test_a_date_may_be_opened_that_the_week_leaves_out():
    plan = WorkingHours(exceptions=(DateException(MONDAY, available=True),))
    assert covers(plan, at(MONDAY, 0), at(MONDAY, 1_440))


def test_some_hours_off_leave_the_rest_of_the_day():
    plan = WorkingHours(
        AROUND_THE_CLOCK.weekly, (DateException(MONDAY, available=False, start_min=720, end_min=780),)
    )
    assert covers(plan, at(MONDAY, 0), at(MONDAY, 720))
    assert covers(plan, at(MONDAY, 780), at(day_after(1), 600))
    assert not covers(plan, at(MONDAY, 705), at(MONDAY, 735))


def test_intervals_of_several_days_come_merged_and_in_order():
    assert working_intervals(AROUND_THE_CLOCK, MONDAY, day_after(2)) == [(at(day_after(-1), 0), at(day_after(3), 0))]
    assert working_intervals(NIGHTS, MONDAY, MONDAY) == [
        (at(day_after(-1), 1_320), at(MONDAY, 480)),
        (at(MONDAY, 1_320), at(day_after(1), 480)),
    ]


minutes = st.integers(0, 96).map(lambda quarter: quarter * 15)
shift_starts = st.integers(0, 95).map(lambda quarter: quarter * 15)
shifts = st.lists(st.builds(WeeklyShift, st.integers(1, 7), shift_starts, minutes), max_size=10)
some_days = st.integers(-2, 6).map(day_after)
exceptions = st.lists(
    st.one_of(
        st.builds(DateException, some_days, st.booleans()),
        st.builds(DateException, some_days, st.booleans(), shift_starts, minutes),
    ),
    max_size=5,
)


def works_at(plan: WorkingHours, instant: datetime) -> bool:
    """The rule told once more, for one minute: by day, without intervals."""
    today = instant.date()
    minute = instant.hour * 60 + instant.minute
    of_today = [e for e in plan.exceptions if e.day == today]
    if any(not e.available and e.start_min is None for e in of_today):
        return False
    for day, own_minute in ((today, minute), (today - timedelta(days=1), minute + 1_440)):
        for e in plan.exceptions:
            if e.day == day and not e.available and e.start_min is not None and _within(e, own_minute):
                return False
    return any(
        _begins_work(plan, day, own_minute)
        for day, own_minute in ((today, minute), (today - timedelta(days=1), minute + 1_440))
    )


def _begins_work(plan: WorkingHours, day: date, minute: int) -> bool:
    special = [e for e in plan.exceptions if e.day == day]
    if any(not e.available and e.start_min is None for e in special):
        return False
    opened = [e for e in special if e.available]
    if opened:
        return any(minute < 1_440 if e.start_min is None else _within(e, minute) for e in opened)
    return any(shift.weekday == day.isoweekday() and _within(shift, minute) for shift in plan.weekly)


def _within(span, minute: int) -> bool:
    length = (span.end_min - span.start_min) % 1_440 or 1_440
    return span.start_min <= minute < span.start_min + length


@given(shifts, exceptions, st.integers(0, 4 * 96), st.integers(1, 120))
def test_covering_agrees_with_a_walk_over_the_minutes(weekly, special, start_quarter, quarters):
    plan = WorkingHours(tuple(weekly), tuple(special))
    start_at = at(MONDAY, start_quarter * 15)
    end_at = start_at + timedelta(minutes=15 * quarters)
    walked = all(works_at(plan, start_at + timedelta(minutes=15 * quarter)) for quarter in range(quarters))
    assert covers(plan, start_at, end_at) is walked


busy_intervals = st.lists(
    st.tuples(st.integers(-96, 192), st.integers(1, 40)).map(
        lambda pair: (at(MONDAY, pair[0] * 15), at(MONDAY, (pair[0] + pair[1]) * 15))
    ),
    max_size=4,
)


@given(
    weekly=shifts,
    special=exceptions,
    busy=busy_intervals,
    duration_min=st.sampled_from([60, 120, 480, 1_440]),
    buffer_min=st.sampled_from([0, 30]),
    earliest=st.integers(-10, 100),
)
def test_free_starts_are_exactly_those_that_could_be_booked(weekly, special, busy, duration_min, buffer_min, earliest):
    plan = WorkingHours(tuple(weekly), tuple(special))
    earliest_at, latest_at = at(MONDAY, earliest * 15), at(day_after(30), 0)
    starts = free_starts(
        plan,
        MONDAY,
        duration_min=duration_min,
        grid_min=15,
        buffer_min=buffer_min,
        busy=busy,
        earliest_at=earliest_at,
        latest_at=latest_at,
    )
    buffer = timedelta(minutes=buffer_min)
    expected = []
    for quarter in range(96):
        visit = (at(MONDAY, quarter * 15), at(MONDAY, quarter * 15 + duration_min))
        clear = all(other[1] + buffer <= visit[0] or visit[1] + buffer <= other[0] for other in busy)
        if visit[0] >= earliest_at and clear and covers(plan, *visit):
            expected.append(visit[0])
    assert starts == expected


def test_free_starts_keep_within_the_horizon():
    starts = free_starts(
        AROUND_THE_CLOCK,
        MONDAY,
        duration_min=60,
        grid_min=15,
        buffer_min=0,
        busy=[(at(MONDAY, 600), at(MONDAY, 660))],
        earliest_at=at(MONDAY, 481),
        latest_at=at(MONDAY, 690),
    )
    assert [start.astimezone(SHANGHAI).strftime("%H:%M") for start in starts] == [
        "08:15", "08:30", "08:45", "09:00", "11:00", "11:15", "11:30",
    ]


def test_half_open_intervals_that_touch_do_not_overlap():
    one, next_one = (at(MONDAY, 0), at(MONDAY, 60)), (at(MONDAY, 60), at(MONDAY, 120))
    assert not overlaps(one, next_one)
    assert overlaps(one, next_one, buffer=timedelta(minutes=1))
    assert overlaps(next_one, one, buffer=timedelta(minutes=1))
    assert overlaps(one, (at(MONDAY, 59), at(MONDAY, 61)))
