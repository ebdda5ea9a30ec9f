"""Clock days add up to what the hours mean."""
from datetime import date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from server.core.clock import SHANGHAI
from server.roster.hours import DateException, WeeklyShift, WorkingHours, covers
from server.roster.opening import OpenSpan, day_needs, open_spans

MONDAY = date(2026, 11, 23)
NIGHTS = WorkingHours(weekly=(WeeklyShift(1, 1_320, 360),))
MINUTES = st.integers(0, 96).map(lambda quarter: quarter * 15)


def adds_up(spans, start_at, end_at):
    """What the search's SQL does."""
    days = {}
    for span in spans:
        days.setdefault(span.day, []).append((span.start_minute, span.end_minute))
    for need in day_needs(start_at, end_at):
        rows = days.get(need.dated, days.get(need.weekly, []))
        shared = sum(max(0, min(end, need.end_minute) - max(start, need.start_minute)) for start, end in rows)
        if shared < need.end_minute - need.start_minute:
            return False
    return True


def test_a_night_shift_lies_on_two_days():
    assert open_spans(NIGHTS) == [OpenSpan("w1", 1_320, 1_440), OpenSpan("w2", 0, 360)]


def test_a_day_off_is_marked_and_cuts_the_night_before():
    off = DateException(MONDAY + timedelta(days=1), available=False)
    spans = open_spans(WorkingHours(weekly=NIGHTS.weekly, exceptions=(off,)))
    assert OpenSpan("2026-11-24", 0, 0) in spans
    assert OpenSpan("2026-11-25", 0, 0) in spans, "the day after is written too, a shift could reach it"


def test_broken_minutes_are_widened():
    start = datetime(2026, 11, 23, 23, 59, 30, tzinfo=SHANGHAI)
    needs = list(day_needs(start, start + timedelta(seconds=31)))
    assert [(need.dated, need.weekly, need.start_minute, need.end_minute) for need in needs] == [
        ("2026-11-23", "w1", 1_439, 1_440),
        ("2026-11-24", "w2", 0, 1),
    ]


@st.composite
def plans(draw):
    weekly = draw(st.lists(st.builds(WeeklyShift, st.integers(1, 7), MINUTES.filter(lambda m: m < 1_440), MINUTES)))
    times = st.one_of(st.just((None, None)), st.tuples(MINUTES.filter(lambda m: m < 1_440), MINUTES))
    days = st.integers(-2, 9).map(lambda days: MONDAY + timedelta(days=days))
    exceptions = draw(st.lists(st.tuples(days, st.booleans(), times), max_size=4))
    return WorkingHours(
        weekly=tuple(weekly), exceptions=tuple(DateException(day, works, *span) for day, works, span in exceptions)
    )


@settings(max_examples=300, deadline=None, database=None)
@given(hours=plans(), start_min=st.integers(0, 7 * 288), length_min=st.integers(1, 300))
def test_for_every_plan_and_interval_both_agree(hours, start_min, length_min):
    start_at = datetime(2026, 11, 23, tzinfo=SHANGHAI) + timedelta(minutes=5 * start_min)
    end_at = start_at + timedelta(minutes=5 * length_min)
    assert adds_up(open_spans(hours), start_at, end_at) == covers(hours, start_at, end_at)
