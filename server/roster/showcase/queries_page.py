"""Reads one caregiver's page, and writes past cases.

Orders and reviews belong to booking; here they are only read.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, and_, bindparam, insert, or_, select, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.exc import IntegrityError

from server.roster.queries import qualified
from server.roster.showcase.queries import SHOWN, busy_at
from server.storage.columns import Instant
from server.storage.tables.booking import care_case, engagement, t_order, t_order_detail
from server.storage.tables.identity import t_user
from server.storage.tables.roster import caregiver_price, t_caregiver_info, t_patient_info
from server.storage.transaction import Transaction

_info = t_caregiver_info.c
_review = t_order_detail.c


def _shown() -> Any:
    price = and_(
        caregiver_price.c.caregiver_id == _info.caregiver_id,
        caregiver_price.c.service_type == bindparam("priced_type"),
        caregiver_price.c.band == "day",
    )
    more = ("bio", "completed_count", "good_count", "accepts_urgent", "accepts_night", "papers_valid_until", "page_mark")
    columns = [_info[name] for name in (*SHOWN, *more)]
    busy = busy_at(bindparam("now", type_=Instant()))
    return (
        select(*columns, caregiver_price.c.price_fen, busy.label("is_busy"))
        .select_from(t_caregiver_info.outerjoin(caregiver_price, price))
        .where(_info.caregiver_id == bindparam("wanted"), *qualified(until=bindparam("today", type_=Date())))
    )


_SHOWN = _shown()  # what every look at a page begins with; made once


async def shown_caregiver(
    tx: Transaction, caregiver_id: str, *, today: date, priced_type: str, now: datetime
) -> RowMapping | None:
    """One who may be shown, with everything of the row that a page needs."""
    return await tx.one(_SHOWN, {"wanted": caregiver_id, "today": today, "priced_type": priced_type, "now": now})


async def engagements_between(
    tx: Transaction, caregiver_id: str, *, start_at: datetime, end_at: datetime
) -> list[tuple[datetime, datetime]]:
    """Busy time that meets an interval."""
    busy = engagement.c
    here = (busy.person_kind == "caregiver", busy.person_id == caregiver_id)
    meets = (busy.end_at > start_at, busy.start_at < end_at)
    rows = await tx.all(select(busy.start_at, busy.end_at).where(*here, *meets))
    return [(row["start_at"], row["end_at"]) for row in rows]


async def reviews_of(
    tx: Transaction, caregiver_id: str, *, after: tuple[datetime, str] | None, limit: int
) -> list[RowMapping]:
    """Reviews with their author's name, newest first; `after` is the last one's (reviewed_at, review_id)."""
    source = t_order_detail.join(t_order, t_order.c.order_id == _review.order_id)
    source = source.join(t_user, t_user.c.user_id == t_order.c.user_id)
    columns = ("review_id", "order_id", "review_score", "review_content", "review_tags", "reviewed_at")
    wanted = [_review.caregiver_id == caregiver_id, _review.reviewed_at.is_not(None)]
    if after is not None:
        at, review_id = after
        wanted.append(or_(_review.reviewed_at < at, and_(_review.reviewed_at == at, _review.review_id < review_id)))
    statement = select(*(_review[name] for name in columns), t_order.c.service_type, t_user.c.username)
    order = (_review.reviewed_at.desc(), _review.review_id.desc())
    return await tx.all(statement.select_from(source).where(*wanted).order_by(*order).limit(limit))


async def consented_cases(tx: Transaction, caregiver_id: str, *, limit: int) -> list[RowMapping]:
    """Cases that the family agreed to show, newest first."""
    here = (care_case.c.caregiver_id == caregiver_id, care_case.c.consented_at.is_not(None))
    statement = select(care_case).where(*here).order_by(care_case.c.case_id.desc())
    return await tx.all(statement.limit(limit))


async def served_order(tx: Transaction, order_id: str, *, user_id: str) -> RowMapping | None:
    """An order whose assigned caregiver is this account, with what a case must not tell."""
    order, patient = t_order.c, t_patient_info.c
    source = t_order.join(t_caregiver_info, _info.caregiver_id == order.caregiver_id)
    source = source.join(t_patient_info, patient.patient_id == order.patient_id)
    columns = (
        order.order_id,
        order.caregiver_id,
        order.service_type,
        order.status,
        order.duration_minutes,
        order.completed_at,
        order.bed_no,
        patient.name.label("patient_name"),
    )
    statement = select(*columns).select_from(source)
    return await tx.one(statement.where(order.order_id == order_id, _info.user_id == user_id))


async def add_case(tx: Transaction, row: dict[str, Any]) -> bool:
    """False when the order has a case already."""
    try:
        async with tx.savepoint():
            await tx.run(insert(care_case).values(row))
    except IntegrityError:
        return False
    return True


async def case_for_family(
    tx: Transaction, *, user_id: str, case_id: str | None = None, order_id: str | None = None
) -> RowMapping | None:
    """A case of an order that this account booked, by its own id or the order's."""
    wanted = care_case.c.case_id == case_id if order_id is None else care_case.c.order_id == order_id
    source = care_case.join(t_order, t_order.c.order_id == care_case.c.order_id)
    return await tx.one(select(care_case).select_from(source).where(t_order.c.user_id == user_id, wanted))


async def answer_case(tx: Transaction, case_id: str, *, agree: bool, at: datetime) -> None:
    values = {"consented_at": at if agree else None, "refused_at": None if agree else at}
    await tx.run(update(care_case).where(care_case.c.case_id == case_id).values(values))
