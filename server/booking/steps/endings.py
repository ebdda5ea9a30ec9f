"""How an order ends early, or goes on without its caregiver.

Whoever brings it about (the family, the caregiver, time, a ban): offers, time and money follow in the same
transaction. What it costs is in rules/cancellation.py; money moves by the fact `OrderCancelled`.
"""

from datetime import datetime

from server.booking.facts import OrderCancelled, OrderStuck
from server.booking.offers.matching import Matching
from server.booking.offers.store import OfferStore, of_order
from server.booking.orders.store import THE_SYSTEM, Mover, OrderStore
from server.booking.orders.store_calendar import Calendar
from server.booking.rules.cancellation import Cancellation, cancellation_of
from server.booking.rules.states import SYSTEM, OrderState, find_move
from server.core.clock import BusinessClock
from server.core.facts import Facts
from server.core.in_force import InForce
from server.roster.terms import Terms
from server.storage.transaction import Row, Transaction


class Endings:
    """Cancels orders and releases caregivers, inside the caller's transaction."""

    def __init__(
        self,
        *,
        orders: OrderStore,
        offers: OfferStore,
        calendar: Calendar,
        matching: Matching,
        facts: Facts,
        terms: InForce[Terms],
        clock: BusinessClock,
    ) -> None:
        self._orders = orders
        self._offers = offers
        self._calendar = calendar
        self._matching = matching
        self._facts = facts
        self._terms = terms
        self._clock = clock

    async def split(self, tx: Transaction, order: Row, *, by: str, at: datetime) -> Cancellation:
        """Who gets what when `by` cancels at this instant, by the order's own tiers. Raises Refused `wrong_state`."""
        rules = (await self._terms.of(tx, order["policy_version"])).policy.cancellation
        return cancellation_of(
            OrderState(order["status"]),
            actor=by,
            paid_fen=order["amount_fen"] if order["paid_at"] is not None else 0,
            start_at=order["start_at"],
            now=at,
            rules=rules,
        )

    async def cancel(
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
        order = await self._orders.lock(tx, order_id)
        if order is None or find_move(OrderState(order["status"]), event, actor=SYSTEM) is None:
            return
        split = await self.split(tx, order, by=SYSTEM, at=self._clock.now())
        await self.cancel(tx, order, split, event, actor=THE_SYSTEM, reason=reason)
        if event != "pay_deadline":  # a family was let down
            await self._facts.record(tx, OrderStuck(order_id, event, text=reason, at=self._clock.now()))

    async def release(self, tx: Transaction, order: Row, *, actor: Mover, reason: str, at: datetime) -> None:
        """The caregiver leaves: the order keeps its price and is offered to others at once (domain.md T11)."""
        gone = {"caregiver_id": None, "accepted_at": None, "start_code": None, "named_caregiver_id": None}
        await self._orders.move(tx, order, "withdraw", actor=actor, at=at, values=gone, reason=reason)
        await self._offers.withdraw_accepted(tx, order["order_id"], order["caregiver_id"])
        await self._calendar.free(tx, order["order_id"], person="caregiver")
        await self._matching.begin(tx, order["order_id"], at=at)
