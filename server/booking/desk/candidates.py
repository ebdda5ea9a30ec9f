"""Who could take an order over, ranked, and who not and why."""

from typing import Any

from config.policy import Policy
from server.booking.desk import queries_file
from server.booking.desk.commands import ListCandidates
from server.booking.desk.wording import OFFER_TEXTS
from server.booking.orders.store import OrderStore
from server.booking.rules.offering import Ranked, rank
from server.core.call import Call
from server.core.clock import BusinessClock
from server.core.errors import Refused
from server.core.in_force import InForce
from server.roster.eligibility import Eligible, eligible_caregivers
from server.roster.fitness import Fitness, fitness_of
from server.roster.queries import visit_terms
from server.roster.terms import Terms
from server.storage.sql import Database
from server.storage.transaction import Row, Transaction

_SHOWN_AT_MOST = 50
_EXCLUDED_AT_MOST = 100


class Candidates:
    """Ranks by the rule of the waves, with the numbers that the order was booked under."""

    def __init__(
        self, *, database: Database, orders: OrderStore, terms: InForce[Terms], clock: BusinessClock
    ) -> None:
        self._database = database
        self._orders = orders
        self._terms = terms
        self._clock = clock

    async def list_candidates(self, call: Call, query: ListCandidates) -> dict[str, Any]:
        """{"order_id", "items", "excluded", "next_cursor"}; with `caregiver_id` this one alone, in either list.

        Raises Refused `not_found`.
        """
        async with self._database.read() as tx:
            order = await self._orders.require(tx, query.order_id)
            ranked = await self._ranked(tx, order)
            fitting = {one.candidate.caregiver_id for one in ranked}
            shown = [one for one in ranked if query.caregiver_id in (None, one.candidate.caregiver_id)]
            shown = shown[:_SHOWN_AT_MOST]
            excluded = await self._excluded(tx, order, query, fitting=fitting)
            known = await self._known(tx, order, [one.candidate.caregiver_id for one in shown])
            offers = await queries_file.latest_offers(tx, query.order_id)
        if query.caregiver_id is not None and not shown and not excluded:
            raise Refused("not_found")
        places = {one.candidate.caregiver_id: place for place, one in enumerate(ranked, start=1)}
        items = [
            _card(known[one.candidate.caregiver_id], offers)
            | {"rank": places[one.candidate.caregiver_id], "recent_offers": one.candidate.recent_offers}
            | one.as_data()
            for one in shown
        ]
        left_out = [_card(one, offers) | {"reasons": _reasons(one, order)} for one in excluded]
        return {"order_id": query.order_id, "items": items, "excluded": left_out, "next_cursor": None}

    async def _policy(self, tx: Transaction, order: Row) -> Policy:
        return (await self._terms.of(tx, order["policy_version"])).policy

    async def _ranked(self, tx: Transaction, order: Row) -> list[Ranked[Eligible]]:
        """Everybody who fits but the one who has the order."""
        policy = await self._policy(tx, order)
        found = await eligible_caregivers(
            tx,
            **visit_terms(order),
            max_day_price_fen=order["day_price_fen"],
            exclude=_assigned(order),
            only=None,
            now=self._clock.now(),
            rules=policy.time,
            recent_h=policy.offers.ranking.fair_share_window_h,
        )
        return rank(found, rules=policy.offers.ranking)

    async def _excluded(
        self, tx: Transaction, order: Row, query: ListCandidates, *, fitting: set[str]
    ) -> list[Fitness]:
        """Those of the district who do not fit, the fewest reasons first."""
        if query.caregiver_id in fitting:
            return []
        asked = None if query.caregiver_id is None else [query.caregiver_id]
        found = await fitness_of(
            tx,
            order,
            rules=(await self._policy(tx, order)).time,
            among=asked,
            besides=[*_assigned(order), *sorted(fitting)] if asked is None else [],
            limit=_EXCLUDED_AT_MOST,
        )
        return sorted(found, key=lambda one: (any(o.is_hard for o in one.obstacles), len(one.obstacles)))

    async def _known(self, tx: Transaction, order: Row, caregiver_ids: list[str]) -> dict[str, Fitness]:
        """What is shown of those who fit."""
        rules = (await self._policy(tx, order)).time
        found = await fitness_of(tx, order, rules=rules, among=caregiver_ids, limit=_SHOWN_AT_MOST)
        return {one.caregiver_id: one for one in found}


def _assigned(order: Row) -> set[str]:
    return {order["caregiver_id"]} - {None}


def _card(fitness: Fitness, offers: dict[str, str]) -> dict[str, Any]:
    row, state = fitness.row, offers.get(fitness.caregiver_id)
    return {
        "caregiver_id": fitness.caregiver_id,
        "name": row["name"],
        "day_price_fen": row["day_price_fen"],
        "rating": None if row["rating_milli"] is None else row["rating_milli"] / 1000,
        "review_count": row["review_count"],
        "completed_count": row["completed_count"],
        "experience_years": row["experience_years"],
        "offer_state": state,
        "offer_state_text": None if state is None else OFFER_TEXTS[state],
    }


def _reasons(fitness: Fitness, order: Row) -> list[dict[str, Any]]:
    told = [{"code": one.code, "text": one.text, "hard": one.is_hard} for one in fitness.obstacles]
    if fitness.caregiver_id in _assigned(order):
        told.insert(0, {"code": "assigned", "text": "该订单目前由其负责", "hard": True})
    return told
