"""Rows of papers, and what an approval makes of them."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, insert, or_, select, update
from sqlalchemy.engine import RowMapping

from server.core.clock import server_now
from server.core.ids import new_id
from server.roster.store_marks import new_mark
from server.storage.tables.identity import t_user
from server.storage.tables.roster import t_caregiver_info, t_qualification_certification
from server.storage.transaction import Transaction

_paper = t_qualification_certification.c
SUPERSEDED = "已重新提交材料"


def id_number_hash(tx: Transaction, number: str) -> str:
    """The keyed hash that is unique over all caregivers."""
    return tx.keys.lookup_hash(number, "caregiver.id_number")


async def latest_certification(tx: Transaction, caregiver_id: str) -> RowMapping | None:
    """The newest one, whatever became of it."""
    statement = select(t_qualification_certification).where(_paper.caregiver_id == caregiver_id)
    return await tx.one(statement.order_by(_paper.certification_id.desc()).limit(1))


async def latest_approved(tx: Transaction, caregiver_id: str) -> RowMapping | None:
    here = (_paper.caregiver_id == caregiver_id, _paper.status == "approved")
    order = (_paper.reviewed_at.desc(), _paper.certification_id.desc())
    return await tx.one(select(t_qualification_certification).where(*here).order_by(*order).limit(1))


async def set_pending_aside(tx: Transaction, caregiver_id: str, *, at: datetime) -> None:
    """What still waits is answered by being sent again."""
    here = (_paper.caregiver_id == caregiver_id, _paper.status == "pending")
    values = {"status": "rejected", "reason": SUPERSEDED, "reviewed_at": at}
    await tx.run(update(t_qualification_certification).where(*here).values(values))


async def add_certification(tx: Transaction, row: dict[str, Any]) -> str:
    certification_id = new_id()
    values = {**row, "certification_id": certification_id, "status": "pending"}
    await tx.run(insert(t_qualification_certification).values(values))
    return certification_id


async def own_certifications(
    tx: Transaction, user_id: str, *, status: str | None, before: str | None, limit: int
) -> list[RowMapping]:
    """Newest first; `before` is the id of the last one that was shown."""
    source = t_qualification_certification.join(t_caregiver_info, _of_caregiver())
    wanted = [t_caregiver_info.c.user_id == user_id]
    if status is not None:
        wanted.append(_paper.status == status)
    if before is not None:
        wanted.append(_paper.certification_id < before)
    statement = select(t_qualification_certification).select_from(source).where(*wanted)
    return await tx.all(statement.order_by(_paper.certification_id.desc()).limit(limit))


async def certifications_in_line(
    tx: Transaction, *, status: str | None, after: tuple[datetime, str] | None, limit: int
) -> list[RowMapping]:
    """The longest waiting first, with the person; `after` is the last one's (submitted_at, id)."""
    wanted = [] if status is None else [_paper.status == status]
    if after is not None:
        at, certification_id = after
        same_instant = and_(_paper.submitted_at == at, _paper.certification_id > certification_id)
        wanted.append(or_(_paper.submitted_at > at, same_instant))
    statement = _with_person().where(*wanted)
    return await tx.all(statement.order_by(_paper.submitted_at, _paper.certification_id).limit(limit))


def _with_person() -> Select[Any]:
    info = t_caregiver_info.c
    columns = (
        info.user_id,
        info.name,
        info.gender,
        info.birth_date,
        info.experience_years,
        info.approved_at,
        t_user.c.username.label("claimed_by_name"),
    )
    source = t_qualification_certification.join(t_caregiver_info, _of_caregiver())
    source = source.outerjoin(t_user, t_user.c.user_id == _paper.claimed_by)
    return select(t_qualification_certification, *columns).select_from(source)


async def certification(tx: Transaction, certification_id: str) -> RowMapping | None:
    """One with its caregiver's identity."""
    return await tx.one(_with_person().where(_paper.certification_id == certification_id))


async def earlier_certifications(tx: Transaction, paper: RowMapping, *, limit: int) -> list[RowMapping]:
    """What the same caregiver handed in before, the newest first."""
    before = (_paper.caregiver_id == paper["caregiver_id"], _paper.certification_id < paper["certification_id"])
    statement = select(t_qualification_certification).where(*before)
    return await tx.all(statement.order_by(_paper.certification_id.desc()).limit(limit))


async def others_with_number(tx: Transaction, paper: RowMapping) -> int:
    """How many other caregivers have handed in the same ID number, whatever became of it."""
    same = (_paper.id_number_hash == paper["id_number_hash"], _paper.caregiver_id != paper["caregiver_id"])
    return await tx.value(select(func.count(_paper.caregiver_id.distinct())).where(*same))


def _free_for(admin_id: str) -> ColumnElement[bool]:
    """Nobody else has it in hand at this moment; claims end by the server's clock."""
    mine = or_(_paper.claimed_by.is_(None), _paper.claimed_by == admin_id)
    return or_(mine, _paper.claimed_until <= server_now())


async def claim(tx: Transaction, certification_id: str, *, by: str, until: datetime) -> bool:
    """Take pending papers in hand, or keep them longer; False: decided, or somebody else has them."""
    here = (_paper.certification_id == certification_id, _paper.status == "pending", _free_for(by))
    values = {"claimed_by": by, "claimed_until": until}
    return await tx.run(update(t_qualification_certification).where(*here).values(values)) == 1


async def decide(
    tx: Transaction, certification_id: str, *, status: str, reason: str | None, by: str, at: datetime
) -> bool:
    """Move a certification out of `pending`; False when somebody was faster or has it in hand."""
    here = (_paper.certification_id == certification_id, _paper.status == "pending", _free_for(by))
    values = {"status": status, "reason": reason, "reviewed_at": at, "reviewed_by": by}
    return await tx.run(update(t_qualification_certification).where(*here).values(values)) == 1


async def take_over_papers(tx: Transaction, paper: RowMapping, *, valid_until: date, at: datetime) -> bool:
    """Approve the caregiver with these papers; False when the profile no longer fits the ID number."""
    info = t_caregiver_info.c
    same_person = (info.gender == paper["gender"], info.birth_date == paper["birth_date"], info.name == paper["name"])
    here = (info.caregiver_id == paper["caregiver_id"], info.id_number_hash == paper["id_number_hash"], *same_person)
    values = {
        "qualification_status": "approved",
        "approved_at": paper["approved_at"] or at,
        "papers_valid_until": valid_until,
        "certificate_number": paper["certificate_number"],
        "health_certificate_number": paper["health_certificate_number"],
        "updated_at": at,
        **new_mark(),
    }
    return await tx.run(update(t_caregiver_info).where(*here).values(values)) == 1


async def let_go(tx: Transaction, caregiver_id: str, *, at: datetime) -> None:
    """A rejection frees the ID number of somebody who was never approved; who was, stays approved."""
    here = (t_caregiver_info.c.caregiver_id == caregiver_id, t_caregiver_info.c.approved_at.is_(None))
    values = {"qualification_status": "rejected", "id_number": None, "id_number_hash": None, "updated_at": at}
    await tx.run(update(t_caregiver_info).where(*here).values(values))


def _of_caregiver() -> Any:
    return t_caregiver_info.c.caregiver_id == _paper.caregiver_id
