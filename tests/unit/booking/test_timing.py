"""When a visit may be booked, paid for and started."""
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.policy import PriceRules, TimeRules
from server.booking.rules.timing import (
    check_interval,
    in_start_window,
    pay_deadline,
    touches_night,
)
from server.core.clock import SHANGHAI
from server.core.errors import Refused
from server.roster.catalog import DEFAULT_CATALOG

RULES = TimeRules()
HOURLY = DEFAULT_CATALOG.service_type("escort_hourly")
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=SHANGHAI)
TOMORROW = datetime(2026, 11, 23, 9, 0, tzinfo=SHANGHAI)


def refusal(start_at: datetime, end_at: datetime, *, service=HOURLY, now: datetime = NOW) -> str | None:
    try:
        check_interval(service, start_at=start_at, end_at=end_at, now=now, rules=RULES)
    except Refused as refused:
        assert refused.message
        return refused.code
    return None


def hours_from(start_at: datetime, hours: float) -> tuple[datetime, datetime]:
    return start_at, start_at + timedelta(hours=hours)


@pytest.mark.parametrize("shift", [timedelta(minutes=7), timedelta(seconds=1), timedelta(milliseconds=1)])
def test_what_does_not_lie_on_quarter_hours_is_off_grid(shift):
    assert refusal(*hours_from(TOMORROW + shift, 1)) == "off_grid"
    assert refusal(TOMORROW, TOMORROW + timedelta(hours=1) + shift) == "off_grid"


@pytest.mark.parametrize("hours", [-1, 0, 0.25, 0.75, 1.5, 12.25, 13, 25])
def test_by_the_hour_only_1_to_12_whole_hours_are_sold(hours):
    assert refusal(*hours_from(TOMORROW, hours)) == "invalid_duration"


@pytest.mark.parametrize("hours", range(1, 13))
def test_every_whole_number_of_hours_up_to_12_is_sold(hours):
    assert refusal(*hours_from(TOMORROW + timedelta(minutes=15), hours)) is None


@pytest.mark.parametrize("service", [s for s in DEFAULT_CATALOG.service_types if s.duration_min is not None])
def test_the_other_types_have_one_length(service):
    length = timedelta(minutes=service.duration_min)
    assert refusal(TOMORROW, TOMORROW + length, service=service) is None
    for wrong in (length - timedelta(minutes=15), length + timedelta(minutes=15)):
        assert refusal(TOMORROW, TOMORROW + wrong, service=service) == "invalid_duration"


def test_the_lead_of_60_minutes_is_enough_and_a_moment_less_is_too_soon():
    visit = hours_from(NOW + timedelta(hours=1), 1)
    assert refusal(*visit) is None
    assert refusal(*visit, now=NOW + timedelta(milliseconds=1)) == "too_soon"
    assert refusal(*hours_from(NOW - timedelta(days=1), 1)) == "too_soon"


def test_the_horizon_of_60_days_is_allowed_and_the_next_quarter_hour_is_not():
    last = NOW + timedelta(days=60)
    assert refusal(*hours_from(last, 1)) is None
    assert refusal(*hours_from(last + timedelta(minutes=15), 1)) == "too_far_ahead"


@pytest.mark.parametrize(
    ("minutes", "open_then"), [(-31, False), (-30, True), (0, True), (59, True), (60, False), (61, False)]
)
def test_service_starts_from_half_an_hour_before_until_the_end(minutes, open_then):
    start_at, end_at = hours_from(TOMORROW, 1)
    now = start_at + timedelta(minutes=minutes)
    assert in_start_window(now, start_at=start_at, end_at=end_at, rules=RULES) is open_then


def test_payment_is_due_15_minutes_after_creation():
    assert pay_deadline(NOW, rules=RULES) == NOW + timedelta(minutes=15)


@pytest.mark.parametrize(
    ("hour", "hours", "touched"),
    [(21, 1, False), (21, 2, True), (6, 12, False), (5, 1, True), (0, 1, True), (10, 12, False), (11, 12, True)],
)
def test_night_is_touched_between_22_and_6(hour, hours, touched):
    start_at, end_at = hours_from(TOMORROW.replace(hour=hour), hours)
    assert touches_night(start_at, end_at, rules=PriceRules()) is touched


def test_a_night_on_a_holiday_is_still_a_night():
    start_at = datetime(2026, 10, 1, 23, 0, tzinfo=SHANGHAI)
    assert touches_night(start_at, start_at + timedelta(hours=1), rules=PriceRules())


@given(
    start_min=st.integers(0, 4_000),
    length_min=st.integers(1, 3_000),
    night=st.tuples(st.integers(0, 95), st.integers(0, 95)),
)
def test_touching_the_night_agrees_with_a_walk_over_all_minutes(start_min, length_min, night):
    rules = PriceRules(night_starts_at_min=night[0] * 15, night_ends_at_min=night[1] * 15)
    starts, ends = rules.night_starts_at_min, rules.night_ends_at_min
    midnight = datetime(2026, 11, 23, tzinfo=SHANGHAI)
    night_minutes = {(starts + i) % 1440 for i in range((ends - starts) % 1440)}
    walked = any(minute % 1440 in night_minutes for minute in range(start_min, start_min + length_min))
    start_at = midnight + timedelta(minutes=start_min)
    assert touches_night(start_at, start_at + timedelta(minutes=length_min), rules=rules) is walked
