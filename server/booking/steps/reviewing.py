"""The family's review: once, after completion."""

import json
from datetime import timedelta
from typing import Any

from server.booking.commands import ReviewOrder
from server.booking.facts import ReviewSubmitted
from server.booking.orders.standing import Standings
from server.booking.orders.store import OrderStore
from server.booking.rules.states import OrderState
from server.core.call import Call
from server.core.clock import BusinessClock
from server.core.errors import Refused
from server.core.facts import Facts
from server.core.ids import new_id
from server.core.in_force import InForce
from server.roster.terms import Terms
from server.storage.transaction import Transaction
from server.storage.unit_of_work import UnitOfWork


class Reviewing:
    """Takes reviews."""

    def __init__(
        self,
        *,
        units: UnitOfWork,
        orders: OrderStore,
        standings: Standings,
        facts: Facts,
        terms: InForce[Terms],
        clock: BusinessClock,
    ) -> None:
        self._units = units
        self._orders = orders
        self._standings = standings
        self._facts = facts
        self._terms = terms
        self._clock = clock

    async def review_order(self, call: Call, command: ReviewOrder) -> dict[str, Any]:
        """Judge a completed order: {"review_id"}.

        Raises Refused: `not_found`, `forbidden`, `wrong_state` (not completed, or more than 14 days ago),
        `already_reviewed`.
        """

        async def body(tx: Transaction) -> dict[str, Any]:
            await self._standings.require_booker(tx, command.order_id, call.user)
            order = await self._orders.get(tx, command.order_id)
            assert order is not None
            now = self._clock.now()
            rules = (await self._terms.of(tx, order["policy_version"])).policy.caregiver
            open_for = timedelta(days=rules.review_opens_for_days)
            if order["status"] != OrderState.COMPLETED or now > order["completed_at"] + open_for:
                raise Refused("wrong_state")
            review_id = new_id()
            review = {
                "review_id": review_id,
                "review_score": command.score,
                "review_content": command.content,
                "review_tags": json.dumps(command.tags, ensure_ascii=False),
                "caregiver_id": order["caregiver_id"],
                "reviewed_at": now,
            }
            if not await self._orders.keep_review(tx, command.order_id, review):
                raise Refused("already_reviewed")
            submitted = ReviewSubmitted(command.order_id, review_id, order["caregiver_id"], score=command.score, at=now)
            await self._facts.record(tx, submitted)
            return {"review_id": review_id}

        return await self._units.run(call, body)
