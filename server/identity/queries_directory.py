"""Accounts as administrators look through them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.engine import RowMapping

from server.core.ids import looks_like_id
from server.core.phone import mobile_number
from server.identity.store import phone_hash
from server.storage.tables.booking import t_order
from server.storage.tables.identity import t_user, user_warning
from server.storage.tables.roster import t_caregiver_info, t_patient_info
from server.storage.transaction import Transaction

_user, _career = t_user.c, t_caregiver_info.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What is wanted; None: whatever. `until` is exclusive."""

    user_type: str | None = None
    verification_status: str | None = None
    banned: bool | None = None
    keyword: str | None = None
    since: datetime | None = None
    until: datetime | None = None


async def accounts_page(
    tx: Transaction, wanted: Filter, *, after: tuple[datetime, str] | None, limit: int
) -> list[RowMapping]:
    """Accounts with a caregiver's career, the newest first; `after` is the last one's (registered_at, id)."""
    conditions = list(_conditions(tx, wanted))
    if after is not None:
        at, user_id = after
        conditions.append(or_(_user.registered_at < at, and_(_user.registered_at == at, _user.user_id < user_id)))
    columns = (
        _career.caregiver_id,
        _career.name.label("real_name"),
        _career.qualification_status,
        _career.completed_count,
        _career.rating_milli,
        _career.listening,
    )
    source = t_user.outerjoin(t_caregiver_info, _career.user_id == _user.user_id)
    statement = select(t_user, *columns).select_from(source).where(*conditions)
    return await tx.all(statement.order_by(_user.registered_at.desc(), _user.user_id.desc()).limit(limit))


def _conditions(tx: Transaction, wanted: Filter) -> Any:
    if wanted.user_type is not None:
        yield _user.user_type == wanted.user_type
    if wanted.verification_status is not None:
        yield _user.verification_status == wanted.verification_status
    if wanted.banned is not None:
        yield _user.banned_at.is_not(None) if wanted.banned else _user.banned_at.is_(None)
    if wanted.since is not None:
        yield _user.registered_at >= wanted.since
    if wanted.until is not None:
        yield _user.registered_at < wanted.until
    if wanted.keyword is not None:
        yield _named(tx, wanted.keyword)


def _named(tx: Transaction, keyword: str) -> ColumnElement[bool]:
    """An id and a phone are sealed or exact; only names are looked for by a part."""
    if looks_like_id(keyword):
        return _user.user_id == keyword
    phone = mobile_number(keyword)
    if phone is not None:
        return _user.phone_hash == phone_hash(tx.keys, phone)
    return _user.username.contains(keyword, autoescape=True)


async def counts_of(tx: Transaction, user_ids: Sequence[str]) -> dict[str, dict[str, int]]:
    """`warnings`, `orders` (booked) and `patients` of each account that has some; three statements."""
    counts: dict[str, dict[str, int]] = {user_id: {} for user_id in user_ids}
    patients = (t_patient_info.c.user_id, t_patient_info.c.deleted_at.is_(None))
    for name, column, *conditions in (
        ("warnings", user_warning.c.user_id),
        ("orders", t_order.c.user_id),
        ("patients", *patients),
    ):
        counted = select(column.label("user_id"), func.count().label("number"))
        counted = counted.where(column.in_(user_ids), *conditions).group_by(column)
        for row in await tx.all(counted):
            counts[row["user_id"]][name] = int(row["number"])
    return counts
