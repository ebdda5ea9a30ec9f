"""Cancellation by the family, the caregiver and by time.

The tiers are in `cancellation.py`; money follows through the fact `OrderCancelled`. An unpaid order is
closed at the payment provider first, so that nobody pays for an order that is gone.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from config.policy import CancellationRules
from server.booking.cancellation import Cancellation, cancellation_of
from server.booking.commands import CancelOrder, OrderById
from server.booking.facts import OrderCancelled, OrderStuck
from server.booking.matching import Matching
from server.booking.standing import Standings
from server.booking.states import (
    ADMIN,
    CAREGIVER,
    ORDER_STATE_TEXTS,
    PATIENT,
    SYSTEM,
    OrderState,
    find_move,
)
from server.booking.store_calendar import Calendar
from server.booking.store_offers import OfferStore, of_order
from server.booking.store_orders import THE_SYSTEM, Mover, OrderStore
from server.core.call import Call
from server.core.clock import BusinessClock
from server.core.errors import Refused
from server.core.facts import Facts
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
        offers: OfferStore,
        calendar: Calendar,
        matching: Matching,
        standings: Standings,
        close_unpaid: CloseUnpaid,
        facts: Facts,
        rules: CancellationRules,
        clock: BusinessClock,
    ) -> None:
        self._database = database
        self._units = units
        self._orders = orders
        self._offers = offers
        self._calendar = calendar
        self._matching = matching
        self._standings = standings
        self._close_unpaid = close_unpaid
        self._facts = facts
        self._rules = rules
        self._clock = clock

    async def quote_cancellation(self, call: Call, query: OrderById) -> dict[str, Any]:
        """What cancelling would mean now: {"order_id", "refund_fen", "fee_fen", "tier_text"}.

        Raises Refused: `not_found`, `forbidden` (a viewer), `wrong_state`.
        """
        async with self._database.read() as tx:
            standing = await self._standings.require(tx, query.order_id, call.user)
            if standing.relation not in ("booker", "caregiver", "admin"):
                raise Refused("forbidden")
            order = await self._order(tx, query.order_id)
        actor = {"booker": PATIENT, "caregiver": CAREGIVER, "admin": ADMIN}[standing.relation]
        split = self._split(order, by=actor, at=self._clock.now())
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
            standing = await self._standings.standing(tx, command.order_id, user.user_id, user.user_type)
            if standing is None:
                return await self._given_back_before(tx, command, user_id=user.user_id)
            if standing.relation == "booker":
                return await self._cancel_by_family(tx, command, user_id=user.user_id)
            if standing.relation == "caregiver":
                return await self._give_back(tx, command, user_id=user.user_id)
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

    async def _cancel_by_family(self, tx: Transaction, command: CancelOrder, *, user_id: str) -> dict[str, Any]:
        order = await self._order(tx, command.order_id)
        if order["status"] == OrderState.CANCELLED and order["cancelled_by"] == "patient":
            paid_fen = order["amount_fen"] if order["paid_at"] is not None else 0
            return _cancelled(order, refund_fen=paid_fen - order["cancel_fee_fen"])
        split = self._split(order, by=PATIENT, at=self._clock.now())
        await self._cancel(tx, order, split, "cancel", actor=Mover(PATIENT, user_id), reason=command.reason)
        cancelled = await self._orders.get(tx, command.order_id)
        return _cancelled(cancelled, refund_fen=split.refund_fen)

    async def _cancel(
        self, tx: Transaction, order: Row, split: Cancellation, event: str, *, actor: Mover, reason: str
    ) -> None:
        """The order ends `cancelled`; offers, time and money follow. Raises Refused `wrong_state`."""
        now = self._clock.now()
        values = {
            "cancelled_at": now,
            "cancelled_by": actor.kind,
            "cancel_reason": reason,
            "cancel_fee_fen": split.fee_fen,
            "next_wave_at": None,
        }
        await self._orders.move(tx, order, event, actor=actor, at=now, values=values, reason=reason)
        await self._offers.close(tx, "withdrawn", of_order(order["order_id"]), at=now)
        await self._calendar.free(tx, order["order_id"])
        money = OrderCancelled(
            order_id=order["order_id"],
            paid=order["paid_at"] is not None,
            refund_fen=split.refund_fen,
            fee_fen=split.fee_fen,
            caregiver_id=order["caregiver_id"],
            caregiver_share_fen=split.caregiver_fen,
            reason=reason,
            at=now,
        )
        await self._facts.record(tx, money)

    async def cancel_by_time(self, tx: Transaction, order_id: str, event: str, *, reason: str) -> None:
        """The platform ends an order (`pay_deadline`, `give_up`, `never_started`); everything paid goes back.

        Nothing happens when the order has moved on meanwhile.
        """
        order = await self._orders.get(tx, order_id)
        if order is None or find_move(OrderState(order["status"]), event, actor=SYSTEM) is None:
            return
        split = self._split(order, by=SYSTEM, at=self._clock.now())
        await self._cancel(tx, order, split, event, actor=THE_SYSTEM, reason=reason)
        if event != "pay_deadline":  # a family was let down
            await self._facts.record(tx, OrderStuck(order_id, event, text=reason, at=self._clock.now()))

    async def _give_back(self, tx: Transaction, command: CancelOrder, *, user_id: str) -> dict[str, Any]:
        order = await self._order(tx, command.order_id)
        actor = Mover(CAREGIVER, user_id)
        await self.release(tx, order, actor=actor, reason=command.reason, at=self._clock.now())
        return _given_back(command.order_id)

    async def _given_back_before(self, tx: Transaction, command: CancelOrder, *, user_id: str) -> dict[str, Any]:
        """A caregiver's repetition: he is a stranger to the order since, and hears what he heard."""
        if await self._orders.was_done_by(tx, command.order_id, "withdraw", user_id=user_id):
            return _given_back(command.order_id)
        raise Refused("not_found")

    async def release(self, tx: Transaction, order: Row, *, actor: Mover, reason: str, at: datetime) -> None:
        """The caregiver leaves: the order keeps its price and is offered to others at once (domain.md T11)."""
        gone = {"caregiver_id": None, "accepted_at": None, "start_code": None, "named_caregiver_id": None}
        await self._orders.move(tx, order, "withdraw", actor=actor, at=at, values=gone, reason=reason)
        await self._offers.withdraw_accepted(tx, order["order_id"], order["caregiver_id"])
        await self._calendar.free(tx, order["order_id"], person="caregiver")
        await self._matching.begin(tx, order["order_id"], at=at)

    async def _order(self, tx: Transaction, order_id: str) -> Row:
        order = await self._orders.get(tx, order_id)
        if order is None:
            raise Refused("not_found")
        return order

    def _split(self, order: Row, *, by: str, at: datetime) -> Cancellation:
        return cancellation_of(
            OrderState(order["status"]),
            actor=by,
            paid_fen=order["amount_fen"] if order["paid_at"] is not None else 0,
            start_at=order["start_at"],
            now=at,
            rules=self._rules,
        )


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
