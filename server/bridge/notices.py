"""Facts become notices, once a recipient and transition."""
from datetime import datetime
from typing import Any

from server.billing.facts import RefundSucceeded
from server.booking.facts import OrderMoved, ReviewSubmitted, StartCodeRenewed
from server.booking.queries import Party, order_with_people, party_of, user_of_caregiver
from server.booking.states import OrderState
from server.core.clock import SHANGHAI, BusinessClock
from server.core.facts import Facts
from server.push.notices import Notices
from server.roster.catalog import Catalog
from server.roster.facts import QualificationReviewed
from server.storage.transaction import Row, Transaction

_WEEKDAYS = "一二三四五六日"
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

    def __init__(self, *, notices: Notices, catalog: Catalog, clock: BusinessClock) -> None:
        self._notices = notices
        self._catalog = catalog
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
        party = await party_of(
            tx, user_id=fact.user_id, patient_id=fact.patient_id, caregiver_id=fact.caregiver_id
        )
        params = await self._params(tx, fact.order_id)
        params |= {"at_text": _moment(fact.at), "reason": fact.reason or "未说明"}
        once = f"{template}/{fact.order_id}/{fact.version}"
        for user_id in _recipients(template, party):
            await self._add(tx, user_id, template, params, fact.order_id, once=once, at=fact.at)

    async def _refund_succeeded(self, tx: Transaction, fact: RefundSucceeded) -> None:
        params = await self._params(tx, fact.order_id)
        params["amount_text"] = f"{fact.amount_fen // 100}.{fact.amount_fen % 100:02d}元"
        once = f"refund_succeeded/{fact.refund_id}"
        await self._add(
            tx, fact.user_id, "refund_succeeded", params, fact.order_id, once=once, at=self._clock.now()
        )

    async def _review_submitted(self, tx: Transaction, fact: ReviewSubmitted) -> None:
        user_id = await user_of_caregiver(tx, fact.caregiver_id)
        params = await self._params(tx, fact.order_id) | {"score": f"{fact.score}星"}
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

    async def _params(self, tx: Transaction, order_id: str) -> dict[str, Any]:
        order = await order_with_people(tx, order_id)
        assert order is not None
        service = self._catalog.service_type(order["service_type"])
        return {
            "patient_name": order["patient_name"],
            "service_name": service.name if service else order["service_type"],
            "caregiver_name": order["caregiver_name"] or "陪护人员",
            "start_text": _span(order),
        }


def _recipients(template: str, party: Party) -> tuple[str, ...]:
    if template == "booking_succeeded":
        return (party.booker_id,)  # the relatives did not book and see no money
    return party.all_ids if template in _FOR_THE_CAREGIVER_TOO else party.family_ids


def _moment(instant: datetime) -> str:
    local = instant.astimezone(SHANGHAI)
    return f"{local.month}月{local.day}日(周{_WEEKDAYS[local.weekday()]}){local:%H:%M}"


def _span(order: Row) -> str:
    return f"{_moment(order['start_at'])}至{_moment(order['end_at'])}"
