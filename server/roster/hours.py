"""Does a caregiver work then, and when is one free.

A shift belongs to the Shanghai day on which it begins; an end at or before the start lies on the next
day (contract.md §5). Everything is reckoned in minutes of the Shanghai calendar, never compared as text.
"""
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from server.core.clock import SHANGHAI, shanghai_date

_DAY_MIN = 1_440
_Minutes = tuple[int, int]  # half-open, from the midnight with which the first day begins

Interval = tuple[datetime, datetime]  # half-open, aware


@dataclass(frozen=True, slots=True)
class WeeklyShift:
    """A shift of every week: weekday 1-7 (Monday 1), minutes since midnight, end 0-1440."""

    weekday: int
    start_min: int
    end_min: int


@dataclass(frozen=True, slots=True)
class DateException:
    """What differs on one date.

    `available` with times: these shifts instead of the weekly ones; without: the whole day.
    Not available without times: no shift begins that day and none reaches into it; with times: only
    that span is taken out.
    """

    day: date
    available: bool
    start_min: int | None = None
    end_min: int | None = None


@dataclass(frozen=True, slots=True)
class WorkingHours:
    """A caregiver's own plan; no rows at all means never."""

    weekly: tuple[WeeklyShift, ...] = ()
    exceptions: tuple[DateException, ...] = ()


def overlaps(one: Interval, other: Interval, *, buffer: timedelta = timedelta()) -> bool:
    """Whether two half-open intervals meet when at least `buffer` must lie between them."""
    return one[0] < other[1] + buffer and other[0] < one[1] + buffer


def working_intervals(hours: WorkingHours, first_day: date, last_day: date) -> list[Interval]:
    """The merged working time of the days `first_day`..`last_day` (Shanghai), in order.

    Shifts that began the day before count; what runs on after `last_day` is kept whole.
    """
    midnight = datetime.combine(first_day, time(), SHANGHAI)
    return [
        (midnight + timedelta(minutes=start), midnight + timedelta(minutes=end))
        for start, end in _working_minutes(hours, first_day, last_day)
    ]


def covers(hours: WorkingHours, start_at: datetime, end_at: datetime) -> bool:
    """Whether the plan covers all of `[start_at, end_at)`, over midnights and several days."""
    first_day, last_day = shanghai_date(start_at), shanghai_date(end_at)
    return any(
        begins <= start_at and end_at <= ends
        for begins, ends in working_intervals(hours, first_day, last_day)
    )


def free_starts(
    hours: WorkingHours,
    day: date,
    *,
    duration_min: int,
    grid_min: int,
    buffer_min: int,
    busy: Iterable[Interval],
    earliest_at: datetime,
    latest_at: datetime,
) -> list[datetime]:
    """Starts on the grid of one Shanghai day at which a visit of `duration_min` fits.

    It fits when the plan covers it, `buffer_min` lies between it and everything in `busy`, and it starts
    within `earliest_at`..`latest_at`, both allowed.
    """
    midnight = datetime.combine(day, time(), SHANGHAI)
    duration, buffer = timedelta(minutes=duration_min), timedelta(minutes=buffer_min)
    last_day = shanghai_date(midnight + timedelta(days=1) + duration)
    working = working_intervals(hours, day, last_day)
    taken = list(busy)
    starts = []
    for minute in range(0, _DAY_MIN, grid_min):
        start_at = midnight + timedelta(minutes=minute)
        visit = (start_at, start_at + duration)
        if (
            earliest_at <= start_at <= latest_at
            and any(begins <= visit[0] and visit[1] <= ends for begins, ends in working)
            and not any(overlaps(visit, other, buffer=buffer) for other in taken)
        ):
            starts.append(start_at)
    return starts


def _working_minutes(hours: WorkingHours, first_day: date, last_day: date) -> list[_Minutes]:
    exceptions: dict[date, list[DateException]] = {}
    for exception in hours.exceptions:
        exceptions.setdefault(exception.day, []).append(exception)
    open_spans: list[_Minutes] = []
    shut_spans: list[_Minutes] = []
    for offset in range(-1, (last_day - first_day).days + 1):
        day = first_day + timedelta(days=offset)
        opens, shuts = _spans_of_day(hours.weekly, day, exceptions.get(day, ()))
        open_spans += _moved(opens, offset * _DAY_MIN)
        shut_spans += _moved(shuts, offset * _DAY_MIN)
    return _without(_merged(open_spans), _merged(shut_spans))


def _spans_of_day(
    weekly: Sequence[WeeklyShift], day: date, exceptions: Sequence[DateException]
) -> tuple[list[_Minutes], list[_Minutes]]:
    """What opens and what shuts, in minutes from this day's midnight."""
    if any(not other.available and other.start_min is None for other in exceptions):
        return [], [(0, _DAY_MIN)]
    shuts = [_span(other.start_min, other.end_min) for other in exceptions if not other.available]
    instead = [_span(other.start_min, other.end_min) for other in exceptions if other.available]
    if instead:
        return instead, shuts
    weekday = day.isoweekday()
    return [_span(shift.start_min, shift.end_min) for shift in weekly if shift.weekday == weekday], shuts


def _span(start_min: int | None, end_min: int | None) -> _Minutes:
    if start_min is None or end_min is None:
        return 0, _DAY_MIN
    return start_min, end_min if end_min > start_min else end_min + _DAY_MIN


def _moved(spans: Iterable[_Minutes], by_min: int) -> Iterator[_Minutes]:
    return ((start + by_min, end + by_min) for start, end in spans)


def _merged(spans: list[_Minutes]) -> list[_Minutes]:
    """Sorted, with spans that touch or overlap made one."""
    merged: list[_Minutes] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _without(spans: list[_Minutes], cuts: list[_Minutes]) -> list[_Minutes]:
    """What is left of `spans` (merged, sorted) after taking out `cuts` (the same)."""
    left = []
    for start, end in spans:
        for cut_start, cut_end in cuts:
            if cut_end <= start or end <= cut_start:
                continue
            if start < cut_start:
                left.append((start, cut_start))
            start = max(start, cut_end)
        if start < end:
            left.append((start, end))
    return left
