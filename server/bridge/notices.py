"""Facts become notices, once a recipient and transition."""
from datetime import datetime
from typing import Any

from server.billing.facts import RefundSucceeded
from server.booking.facts import OrderMoved, ReviewSubmitted, StartCodeRenewed
from server.booking.orders.queries import Party, party_of, user_of_caregiver
from server.booking.rules.states import OrderState
from server.bridge.order_words import OrderWords, moment
from server.core.clock import BusinessClock
from server.core.facts import Facts
from server.core.money import yuan_text
from server.push.notices import Notices
from server.roster.facts import QualificationReviewed
from server.storage.transaction import Transaction

_TEMPLATE_OF_EVENT = {
    "pay": "booking_succeeded",
    "accept": "caregiver_accepted",
    "withdraw": "caregiver_withdrew",
    "start": "service_started",
    "finish": "service_finished",
    "confirm": "order_completed",
    "auto_confirm": "order_completed",
}
_FOR_THE_CAREGIVER_TOO = ("order_completed", "order_cancelled")


class OrderNotices:
    """Adds the notices of orders, refunds, reviews and qualifications."""

    def __init__(self, *, notices: Notices, words: OrderWords, clock: BusinessClock) -> None:
        self._notices = notices
        self._words = words
        self._clock = clock

    def listen(self, facts: Facts) -> None:
        facts.on(OrderMoved, self._order_moved)
        facts.on(RefundSucceeded, self._refund_succeeded)
        facts.on(ReviewSubmitted, self._review_submitted)
        facts.on(QualificationReviewed, self._qualification_reviewed)
        facts.on(StartCodeRenewed, self._start_code_renewed)

    async def _order_moved(self, tx: Transaction, fact: OrderMoved) -> None:
        cancelled = fact.to_status == OrderState.CANCELLED
        template = "order_cancelled" if cancelled else _TEMPLATE_OF_EVENT.get(fact.event)
        if template is None:
            return
        party = await party_of(tx, fact)
        params = await self._words.params(tx, fact.order_id)
        params |= {"at_text": moment(fact.at), "reason": fact.reason or "未说明"}
        once = f"{template}/{fact.order_id}/{fact.version}"
        for user_id in _recipients(template, party):
            await self._add(tx, user_id, template, params, fact.order_id, once=once, at=fact.at)

    async def _refund_succeeded(self, tx: Transaction, fact: RefundSucceeded) -> None:
        params = await self._words.params(tx, fact.order_id)
        params["amount_text"] = yuan_text(fact.amount_fen)
        once = f"refund_succeeded/{fact.refund_id}"
        await self._add(
            tx, fact.user_id, "refund_succeeded", params, fact.order_id, once=once, at=self._clock.now()
        )

    async def _review_submitted(self, tx: Transaction, fact: ReviewSubmitted) -> None:
        user_id = await user_of_caregiver(tx, fact.caregiver_id)
        params = await self._words.params(tx, fact.order_id) | {"score": f"{fact.score}星"}
        once = f"review_received/{fact.review_id}"
        await self._add(tx, user_id, "review_received", params, fact.order_id, once=once, at=fact.at)

    async def _start_code_renewed(self, tx: Transaction, fact: StartCodeRenewed) -> None:
        once = f"start_code_renewed/{fact.order_id}/{fact.at.timestamp()}"
        await self._add(
            tx, fact.user_id, "start_code_renewed", {"code": fact.code}, fact.order_id, once=once, at=fact.at
        )

    async def _qualification_reviewed(self, tx: Transaction, fact: QualificationReviewed) -> None:
        approved = fact.decision == "approve"
        await self._notices.add(
            tx,
            user_id=fact.user_id,
            type="system",
            template="qualification_reviewed",
            params={"result_text": "已通过" if approved else "未通过", "reason": fact.reason},
            order_id=None,
            once_key=f"qualification_reviewed/{fact.certification_id}",
            at=self._clock.now(),
        )

    async def _add(
        self,
        tx: Transaction,
        user_id: str,
        template: str,
        params: dict[str, Any],
        order_id: str,
        *,
        once: str,
        at: datetime,
    ) -> None:
        await self._notices.add(
            tx,
            user_id=user_id,
            type="order",
            template=template,
            params=params,
            order_id=order_id,
            once_key=f"{once}/{user_id}",
            at=at,
        )


def _recipients(template: str, party: Party) -> tuple[str, ...]:
    if template == "booking_succeeded":
        return (party.booker_id,)  # the relatives did not book and see no money
    return party.all_ids if template in _FOR_THE_CAREGIVER_TOO else party.family_ids
