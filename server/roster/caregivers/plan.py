"""Makes a plan of settings, or says which row is wrong.

Pure. Rows of one kind never overlap, so that what a caregiver sees is what counts.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from server.core.errors import invalid
from server.roster.caregivers.commands import ExceptionRow, HoursRow, PriceRow, SaveService
from server.roster.catalog import Catalog
from server.roster.hours import DateException, WeeklyShift, WorkingHours

_DAY_MIN = 1_440
_WEEK_MIN = 7 * _DAY_MIN


def checked_prices(rows: Sequence[PriceRow], *, catalog: Catalog) -> list[dict[str, Any]]:
    """Rows for the store. Raises Refused: 422 `invalid` about the first row that does not fit."""
    seen: set[tuple[str, str]] = set()
    for position, row in enumerate(rows):
        service = catalog.service_type(row.service_type)
        if service is None:
            raise invalid(f"prices.{position}.service_type", "没有这种服务类型", code="not_allowed")
        if not service.allows_price(row.price_fen):
            least, most = service.min_price_fen / 100, service.max_price_fen / 100
            raise invalid(
                f"prices.{position}.price_fen", f"{service.name}价格应在{least:g}至{most:g}元之间", code="out_of_range"
            )
        if (row.service_type, row.band) in seen:
            raise invalid(f"prices.{position}", "同一服务类型和时段只能有一个价格", code="repeated")
        seen.add((row.service_type, row.band))
    for service_type, _ in sorted(seen):
        if (service_type, "day") not in seen:
            raise invalid("prices", "每种服务都需要日间价格", code="day_price_missing")
    return [row.model_dump() for row in rows]


def checked_hours(command: SaveService) -> WorkingHours:
    """The plan. Raises Refused: 422 `invalid` about the first row that does not fit."""
    _refuse_overlapping_week(command.weekly_hours)
    _refuse_overlapping_dates(command.exceptions)
    return WorkingHours(
        weekly=tuple(WeeklyShift(row.weekday, row.start, row.end) for row in command.weekly_hours),
        exceptions=tuple(DateException(row.date, row.available, row.start, row.end) for row in command.exceptions),
    )


def _span(start: int, end: int) -> tuple[int, int]:
    return start, end if end > start else end + _DAY_MIN


def _refuse_overlapping_week(rows: Sequence[HoursRow]) -> None:
    spans = []
    for position, row in enumerate(rows):
        if row.start == _DAY_MIN:
            raise invalid(f"weekly_hours.{position}.start", "开始时间应早于24:00", code="out_of_range")
        start, end = _span(row.start, row.end)
        offset = (row.weekday - 1) * _DAY_MIN
        spans.append((start + offset, end + offset, position))
    for start, end, position in list(spans):
        if end > _WEEK_MIN:  # Sunday night is next to Monday morning
            spans.append((start - _WEEK_MIN, end - _WEEK_MIN, position))
    _refuse_overlap(spans, field="weekly_hours")


def _refuse_overlapping_dates(rows: Sequence[ExceptionRow]) -> None:
    for position, row in enumerate(rows):
        if (row.start is None) != (row.end is None):
            raise invalid(f"exceptions.{position}", "开始和结束时间应同时填写", code="incomplete")
        if row.start == _DAY_MIN:
            raise invalid(f"exceptions.{position}.start", "开始时间应早于24:00", code="out_of_range")
    numbered = sorted(enumerate(rows), key=lambda pair: pair[1].date)
    for _, same_date in groupby(numbered, key=lambda pair: pair[1].date):
        _refuse_overlap([(*_exception_span(row), position) for position, row in same_date], field="exceptions")


def _exception_span(row: ExceptionRow) -> tuple[int, int]:
    return (0, _DAY_MIN) if row.start is None or row.end is None else _span(row.start, row.end)


def _refuse_overlap(spans: Iterable[tuple[int, int, int]], *, field: str) -> None:
    """Each span is (start, end, position of its row)."""
    latest_end = None
    for start, end, position in sorted(spans):
        if latest_end is not None and start < latest_end:
            raise invalid(f"{field}.{position}", "与其他时间段重叠", code="overlapping")
        latest_end = end
