"""Orders as administrators look through them.

The page is first found in one index (`ix_t_order_desk`), which holds all that is filtered by; only what is shown is
then read. Where somebody is asked for, their few orders are found by their own index.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select
from sqlalchemy.engine import RowMapping

from server.core.ids import looks_like_id
from server.core.phone import mobile_number
from server.roster.patients.store import name_hash
from server.storage.tables.booking import t_order
from server.storage.tables.identity import t_user
from server.storage.tables.roster import t_caregiver_info, t_patient_info
from server.storage.tables.system import ops_alarm
from server.storage.transaction import Transaction

_order = t_order.c
_AT_MOST = 200  # people of one name or phone


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilter:
    """What is wanted; None: whatever. `..._until` is exclusive."""

    status: str | None = None
    hospital_id: str | None = None
    district: str | None = None
    service_type: str | None = None
    caregiver_id: str | None = None
    start_since: datetime | None = None
    start_until: datetime | None = None
    created_since: datetime | None = None
    created_until: datetime | None = None
    keyword: str | None = None
    stuck: bool = False


async def orders_page(
    tx: Transaction, wanted: OrderFilter, *, after: tuple[datetime, str] | None, limit: int
) -> list[RowMapping]:
    """Orders with their people, the newest first; `after` is the last one's (created_at, order_id)."""
    ids = [row["order_id"] for row in await tx.all(await _found(tx, wanted, after=after, limit=limit))]
    patient, caregiver = t_patient_info.c, t_caregiver_info.c
    columns = (
        patient.name.label("patient_name"),
        t_user.c.phone.label("booker_phone"),
        caregiver.name.label("caregiver_name"),
    )
    rows = select(t_order, *columns).join(t_patient_info, patient.patient_id == _order.patient_id)
    rows = rows.join(t_user, t_user.c.user_id == _order.user_id)
    rows = rows.outerjoin(t_caregiver_info, caregiver.caregiver_id == _order.caregiver_id)
    return await tx.all(rows.where(_order.order_id.in_(ids)).order_by(*_NEWEST_FIRST))


_NEWEST_FIRST = (_order.created_at.desc(), _order.order_id.desc())


async def _found(
    tx: Transaction, wanted: OrderFilter, *, after: tuple[datetime, str] | None, limit: int
) -> Select[Any]:
    conditions = list(_conditions(wanted))
    if after is not None:
        at, order_id = after
        conditions += [_order.created_at <= at]  # by itself a range of the index
        conditions += [or_(_order.created_at < at, and_(_order.created_at == at, _order.order_id < order_id))]
    somebodys = [condition async for condition in _somebodys(tx, wanted)]
    return select(_order.order_id).where(*conditions, *somebodys).order_by(*_NEWEST_FIRST).limit(limit)


def _conditions(wanted: OrderFilter) -> Iterator[ColumnElement[bool]]:
    """What the index answers by itself.

    The status is written so that no database takes it for a reason to go along another index, which would have
    to read and sort every completed order there ever was.
    """
    if wanted.status is not None:
        yield _order.status.concat("") == wanted.status
    for name in ("hospital_id", "district", "service_type"):
        value = getattr(wanted, name)
        if value is not None:
            yield _order[name] == value
    for column, since, until in (
        (_order.start_at, wanted.start_since, wanted.start_until),
        (_order.created_at, wanted.created_since, wanted.created_until),
    ):
        if since is not None:
            yield column >= since
        if until is not None:
            yield column < until


async def _somebodys(tx: Transaction, wanted: OrderFilter) -> Any:
    """Conditions that leave few orders."""
    if wanted.caregiver_id is not None:
        yield _order.caregiver_id == wanted.caregiver_id
    if wanted.stuck:
        open_ones = ops_alarm.c.closed_at.is_(None), ops_alarm.c.order_id.is_not(None)
        yield _order.order_id.in_(select(ops_alarm.c.order_id).where(*open_ones))
    if wanted.keyword is not None:
        yield await _about(tx, wanted.keyword)


async def _about(tx: Transaction, keyword: str) -> ColumnElement[bool]:
    """An order's id, a phone of an account, or somebody's whole name; phones and names are found by keyed hash."""
    if looks_like_id(keyword):
        return _order.order_id == keyword
    phone = mobile_number(keyword)
    if phone is not None:
        accounts = select(t_user.c.user_id).where(t_user.c.phone_hash == tx.keys.lookup_hash(phone, "phone"))
        user_ids = await _column(tx, accounts)
        carers = select(t_caregiver_info.c.caregiver_id).where(t_caregiver_info.c.user_id.in_(user_ids))
        return _any_of(user_id=user_ids, caregiver_id=await _column(tx, carers))
    patients = select(t_patient_info.c.patient_id).where(t_patient_info.c.name_hash == name_hash(tx.keys, keyword))
    carers = select(t_caregiver_info.c.caregiver_id).where(t_caregiver_info.c.name == keyword)
    return _any_of(patient_id=await _column(tx, patients), caregiver_id=await _column(tx, carers))


async def _column(tx: Transaction, ids: Select[Any]) -> list[str]:
    return [next(iter(row.values())) for row in await tx.all(ids.limit(_AT_MOST))]


def _any_of(**ids: Sequence[str]) -> ColumnElement[bool]:
    choices = [_order[name].in_(some) for name, some in ids.items() if some]
    return or_(*choices) if choices else false()


async def open_alarms_of(tx: Transaction, order_ids: Sequence[str]) -> dict[str, int]:
    """How many alarms are open about each order that has some."""
    here = (ops_alarm.c.order_id.in_(order_ids), ops_alarm.c.closed_at.is_(None))
    counted = select(ops_alarm.c.order_id, func.count().label("alarms")).where(*here)
    return {row["order_id"]: row["alarms"] for row in await tx.all(counted.group_by(ops_alarm.c.order_id))}
