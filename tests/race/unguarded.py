"""The product's guards, taken out one by one.

Every race has a twin with one of these in place of the real part: what the race forbids must then happen,
or the race would prove nothing.
"""
from sqlalchemy import insert, update

from server.booking.offers.store import OfferClaims
from server.booking.orders.store import OrderStore
from server.booking.orders.store_calendar import Calendar
from server.booking.rules.states import ORDER_MOVES
from server.core.ids import new_id
from server.storage.tables.booking import engagement, offer, t_order
from server.storage.unit_of_work import UnitOfWork


class UnguardedClaims(OfferClaims):
    """Takes an offer without asking how it and its order stand."""

    async def claim(self, tx, offer_row, *, at):
        taken = update(offer).where(offer.c.offer_id == offer_row["offer_id"])
        await tx.run(taken.values(state="accepted", live_key=None, closed_at=at))
        return True


class UnguardedOrders(OrderStore):
    """Moves an order from wherever it stands."""

    async def move(self, tx, order, event, *, actor, at, values=None, require=(), reason=None):
        target = next(move.target for move in ORDER_MOVES if move.event == event and actor.kind in move.actors)
        moved = update(t_order).where(t_order.c.order_id == order["order_id"])
        await tx.run(moved.values(status=target.value, version=t_order.c.version + 1, **(values or {})))
        after = await self.get(tx, order["order_id"])
        await self._tell(tx, order, after, event, actor=actor, reason=reason, at=at)


class UnguardedCalendar(Calendar):
    """Takes time whether or not somebody is busy."""

    async def _take(self, tx, person, person_id, visit, *, kind, buffers):
        row = {
            "engagement_id": new_id(),
            "person_kind": person,
            "person_id": person_id,
            "order_id": visit["order_id"],
            "hospital_id": visit["hospital_id"],
            "kind": kind,
            "start_at": visit["start_at"],
            "end_at": visit["end_at"],
        }
        return await tx.run(insert(engagement).values(**row)) == 1


class UnguardedUnits(UnitOfWork):
    """Forgets that a request had a key."""

    async def run(self, call, body):
        call.keyed = None
        return await super().run(call, body)
