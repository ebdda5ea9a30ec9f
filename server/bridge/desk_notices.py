"""What administrators do with orders, told to those in them.

Why they did it stays in the audit: a reason may speak of one person to another.
"""

from typing import Any

from server.billing.facts import IncomeAdjusted
from server.booking.facts import OrderMoved
from server.booking.orders.queries import party_of, user_of_caregiver
from server.bridge.order_words import OrderWords
from server.core.clock import BusinessClock
from server.core.facts import Facts
from server.core.money import yuan_text
from server.push.notices import Notices
from server.storage.transaction import Transaction


class DeskNotices:
    """A reassignment is told to the family, to who has the order now and to who had it; a refund to who loses by it."""

    def __init__(self, *, notices: Notices, words: OrderWords, clock: BusinessClock) -> None:
        self._notices = notices
        self._words = words
        self._clock = clock

    def listen(self, facts: Facts) -> None:
        facts.on(OrderMoved, self._order_moved)
        facts.on(IncomeAdjusted, self._income_adjusted)

    async def _order_moved(self, tx: Transaction, fact: OrderMoved) -> None:
        if fact.event != "reassign":
            return
        params = await self._words.params(tx, fact.order_id)
        party = await party_of(tx, fact)
        to_family = "caregiver_accepted" if fact.left_caregiver_id is None else "caregiver_changed"
        for user_id in party.family_ids:
            await self._add(tx, fact, user_id, to_family, params)
        if party.caregiver_user_id is not None:
            await self._add(tx, fact, party.caregiver_user_id, "order_assigned", params)
        if fact.left_caregiver_id is not None:
            left = await user_of_caregiver(tx, fact.left_caregiver_id)
            await self._add(tx, fact, left, "order_taken_over", params)

    async def _add(
        self, tx: Transaction, fact: OrderMoved, user_id: str, template: str, params: dict[str, Any]
    ) -> None:
        await self._notices.add(
            tx,
            user_id=user_id,
            type="order",
            template=template,
            params=params,
            order_id=fact.order_id,
            once_key=f"{template}/{fact.order_id}/{fact.version}/{user_id}",
            at=fact.at,
        )

    async def _income_adjusted(self, tx: Transaction, fact: IncomeAdjusted) -> None:
        params = await self._words.params(tx, fact.order_id) | {"amount_text": yuan_text(-fact.by_fen)}
        user_id = await user_of_caregiver(tx, fact.caregiver_id)
        await self._notices.add(
            tx,
            user_id=user_id,
            type="order",
            template="income_adjusted",
            params=params,
            order_id=fact.order_id,
            once_key=f"income_adjusted/{fact.refund_id}",
            at=self._clock.now(),
        )
