"""The caregiver's answer to an offer: accept or reject.

Exactly one accept of an order can succeed, because `OfferClaims.claim` and the order's own move are
single conditional statements in one transaction that also takes the caregiver's time.
"""

import secrets
from typing import Any

from server.booking.commands import AcceptOffer, RejectOffer
from server.booking.offers.matching import Matching
from server.booking.offers.store import OfferClaims, OfferStore, of_order, only
from server.booking.orders.store import Mover, OrderStore
from server.booking.orders.store_calendar import Calendar, overlapping_offers
from server.booking.rules.states import CAREGIVER, ORDER_STATE_TEXTS, OrderState
from server.core.call import Call
from server.core.clock import BusinessClock
from server.core.errors import Refused
from server.roster.eligibility import may_serve_until
from server.storage.transaction import Row, Transaction
from server.storage.unit_of_work import UnitOfWork

_REFUSAL_OF_STATE = {
    "taken": "offer_taken",
    "expired": "offer_expired",
    "withdrawn": "offer_withdrawn",
    "rejected": "wrong_state",
}


def new_start_code() -> str:
    """Six digits that the family reads out at the start."""
    return f"{secrets.randbelow(1_000_000):06d}"


class Answering:
    """Accepts and rejects offers."""

    def __init__(
        self,
        *,
        units: UnitOfWork,
        orders: OrderStore,
        offers: OfferStore,
        claims: OfferClaims,
        calendar: Calendar,
        matching: Matching,
        clock: BusinessClock,
    ) -> None:
        self._units = units
        self._orders = orders
        self._offers = offers
        self._claims = claims
        self._calendar = calendar
        self._matching = matching
        self._clock = clock

    async def accept_offer(self, call: Call, command: AcceptOffer) -> dict[str, Any]:
        """Take an order: {"order_id", "status", "status_text"}; repeated by its winner, the same again.

        Raises Refused: `not_found` (another's offer), `offer_taken`, `offer_expired`, `offer_withdrawn`,
        `caregiver_busy` (an overlapping visit), `wrong_state` (rejected before, papers run out).
        """

        async def body(tx: Transaction) -> dict[str, Any]:
            found = await self._offers.get_own(tx, command.offer_id, user_id=call.user.user_id)
            if found is None:
                raise Refused("not_found")
            if found["state"] != "accepted":
                await self._take(tx, found, user_id=call.user.user_id)
            status = OrderState.AWAITING_SERVICE
            return {"order_id": found["order_id"], "status": status.value, "status_text": ORDER_STATE_TEXTS[status]}

        return await self._units.run(call, body)

    async def _take(self, tx: Transaction, found: Row, *, user_id: str) -> None:
        now = self._clock.now()
        caregiver_id = found["caregiver_id"]
        await self._calendar.lock_caregiver(tx, caregiver_id)
        order = await self._orders.lock(tx, found["order_id"])
        assert order is not None
        if not await self._claims.claim(tx, found, at=now):
            await self._refuse(tx, found, order, user_id=user_id)
            return
        if not await may_serve_until(tx, caregiver_id, order["end_at"]):
            raise Refused("wrong_state", "您的资质已失效，暂不能接单")
        await self._orders.move(
            tx,
            order,
            "accept",
            actor=Mover(CAREGIVER, user_id),
            at=now,
            values={
                "caregiver_id": caregiver_id,
                "accepted_at": now,
                "start_code": new_start_code(),
                "start_code_failures": 0,
                "next_wave_at": None,
            },
        )
        await self._take_time(tx, caregiver_id, order)
        await self._offers.tell_accepted(tx, found, user_id=user_id, at=now)
        await self._offers.close(tx, "taken", of_order(order["order_id"]), at=now)
        for row in await self._offers.close(tx, "withdrawn", overlapping_offers(caregiver_id, order), at=now):
            await self._matching.after_refusal(tx, row["order_id"], caregiver_id, at=now)

    async def _take_time(self, tx: Transaction, caregiver_id: str, order: Row) -> None:
        """The winner's time becomes a visit; the hold of a named caregiver who lost it is freed."""
        if order["named_caregiver_id"] not in (None, caregiver_id):
            await self._calendar.free(tx, order["order_id"], person="caregiver")
        if not await self._calendar.take_caregiver(tx, caregiver_id, order, kind="visit"):
            raise Refused("caregiver_busy")

    async def _refuse(self, tx: Transaction, found: Row, order: Row, *, user_id: str) -> None:
        """Raises Refused, unless he has accepted it himself at the same moment."""
        now = await self._offers.get_own(tx, found["offer_id"], user_id=user_id)
        assert now is not None
        if now["state"] == "accepted":
            return
        if now["state"] != "open":
            raise Refused(_REFUSAL_OF_STATE[now["state"]])
        if order["status"] == OrderState.CANCELLED:
            raise Refused("offer_withdrawn")
        raise Refused("offer_taken" if order["status"] != OrderState.PAID else "offer_expired")

    async def reject_offer(self, call: Call, command: RejectOffer) -> dict[str, Any]:
        """Refuse an offer: {"offer_id", "state"}. A named caregiver's refusal starts the waves at once.

        Raises Refused: `not_found`, `offer_taken`, `offer_expired`, `offer_withdrawn`, `wrong_state` (accepted).
        """

        async def body(tx: Transaction) -> dict[str, Any]:
            found = await self._offers.get_own(tx, command.offer_id, user_id=call.user.user_id)
            if found is None:
                raise Refused("not_found")
            if found["state"] not in ("open", "rejected"):
                raise Refused(_REFUSAL_OF_STATE.get(found["state"], "wrong_state"))
            if found["state"] == "open":
                await self._reject(tx, found, reason=command.reason)
            return {"offer_id": found["offer_id"], "state": "rejected"}

        return await self._units.run(call, body)

    async def _reject(self, tx: Transaction, found: Row, *, reason: str) -> None:
        now = self._clock.now()
        if found["expires_at"] <= now:
            raise Refused("offer_expired")
        if not await self._offers.close(tx, "rejected", only(found["offer_id"]), at=now, reason=reason):
            raise Refused("offer_taken")
        await self._matching.after_refusal(tx, found["order_id"], found["caregiver_id"], at=now)
