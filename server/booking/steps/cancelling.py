"""Cancellation by the family and by the caregiver.

An unpaid order is closed at the payment provider first, so that nobody pays for an order that is gone.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from server.booking.commands import CancelOrder, OrderById
from server.booking.orders.standing import Standings
from server.booking.orders.store import Mover, OrderStore
from server.booking.rules.states import (
    ADMIN,
    CAREGIVER,
    ORDER_STATE_TEXTS,
    PATIENT,
    OrderState,
)
from server.booking.steps.endings import Endings
from server.core.call import Call
from server.core.clock import BusinessClock
from server.core.errors import Refused
from server.storage.sql import Database
from server.storage.transaction import Row, Transaction
from server.storage.unit_of_work import UnitOfWork

CloseUnpaid = Callable[[str], Awaitable[str]]  # order id -> "closed" | "paid"; asks the provider


class Cancelling:
    """Cancels orders, and tells beforehand what it would cost."""

    def __init__(
        self,
        *,
        database: Database,
        units: UnitOfWork,
        orders: OrderStore,
        standings: Standings,
        endings: Endings,
        close_unpaid: CloseUnpaid,
        clock: BusinessClock,
    ) -> None:
        self._database = database
        self._units = units
        self._orders = orders
        self._standings = standings
        self._endings = endings
        self._close_unpaid = close_unpaid
        self._clock = clock

    async def quote_cancellation(self, call: Call, query: OrderById) -> dict[str, Any]:
        """What cancelling would mean now: {"order_id", "refund_fen", "fee_fen", "tier_text"}.

        Raises Refused: `not_found`, `forbidden` (a viewer), `wrong_state`.
        """
        async with self._database.read() as tx:
            standing = await self._standings.require(tx, query.order_id, call.user)
            if standing.relation not in ("booker", "caregiver", "admin"):
                raise Refused("forbidden")
            order = await self._orders.require(tx, query.order_id)
            actor = {"booker": PATIENT, "caregiver": CAREGIVER, "admin": ADMIN}[standing.relation]
            split = await self._endings.split(tx, order, by=actor, at=self._clock.now())
        return {
            "order_id": query.order_id,
            "refund_fen": split.refund_fen,
            "fee_fen": split.fee_fen,
            "tier_text": split.tier_text,
        }

    async def cancel_order(self, call: Call, command: CancelOrder) -> dict[str, Any]:
        """Cancel: {"order_id", "status", "status_text", "refund_fen", "fee_fen"}; repeated, the same again.

        By the assigned caregiver the order goes back to `paid` and is offered to others.
        Raises Refused: `not_found`, `forbidden` (a viewer), `wrong_state` (service has begun or is over).
        """
        await self._settle_payment_first(call, command.order_id)

        async def body(tx: Transaction) -> dict[str, Any]:
            user = call.user
            order = await self._orders.lock(tx, command.order_id)
            standing = await self._standings.standing(tx, command.order_id, user.user_id, user.user_type)
            if standing is None or order is None:
                return await self._given_back_before(tx, command, user_id=user.user_id)
            if standing.relation == "booker":
                return await self._cancel_by_family(tx, order, command, user_id=user.user_id)
            if standing.relation == "caregiver":
                return await self._give_back(tx, order, command, user_id=user.user_id)
            raise Refused("forbidden")

        return await self._units.run(call, body)

    async def _settle_payment_first(self, call: Call, order_id: str) -> None:
        """An unpaid order is closed at the provider before ours is; a payment found there is applied."""
        if await self._units.recall(call):
            return
        async with self._database.read() as tx:
            standing = await self._standings.standing(tx, order_id, call.user.user_id, call.user.user_type)
        if standing and standing.relation == "booker" and standing.status == OrderState.PENDING_PAYMENT:
            await self._close_unpaid(order_id)

    async def _cancel_by_family(
        self, tx: Transaction, order: Row, command: CancelOrder, *, user_id: str
    ) -> dict[str, Any]:
        if order["status"] == OrderState.CANCELLED and order["cancelled_by"] == "patient":
            paid_fen = order["amount_fen"] if order["paid_at"] is not None else 0
            return _cancelled(order, refund_fen=paid_fen - order["cancel_fee_fen"])
        split = await self._endings.split(tx, order, by=PATIENT, at=self._clock.now())
        await self._endings.cancel(tx, order, split, "cancel", actor=Mover(PATIENT, user_id), reason=command.reason)
        cancelled = await self._orders.get(tx, command.order_id)
        return _cancelled(cancelled, refund_fen=split.refund_fen)

    async def _give_back(
        self, tx: Transaction, order: Row, command: CancelOrder, *, user_id: str
    ) -> dict[str, Any]:
        actor = Mover(CAREGIVER, user_id)
        await self._endings.release(tx, order, actor=actor, reason=command.reason, at=self._clock.now())
        return _given_back(command.order_id)

    async def _given_back_before(self, tx: Transaction, command: CancelOrder, *, user_id: str) -> dict[str, Any]:
        """A caregiver's repetition: he is a stranger to the order since, and hears what he heard."""
        if await self._orders.was_done_by(tx, command.order_id, "withdraw", user_id=user_id):
            return _given_back(command.order_id)
        raise Refused("not_found")


def _given_back(order_id: str) -> dict[str, Any]:
    paid = OrderState.PAID
    status = {"status": paid.value, "status_text": ORDER_STATE_TEXTS[paid]}
    return {"order_id": order_id, **status, "refund_fen": 0, "fee_fen": 0}


def _cancelled(order: Any, *, refund_fen: int) -> dict[str, Any]:
    status = OrderState.CANCELLED
    return {
        "order_id": order["order_id"],
        "status": status.value,
        "status_text": ORDER_STATE_TEXTS[status],
        "refund_fen": refund_fen,
        "fee_fen": order["cancel_fee_fen"],
    }
