"""Orders in the database, changed by one statement each.

`move` is the only way to change an order: compare-and-set on status and version (and whatever else the caller
requires), version + 1, one history row, one `OrderMoved`. Nobody updates `t_order` otherwise, except
for the bookkeeping of the search for a caregiver, which people do not see.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Update, bindparam, insert, select, update
from sqlalchemy.engine import RowMapping

from server.booking.facts import OrderMoved
from server.booking.rules.states import PATIENT, SYSTEM, OrderState, find_move
from server.core.errors import Refused
from server.core.facts import Facts
from server.core.ids import new_id
from server.storage.tables.booking import order_event, quote, t_order, t_order_detail
from server.storage.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Mover:
    """Who moves an order: a kind of actor of the table, and the account if there is one."""

    kind: str
    user_id: str | None = None


THE_SYSTEM = Mover(SYSTEM)
NOT_FINISHED = t_order.c.finished_at.is_(None)
_ORDER = select(t_order).where(t_order.c.order_id == bindparam("wanted_order"))
_ORDER_LOCKED = _ORDER.with_for_update()
_ADD_HISTORY = insert(order_event)


@lru_cache(maxsize=64)  # the moves of the table set some twenty different sets of columns
def _moved(names: tuple[str, ...], require: tuple[ColumnElement[bool], ...]) -> Update:
    """The compare-and-set that sets these columns, their values called `new_…`; `require` are constants."""
    as_read = (t_order.c.status == bindparam("read_status"), t_order.c.version == bindparam("read_version"))
    here = update(t_order).where(t_order.c.order_id == bindparam("moved_order"), *as_read, *require)
    return here.values({name: bindparam(f"new_{name}") for name in names})


class OrderStore:
    """Reads and moves orders inside a transaction."""

    def __init__(self, *, facts: Facts) -> None:
        self._facts = facts

    async def insert(self, tx: Transaction, row: dict[str, Any], *, at: datetime) -> None:
        """A new order with its detail row, its first history row and its first fact."""
        await tx.run(insert(t_order).values(**row, version=1))
        await tx.run(insert(t_order_detail).values(detail_id=new_id(), order_id=row["order_id"]))
        order = await self.get(tx, row["order_id"])
        assert order is not None
        await self._tell(tx, None, order, "create", actor=Mover(PATIENT, row["user_id"]), reason=None, at=at)

    async def get(self, tx: Transaction, order_id: str) -> RowMapping | None:
        return await tx.one(_ORDER, {"wanted_order": order_id})

    async def lock(self, tx: Transaction, order_id: str) -> RowMapping | None:
        """As `get`, and nobody else moves the order before the commit: what is read here stays true.

        Whoever moves an order locks it first of all, but after the patient and the caregiver. Where there is one
        writer (SQLite) every read is like that.
        """
        return await tx.one(_ORDER_LOCKED, {"wanted_order": order_id})

    async def require(self, tx: Transaction, order_id: str) -> RowMapping:
        """Raises Refused `not_found`."""
        order = await self.get(tx, order_id)
        if order is None:
            raise Refused("not_found")
        return order

    async def move(
        self,
        tx: Transaction,
        order: RowMapping,
        event: str,
        *,
        actor: Mover,
        at: datetime,
        values: dict[str, Any] | None = None,
        require: tuple[ColumnElement[bool], ...] = (),
        reason: str | None = None,
    ) -> None:
        """Make a move of the table (booking/rules/states.py) from the status the order was read with.

        Raises Refused `wrong_state` when there is no such move, or the order no longer stands there.
        """
        allowed = find_move(OrderState(order["status"]), event, actor=actor.kind)
        if allowed is None:
            raise Refused("wrong_state")
        changed = {**(values or {}), "status": allowed.target.value, "version": order["version"] + 1}
        given = {"moved_order": order["order_id"], "read_status": order["status"], "read_version": order["version"]}
        given |= {f"new_{name}": value for name, value in changed.items()}
        if await tx.run(_moved(tuple(changed), require), given) != 1:
            raise Refused("wrong_state")
        await self._tell(tx, order, {**order, **changed}, event, actor=actor, reason=reason, at=at)

    async def _tell(
        self,
        tx: Transaction,
        before: RowMapping | None,
        order: Mapping[str, Any],
        event: str,
        *,
        actor: Mover,
        reason: str | None,
        at: datetime,
    ) -> None:
        """The change from one state of the row to another as history and as a fact."""
        order_id, from_status = order["order_id"], None if before is None else before["status"]
        history = {"event_id": new_id(), "order_id": order_id, "version": order["version"], "event": event}
        statuses = {"from_status": from_status, "to_status": order["status"]}
        who = {"actor_type": actor.kind, "actor_id": actor.user_id, "reason": reason, "at": at}
        await tx.run(_ADD_HISTORY, history | statuses | who)
        left = None if before is None else before["caregiver_id"]
        await self._facts.record(
            tx,
            OrderMoved(
                order_id=order_id,
                version=order["version"],
                event=event,
                from_status=from_status,
                to_status=order["status"],
                user_id=order["user_id"],
                patient_id=order["patient_id"],
                caregiver_id=order["caregiver_id"],
                left_caregiver_id=left if left != order["caregiver_id"] else None,
                finished_at=order["finished_at"],
                reason=reason,
                at=at,
            ),
        )

    async def was_done_by(self, tx: Transaction, order_id: str, event: str, *, user_id: str) -> bool:
        """Whether this account has once made this move of the order."""
        c = order_event.c
        found = select(c.event_id).where(c.order_id == order_id, c.event == event, c.actor_id == user_id)
        return await tx.value(found.limit(1)) is not None

    async def note(self, tx: Transaction, order_id: str, **values: Any) -> None:
        """Bookkeeping that nobody sees: waves and wrong codes. Never the status."""
        await tx.run(update(t_order).where(t_order.c.order_id == order_id).values(**values))

    async def count_wrong_code(self, tx: Transaction, order_id: str) -> int:
        """Count one more wrong start code; how many that makes. Counted by the row, not by what was read."""
        here = t_order.c.order_id == order_id
        await tx.run(update(t_order).where(here).values(start_code_failures=t_order.c.start_code_failures + 1))
        return await tx.value(select(t_order.c.start_code_failures).where(here))

    async def keep_summary(self, tx: Transaction, order_id: str, summary: str) -> None:
        """The caregiver's closing words."""
        await tx.run(update(t_order_detail).where(t_order_detail.c.order_id == order_id).values(service_record=summary))

    async def keep_review(self, tx: Transaction, order_id: str, review: dict[str, Any]) -> bool:
        """The family's review; False when there is one already."""
        free = (t_order_detail.c.order_id == order_id, t_order_detail.c.review_score.is_(None))
        return await tx.run(update(t_order_detail).where(*free).values(**review)) == 1

    async def due(self, tx: Transaction, *conditions: ColumnElement[bool], limit: int = 100) -> list[RowMapping]:
        """Orders a job has to look at."""
        return await tx.all(select(t_order).where(*conditions).order_by(t_order.c.order_id).limit(limit))


class QuoteStore:
    """Quotes: a price that is honoured for some minutes."""

    async def insert(self, tx: Transaction, row: dict[str, Any]) -> None:
        await tx.run(insert(quote).values(**row))

    async def get(self, tx: Transaction, quote_id: str, *, user_id: str) -> RowMapping | None:
        """A quote of this user; another's does not exist for him."""
        return await tx.one(select(quote).where(quote.c.quote_id == quote_id, quote.c.user_id == user_id))
