"""Who somebody is to an order.

Party = the family (who booked, and those who joined the patient) and the assigned caregiver; before
acceptance a named caregiver is nobody. Whoever is replaced is nobody from that instant on.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from server.booking.orders import queries
from server.booking.orders.speakers import speakers_of
from server.booking.rules.states import OrderState
from server.core.call import Actor
from server.core.clock import BusinessClock
from server.core.errors import Refused
from server.core.in_force import InForce
from server.roster.terms import Terms
from server.storage.transaction import Row, Transaction


@dataclass(frozen=True, slots=True)
class Standing:
    """An account's relation to an order, and what the order's state allows in its chat and notes."""

    order_id: str
    relation: str  # "booker" | "viewer" | "caregiver" | "admin"
    status: str
    version: int
    may_chat: bool
    chat_open: bool
    finished: bool
    caregiver_id: str | None
    started_at: datetime | None
    finished_at: datetime | None


class Standings:
    """Answers from the rows of this instant; never cached."""

    def __init__(self, *, terms: InForce[Terms], clock: BusinessClock) -> None:
        self._terms = terms
        self._clock = clock

    async def standing(self, tx: Transaction, order_id: str, user_id: str, user_type: str) -> Standing | None:
        """None for everybody who may not know of the order."""
        wanted = queries.ORDER_HELD if tx.has_rivals else queries.ORDER_AT_A_GLANCE
        order = await tx.one(wanted, {"wanted_order": order_id})
        if order is None:
            return None
        relation, may_chat = await self._relation(tx, order, user_id, user_type)
        if relation is None:
            return None
        return Standing(
            order_id=order_id,
            relation=relation,
            status=order["status"],
            version=order["version"],
            may_chat=may_chat,
            chat_open=await self._chat_is_open(tx, order),
            finished=order["finished_at"] is not None,
            caregiver_id=order["caregiver_id"],
            started_at=order["started_at"],
            finished_at=order["finished_at"],
        )

    async def _relation(
        self, tx: Transaction, order: Row, user_id: str, user_type: str
    ) -> tuple[str | None, bool]:
        if user_type == "admin":
            return "admin", False
        if order["user_id"] == user_id:
            return "booker", True
        if user_type == "caregiver":
            mine = {"account": user_id, "assigned": order["caregiver_id"]}
            return ("caregiver", True) if await tx.value(queries.ASSIGNED, mine) else (None, False)
        viewer = await tx.one(queries.VIEWER, {"patient": order["patient_id"], "account": user_id})
        return ("viewer", viewer["may_chat"]) if viewer else (None, False)

    async def _chat_is_open(self, tx: Transaction, order: Row) -> bool:
        """From acceptance until some days after completion (contract.md §6, Time)."""
        status = order["status"]
        if status in (OrderState.AWAITING_SERVICE, OrderState.IN_SERVICE):
            return True
        if status != OrderState.COMPLETED:
            return False
        rules = (await self._terms.of(tx, order["policy_version"])).policy.time
        stays_open = timedelta(days=rules.chat_open_after_completion_days)
        return self._clock.now() <= order["completed_at"] + stays_open

    async def parties(self, tx: Transaction, order_ids: Collection[str]) -> dict[str, set[str]]:
        """The accounts that have a standing in each of the orders, administrators aside."""
        return await queries.parties_of(tx, order_ids)

    async def speakers(
        self, tx: Transaction, order_id: str, user_ids: Collection[str], *, told_to: str
    ) -> list[dict[str, Any]]:
        """What the accounts are called in this order, for somebody of the relation `told_to`."""
        return await speakers_of(tx, order_id, user_ids, told_to=told_to)

    async def require(self, tx: Transaction, order_id: str, actor: Actor) -> Standing:
        """The actor's standing. Raises Refused `not_found`."""
        standing = await self.standing(tx, order_id, actor.user_id, actor.user_type)
        if standing is None:
            raise Refused("not_found")
        return standing

    async def require_booker(self, tx: Transaction, order_id: str, actor: Actor) -> Standing:
        """Only who booked. Raises Refused: `not_found` to strangers, `forbidden` to the rest of the party."""
        standing = await self.require(tx, order_id, actor)
        if standing.relation != "booker":
            raise Refused("forbidden")
        return standing

    async def require_assigned(self, tx: Transaction, order_id: str, actor: Actor) -> Standing:
        """Only the assigned caregiver. Raises Refused as above."""
        standing = await self.require(tx, order_id, actor)
        if standing.relation != "caregiver":
            raise Refused("forbidden")
        return standing
