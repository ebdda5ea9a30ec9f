"""Busy time: no person is ever in two visits at once.

MySQL has no exclusion constraint, so a person's row is locked first (by moving its calendar version,
which works alike on every database), then one INSERT … WHERE NOT EXISTS takes the time. Holds count as
busy; what meets a visit is the roster's condition, so that nobody is offered a time he cannot take.
Rows are locked in a fixed order: patient, caregiver, order (docs/architecture.md, "Locks").
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, delete, insert, literal, select, update

from config.policy import TimeRules
from server.core.ids import new_id
from server.roster.queries import Buffers, overlapping
from server.storage.columns import Instant
from server.storage.tables.booking import engagement, offer, t_order
from server.storage.tables.roster import t_caregiver_info, t_patient_info
from server.storage.transaction import Transaction


_LOCK_PATIENT = (
    update(t_patient_info)
    .where(t_patient_info.c.patient_id == bindparam("wanted"))
    .values(calendar_version=t_patient_info.c.calendar_version + 1)
)
_LOCK_CAREGIVER = (
    update(t_caregiver_info)
    .where(t_caregiver_info.c.caregiver_id == bindparam("wanted"))
    .values(calendar_version=t_caregiver_info.c.calendar_version + 1)
)
_OWN_HOLD = (
    update(engagement)
    .where(engagement.c.person_kind == "caregiver", engagement.c.person_id == bindparam("wanted"))
    .where(engagement.c.order_id == bindparam("of_order"))
    .values(kind=bindparam("as_kind"))
)


class Calendar:
    """Takes and frees the time of patients and caregivers; `rules()` are the numbers in force."""

    def __init__(self, *, rules: Callable[[], TimeRules]) -> None:
        self._rules = rules

    async def lock_patient(self, tx: Transaction, patient_id: str) -> None:
        await tx.run(_LOCK_PATIENT, {"wanted": patient_id})

    async def lock_caregiver(self, tx: Transaction, caregiver_id: str) -> None:
        await tx.run(_LOCK_CAREGIVER, {"wanted": caregiver_id})

    async def take_patient(self, tx: Transaction, patient_id: str, visit: Any) -> bool:
        """Take the patient's time for an order; False when it is taken. The row must be locked."""
        gap = timedelta(minutes=self._rules().patient_buffer_min)
        return await self._take(tx, "patient", patient_id, visit, kind="visit", buffers=Buffers(gap, gap))

    async def take_caregiver(self, tx: Transaction, caregiver_id: str, visit: Any, *, kind: str) -> bool:
        """Take the caregiver's time, or turn the order's own hold into a visit; False when busy."""
        if await tx.run(_OWN_HOLD, {"wanted": caregiver_id, "of_order": visit["order_id"], "as_kind": kind}) == 1:
            return True
        buffers = Buffers.of(self._rules())
        return await self._take(tx, "caregiver", caregiver_id, visit, kind=kind, buffers=buffers)

    async def _take(
        self, tx: Transaction, person: str, person_id: str, visit: Any, *, kind: str, buffers: Buffers
    ) -> bool:
        start_at, end_at = visit["start_at"], visit["end_at"]
        meets = overlapping(start_at, end_at, buffers=buffers, hospital_id=visit["hospital_id"])
        busy = select(engagement.c.engagement_id).where(*_whose(person, person_id), meets).exists()
        row = {
            "engagement_id": new_id(),
            "person_kind": person,
            "person_id": person_id,
            "order_id": visit["order_id"],
            "hospital_id": visit["hospital_id"],
            "kind": kind,
        }
        values = [literal(value).label(name) for name, value in row.items()]
        values += [_at(start_at).label("start_at"), _at(end_at).label("end_at")]
        names = [*row, "start_at", "end_at"]
        return await tx.run(insert(engagement).from_select(names, select(*values).where(~busy))) == 1

    async def free(self, tx: Transaction, order_id: str, *, person: str | None = None) -> None:
        """Give back the time an order has taken, of one kind of person or of all."""
        statement = delete(engagement).where(engagement.c.order_id == order_id)
        if person is not None:
            statement = statement.where(engagement.c.person_kind == person)
        await tx.run(statement)


def overlapping_offers(caregiver_id: str, visit: Any) -> ColumnElement[bool]:
    """The caregiver's other open offers at the time of a visit just accepted."""
    orders = select(t_order.c.order_id).where(
        t_order.c.order_id != visit["order_id"],
        t_order.c.start_at < visit["end_at"],
        t_order.c.end_at > visit["start_at"],
    )
    return and_(offer.c.caregiver_id == caregiver_id, offer.c.state == "open", offer.c.order_id.in_(orders))


def _whose(person: str, person_id: str) -> tuple[ColumnElement[bool], ...]:
    return engagement.c.person_kind == person, engagement.c.person_id == person_id


def _at(instant: datetime) -> ColumnElement[datetime]:
    return literal(instant, Instant())
