"""Reads what booking asks about caregivers; few statements.

`working` and `overlapping` are the two conditions of a free caregiver, for searches and offers alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import and_, case, exists, func, or_, select
from sqlalchemy.engine import RowMapping

from config.policy import TimeRules
from server.core.clock import shanghai_date
from server.roster.opening import DayNeed, day_needs
from server.storage.tables.booking import engagement, offer
from server.storage.tables.roster import (
    caregiver_district,
    caregiver_open_time,
    caregiver_price,
    t_caregiver_info,
)
from server.storage.transaction import Transaction

_IDS_AT_ONCE = 500  # a statement's list of ids; databases bound the number of parameters


@dataclass(frozen=True, slots=True)
class Buffers:
    """Free time wanted before and after a visit; more where the caregiver has to travel."""

    same_hospital: timedelta
    travel: timedelta

    @classmethod
    def of(cls, rules: TimeRules) -> "Buffers":
        return cls(
            same_hospital=timedelta(minutes=rules.caregiver_buffer_min),
            travel=timedelta(minutes=max(rules.caregiver_travel_buffer_min, rules.caregiver_buffer_min)),
        )


@dataclass(frozen=True, slots=True)
class Visit:
    """What a caregiver would have to do; instants are UTC, the interval is half-open."""

    district: str
    service_type: str
    start_at: datetime
    end_at: datetime
    needs_night: bool
    needs_urgent: bool
    hospital_id: str | None
    order_id: str | None  # whose own engagement does not count
    buffers: Buffers


def visit_terms(order: Any) -> dict[str, Any]:
    """What an order's row says of its `Visit`, all but the buffers, which are rules."""
    named = ("district", "service_type", "start_at", "end_at", "hospital_id", "order_id")
    return {name: order[name] for name in named} | {
        "needs_night": order["touches_night"], "needs_urgent": order["is_urgent"]
    }  # fmt: skip


def overlapping(start_at: datetime, end_at: datetime, *, buffers: Buffers, hospital_id: str | None) -> Any:
    """The condition of an engagement that leaves too little time for a visit.

    Without a hospital the caregiver is taken to travel: what is free then is free anywhere.
    """
    near = _touching(start_at, end_at, buffers.travel)
    if hospital_id is None or buffers.same_hospital == buffers.travel:
        return near
    elsewhere = engagement.c.hospital_id != hospital_id
    return and_(near, or_(_touching(start_at, end_at, buffers.same_hospital), elsewhere))


def _touching(start_at: datetime, end_at: datetime, buffer: timedelta) -> Any:
    return and_(engagement.c.end_at > start_at - buffer, engagement.c.start_at < end_at + buffer)


def working(start_at: datetime, end_at: datetime) -> Any:
    """The condition of a caregiver whose plan covers `[start_at, end_at)` (see `opening.py`)."""
    return and_(*(_open_minutes(need) >= need.end_minute - need.start_minute for need in day_needs(start_at, end_at)))


def _open_minutes(need: DayNeed) -> Any:
    """Minutes of a day's need that the plan covers: by the date's own rows, else by the weekday's."""
    spans = caregiver_open_time.c
    begins = case((spans.start_minute > need.start_minute, spans.start_minute), else_=need.start_minute)
    ends = case((spans.end_minute < need.end_minute, spans.end_minute), else_=need.end_minute)
    shared = func.sum(case((ends > begins, ends - begins), else_=0))
    own = spans.caregiver_id == t_caregiver_info.c.caregiver_id
    dated, weekly = (
        select(shared).where(own, spans.day == day).correlate(t_caregiver_info).scalar_subquery()
        for day in (need.dated, need.weekly)
    )
    return func.coalesce(dated, weekly, 0)


def qualified(*, until: Any) -> tuple[Any, ...]:
    """The conditions of a caregiver who may serve to the end of a day (a date, or a parameter for one)."""
    info = t_caregiver_info.c
    return info.qualification_status == "approved", info.banned_at.is_(None), info.papers_valid_until >= until


def busy_during(visit: Visit) -> Any:
    """The condition of a caregiver who has something else at the time of a visit."""
    others = () if visit.order_id is None else (engagement.c.order_id != visit.order_id,)
    return exists().where(
        engagement.c.person_kind == "caregiver",
        engagement.c.person_id == t_caregiver_info.c.caregiver_id,
        overlapping(visit.start_at, visit.end_at, buffers=visit.buffers, hospital_id=visit.hospital_id),
        *others,
    )


async def read_candidates(
    tx: Transaction, visit: Visit, *, only: str | None, max_day_price_fen: int | None
) -> list[RowMapping]:
    """Caregivers that fit, in the order of their ids."""
    info = t_caregiver_info.c
    price = and_(
        caregiver_price.c.caregiver_id == info.caregiver_id,
        caregiver_price.c.service_type == visit.service_type,
        caregiver_price.c.band == "day",
    )
    district = and_(
        caregiver_district.c.caregiver_id == info.caregiver_id, caregiver_district.c.district == visit.district
    )
    wanted = [
        *qualified(until=shanghai_date(visit.end_at)),
        working(visit.start_at, visit.end_at),
        ~busy_during(visit),
    ]
    wanted.append(info.listening.is_(True) if only is None else info.caregiver_id == only)
    if visit.needs_night:
        wanted.append(info.accepts_night.is_(True))
    if visit.needs_urgent:
        wanted.append(info.accepts_urgent.is_(True))
    if max_day_price_fen is not None:
        wanted.append(caregiver_price.c.price_fen <= max_day_price_fen)
    columns = ("caregiver_id", "user_id", "rating_milli", "review_count", "experience_years", "completed_count")
    source = t_caregiver_info.join(caregiver_district, district).join(caregiver_price, price)
    statement = select(*(info[name] for name in columns)).select_from(source).where(*wanted)
    return await tx.all(statement.order_by(info.caregiver_id))


async def is_qualified(tx: Transaction, caregiver_id: str, *, until: date) -> bool:
    here = t_caregiver_info.c.caregiver_id == caregiver_id
    return await tx.value(select(t_caregiver_info.c.caregiver_id).where(here, *qualified(until=until))) is not None


async def count_offers(tx: Transaction, caregiver_ids: Sequence[str], *, since: datetime) -> dict[str, int]:
    """How many offers were opened to each since an instant; who had none is left out."""
    counted: dict[str, int] = {}
    for first in range(0, len(caregiver_ids), _IDS_AT_ONCE):
        some = caregiver_ids[first : first + _IDS_AT_ONCE]
        statement = (
            select(offer.c.caregiver_id, func.count().label("offers"))
            .where(offer.c.caregiver_id.in_(some), offer.c.opened_at > since)
            .group_by(offer.c.caregiver_id)
        )
        counted |= {row["caregiver_id"]: row["offers"] for row in await tx.all(statement)}
    return counted


async def read_rates(tx: Transaction, caregiver_id: str, service_type: str) -> dict[str, int]:
    """A caregiver's own prices of a type: band -> fen."""
    table = caregiver_price.c
    statement = select(table.band, table.price_fen).where(
        table.caregiver_id == caregiver_id, table.service_type == service_type
    )
    return {row["band"]: row["price_fen"] for row in await tx.all(statement)}
