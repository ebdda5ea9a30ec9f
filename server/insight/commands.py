"""What clients report of their use and administrators ask."""

from typing import Annotated

from pydantic import Field

from config.fields import Body, Instant, Query, ShortText, query_int

_DAY_MS = 86_400_000
Days = query_int(1, 31)


class PageView(Body):
    """One page, from its opening on."""

    page: Annotated[ShortText, Field(min_length=1, max_length=100)]
    entered_at: Instant
    duration_ms: int = Field(ge=0, le=_DAY_MS)  # a page left open over night says nothing more


class ReportEvents(Body):
    """Page views of the caller, at most 50 at once."""

    events: list[PageView] = Field(min_length=1, max_length=50)


class ReadOverview(Query):
    """The administrators' first page."""

    days: Days = Field(7, description="序列的天数,含今日")
