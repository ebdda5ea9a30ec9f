"""What booking asks of one caregiver or one patient.

A caregiver who does not appear in the search (not approved, banned, papers out) does not exist here
either; what he sells, where and when is told, and booking decides.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.engine import RowMapping

from server.core.clock import shanghai_date
from server.core.errors import Refused
from server.roster import queries
from server.storage.tables.identity import t_user
from server.storage.tables.roster import caregiver_district, patient_viewer, t_caregiver_info, t_patient_info
from server.storage.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Bookable:
    """A caregiver as a family books him; `prices` (band -> fen) is empty when the type is not sold."""

    caregiver_id: str
    user_id: str
    prices: dict[str, int]
    districts: frozenset[str]
    accepts_night: bool
    accepts_urgent: bool
    hours_cover: bool


async def bookable_caregiver(
    tx: Transaction, caregiver_id: str, *, service_type: str, start_at: datetime, end_at: datetime, now: datetime
) -> Bookable:
    """Raises Refused `not_found` for who may not serve until the end of the visit."""
    info = t_caregiver_info.c
    last_day = max(shanghai_date(end_at), shanghai_date(now))
    fit = (*_may_serve(), info.papers_valid_until >= last_day)
    covers = queries.working(start_at, end_at).label("hours_cover")
    columns = (info.caregiver_id, info.user_id, info.accepts_night, info.accepts_urgent, covers)
    row = await tx.one(select(*columns).where(info.caregiver_id == caregiver_id, *fit))
    if row is None:
        raise Refused("not_found")
    places = select(caregiver_district.c.district).where(caregiver_district.c.caregiver_id == caregiver_id)
    return Bookable(
        caregiver_id=caregiver_id,
        user_id=row["user_id"],
        prices=await queries.read_rates(tx, caregiver_id, service_type),
        districts=frozenset(place["district"] for place in await tx.all(places)),
        accepts_night=row["accepts_night"],
        accepts_urgent=row["accepts_urgent"],
        hours_cover=bool(row["hours_cover"]),
    )


def _may_serve() -> tuple:
    info = t_caregiver_info.c
    return info.qualification_status == "approved", info.banned_at.is_(None)


async def own_patient(tx: Transaction, patient_id: str, user_id: str) -> RowMapping:
    """A patient of this account, with `account_phone`.

    Raises Refused: `forbidden` to relatives who joined, `not_found` to everybody else.
    """
    patient = t_patient_info
    wanted = select(patient, t_user.c.phone.label("account_phone")).join(t_user, t_user.c.user_id == patient.c.user_id)
    row = await tx.one(wanted.where(patient.c.patient_id == patient_id, patient.c.deleted_at.is_(None)))
    if row is not None and row["user_id"] == user_id:
        return row
    joined = (patient_viewer.c.patient_id == patient_id, patient_viewer.c.user_id == user_id)
    if row is not None and await tx.one(select(patient_viewer.c.user_id).where(*joined)):
        raise Refused("forbidden")
    raise Refused("not_found")
