"""How a paid order finds its caregiver.

The search is a row of state on the order (`wave`, `next_wave_at`, `search_until`) moved by whoever
comes first: payment, a refusal, an expiry, the job. Each step is one transaction.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from config.policy import OfferRules, Policy
from server.booking.offers.store import OfferStore, over
from server.booking.orders.store import OrderStore
from server.booking.orders.store_calendar import Calendar
from server.booking.rules import offering
from server.booking.rules.states import OrderState
from server.core.clock import BusinessClock
from server.core.in_force import InForce
from server.roster.eligibility import Eligible, eligible_caregivers
from server.roster.queries import visit_terms
from server.roster.terms import Terms
from server.storage.transaction import Row, Transaction

_LATECOMERS_EVERY = timedelta(seconds=60)  # after the last wave: who became eligible meanwhile


@dataclass(frozen=True, slots=True)
class Chosen:
    """A caregiver an offer goes to, with the reasons for the administrator."""

    caregiver_id: str
    user_id: str
    ranking: dict[str, Any]


class Matching:
    """Opens offers for an order and ends those whose time is over."""

    def __init__(
        self,
        *,
        orders: OrderStore,
        offers: OfferStore,
        calendar: Calendar,
        terms: InForce[Terms],
        clock: BusinessClock,
    ) -> None:
        self._orders = orders
        self._offers = offers
        self._calendar = calendar
        self._terms = terms
        self._clock = clock

    async def begin(self, tx: Transaction, order_id: str, *, at: datetime) -> None:
        """Start the search of an order that has just become `paid`."""
        order = await self._order(tx, order_id)
        policy = await self._policy(tx, order)
        give_up_at = offering.give_up_at(at, start_at=order["start_at"], rules=policy.offers)
        await self._orders.note(tx, order_id, search_until=give_up_at, wave=0, next_wave_at=None)
        order = await self._order(tx, order_id)  # a search that begins again begins with the first wave
        named = order["named_caregiver_id"]
        if named is not None and await self._offer_to_named(tx, order, named, at=at):
            return
        await self._widen(tx, order, at=at)

    async def _policy(self, tx: Transaction, order: Row) -> Policy:
        """The numbers that the order was booked under."""
        return (await self._terms.of(tx, order["policy_version"])).policy

    async def _order(self, tx: Transaction, order_id: str) -> Row:
        order = await self._orders.lock(tx, order_id)
        assert order is not None
        return order

    async def _offer_to_named(self, tx: Transaction, order: Row, caregiver_id: str, *, at: datetime) -> bool:
        if caregiver_id in await self._offers.asked_already(tx, order["order_id"]):
            return False
        found = await self._eligible(tx, order, only=caregiver_id, exclude=set())
        if not found:
            await self._calendar.free(tx, order["order_id"], person="caregiver")
            return False
        chosen = Chosen(caregiver_id, found[0].user_id, {"named": True})
        await self._open(tx, order, [chosen], wave=0, at=at)
        return True

    async def after_refusal(self, tx: Transaction, order_id: str, caregiver_id: str, *, at: datetime) -> None:
        """An offer was refused or missed: when it was the named caregiver's, everybody else is asked."""
        order = await self._orders.lock(tx, order_id)
        if order is None or order["status"] != OrderState.PAID or order["named_caregiver_id"] != caregiver_id:
            return
        if order["wave"] != 0:
            return
        await self._calendar.free(tx, order_id, person="caregiver")
        await self._widen(tx, order, at=at)

    async def widen_due(self, tx: Transaction, order_id: str, *, at: datetime) -> None:
        """Every wave of an order that is still due (the job's step); a clock that jumped may owe several."""
        order = await self._order(tx, order_id)
        while order["status"] == OrderState.PAID and order["next_wave_at"] is not None and order["next_wave_at"] <= at:
            await self._widen(tx, order, at=at)
            order = await self._order(tx, order_id)

    async def _widen(self, tx: Transaction, order: Row, *, at: datetime) -> None:
        """Ask the next ones; after the last wave, look for latecomers now and then.

        A wave counts from when the one before was due, not from when it was looked for.
        """
        rules = (await self._policy(tx, order)).offers
        waves = rules.waves
        number = min(order["wave"] + 1, len(waves))
        asked = await self._offers.asked_already(tx, order["order_id"])
        found = await self._eligible(tx, order, only=None, exclude=asked)
        chosen = _best(found, rules)[: waves[number - 1].more]
        await self._open(tx, order, chosen, wave=number, at=at)
        if number < len(waves):
            pause = timedelta(seconds=waves[number].after_s - waves[number - 1].after_s)
            following = (order["next_wave_at"] or at) + pause
        else:
            following = at + _LATECOMERS_EVERY
        await self._orders.note(tx, order["order_id"], wave=number, next_wave_at=following)

    async def _eligible(
        self, tx: Transaction, order: Row, *, only: str | None, exclude: set[str]
    ) -> list[Eligible]:
        named, policy = only is not None, await self._policy(tx, order)
        return await eligible_caregivers(
            tx,
            **visit_terms(order),
            max_day_price_fen=None if named else order["day_price_fen"],
            exclude=exclude,
            only=only,
            now=self._clock.now(),
            rules=policy.time,
            recent_h=policy.offers.ranking.fair_share_window_h,
        )

    async def _open(self, tx: Transaction, order: Row, chosen: list[Chosen], *, wave: int, at: datetime) -> None:
        rules = (await self._policy(tx, order)).offers
        expires_at = offering.offer_expires_at(at, start_at=order["start_at"], rules=rules)
        await self._offers.open(tx, order, chosen, wave=wave, expires_at=expires_at, at=at)

    async def expire_offer(self, tx: Transaction, offer_id: str, *, at: datetime) -> None:
        """End one offer whose time is over (the job's step)."""
        for row in await self._offers.close(tx, "expired", over(offer_id, at=at), at=at):
            await self.after_refusal(tx, row["order_id"], row["caregiver_id"], at=at)


def _best(found: list[Eligible], rules: OfferRules) -> list[Chosen]:
    ranked = offering.rank(found, rules=rules.ranking)
    return [Chosen(one.candidate.caregiver_id, one.candidate.user_id, one.as_data()) for one in ranked]
