"""A plan as clock days, in rows that SQL can compare.

A day key is "w1"…"w7" for a day on which only the weekly plan holds, or the ISO date of a day that an
exception changes. Spans of one day never overlap, so a time is covered when their parts add up to it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from server.core.clock import SHANGHAI
from server.roster.hours import WorkingHours, working_intervals

_DAY_MIN = 1_440
_SOME_MONDAY = date(2026, 1, 5)


@dataclass(frozen=True, slots=True)
class OpenSpan:
    """Working minutes of one clock day; start = end marks a day without work."""

    day: str
    start_minute: int
    end_minute: int


@dataclass(frozen=True, slots=True)
class DayNeed:
    """The part of an interval that lies on one clock day, in whole minutes."""

    dated: str
    weekly: str
    start_minute: int
    end_minute: int


def open_spans(hours: WorkingHours) -> list[OpenSpan]:
    """All rows of a plan: its seven weekdays, and every date on which an exception is felt."""
    weekly = WorkingHours(weekly=hours.weekly)
    spans = []
    for weekday in range(1, 8):
        spans += _spans(weekly, _SOME_MONDAY + timedelta(days=weekday - 1), f"w{weekday}")
    days = {exception.day for exception in hours.exceptions}
    days |= {day + timedelta(days=1) for day in days}  # a shift of that date may end on the next
    for day in sorted(days):
        spans += _spans(hours, day, day.isoformat()) or [OpenSpan(day.isoformat(), 0, 0)]
    return spans


def _spans(hours: WorkingHours, day: date, key: str) -> list[OpenSpan]:
    midnight = datetime.combine(day, time(), SHANGHAI)
    found = []
    for begins, ends in working_intervals(hours, day, day):
        start = max(0, (begins - midnight) // timedelta(minutes=1))
        end = min(_DAY_MIN, (ends - midnight) // timedelta(minutes=1))
        if start < end:
            found.append(OpenSpan(key, start, end))
    return found


def day_needs(start_at: datetime, end_at: datetime) -> Iterator[DayNeed]:
    """An interval cut at Shanghai's midnights; broken minutes are widened to whole ones."""
    start_at, end_at = start_at.astimezone(SHANGHAI), end_at.astimezone(SHANGHAI)
    day = start_at.date()
    while (midnight := datetime.combine(day, time(), SHANGHAI)) < end_at:
        start = max(0, (start_at - midnight) // timedelta(minutes=1))
        end = min(_DAY_MIN, -((midnight - end_at) // timedelta(minutes=1)))
        yield DayNeed(day.isoformat(), f"w{day.isoweekday()}", start, end)
        day += timedelta(days=1)
