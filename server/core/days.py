"""A span of Shanghai days, as lists are filtered by."""

from datetime import date, datetime, timedelta

from server.core.clock import shanghai_midnight
from server.core.errors import invalid


def span_of_days(first: date | None, last: date | None, *, field: str) -> tuple[datetime | None, datetime | None]:
    """(since, until) as instants, both days included, until exclusive; None: open.

    Raises Refused: 422 about `field` when the last day comes before the first.
    """
    if first is not None and last is not None and first > last:
        raise invalid(field, "结束日期不能早于开始日期")
    since = None if first is None else shanghai_midnight(first)
    return since, None if last is None else shanghai_midnight(last + timedelta(days=1))
