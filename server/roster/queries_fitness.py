"""Reads why a caregiver does or does not fit a visit."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import and_, exists, select
from sqlalchemy.engine import RowMapping

from server.roster.queries import Visit, busy_during, working
from server.storage.tables.roster import caregiver_district, caregiver_price, t_caregiver_info
from server.storage.transaction import Transaction

_info = t_caregiver_info.c


async def read_fitness(
    tx: Transaction, visit: Visit, *, among: Collection[str] | None, besides: Collection[str], limit: int
) -> list[RowMapping]:
    """Caregivers with what each rule asks of them; without `among` those of the visit's district, best rated first.

    Adds `day_price_fen` (None: not sold), `in_district`, `hours_cover` and `is_busy` to the row.
    """
    price = and_(
        caregiver_price.c.caregiver_id == _info.caregiver_id,
        caregiver_price.c.service_type == visit.service_type,
        caregiver_price.c.band == "day",
    )
    here = exists().where(
        caregiver_district.c.caregiver_id == _info.caregiver_id, caregiver_district.c.district == visit.district
    )
    columns: tuple[Any, ...] = (
        caregiver_price.c.price_fen.label("day_price_fen"),
        here.label("in_district"),
        working(visit.start_at, visit.end_at).label("hours_cover"),
        busy_during(visit).label("is_busy"),
    )
    wanted = [here if among is None else _info.caregiver_id.in_(among), _info.caregiver_id.not_in(besides)]
    statement = select(t_caregiver_info, *columns).select_from(t_caregiver_info.outerjoin(caregiver_price, price))
    best_first = (_info.rating_milli.desc(), _info.caregiver_id)
    return await tx.all(statement.where(*wanted).order_by(*best_first).limit(limit))
