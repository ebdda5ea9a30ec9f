"""The demo's history of orders, as rows."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from server.billing import ledger
from server.core.clock import SHANGHAI
from server.core.money import share_of
from server.demo.bookings import GeneratedOrder
from server.demo.rows import Row, demo_id
from server.roster.catalog import Catalog
from server.storage.tables import billing, booking, care

_COMMISSION_BP = 2_000
_DUE_AFTER = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class OrderPeople:
    """The ids around an order."""

    user_id: str
    patient_id: str
    contact_phone: str
    caregiver_id: str


class OrderRows:
    """Turns finished orders into rows that keep every invariant of the real thing."""

    def __init__(self, *, market: Catalog, world: str) -> None:
        self._market = market
        self._world = world

    def rows(self, order: GeneratedOrder, people: OrderPeople) -> Iterator[Row]:
        order_id = demo_id(order.created_at, self._world, "order", order.index)
        yield booking.t_order, self._order(order, order_id, people)
        yield from self._history(order, order_id, people)
        yield booking.t_order_detail, self._detail(order, order_id, people)
        yield from self._money(order, order_id, people)
        if order.status == "completed":
            yield from self._notes(order, order_id, people)
        if order.case is not None and order.completed_at is not None:
            yield booking.care_case, self._case(order, order_id, people)

    def _order(self, order: GeneratedOrder, order_id: str, people: OrderPeople) -> dict[str, Any]:
        commission_fen = share_of(order.amount_fen, basis_points=_COMMISSION_BP)
        completed = order.status == "completed"
        hospital = self._market.hospital(order.hospital_id)
        return {
            "order_id": order_id,
            "user_id": people.user_id,
            "patient_id": people.patient_id,
            "caregiver_id": people.caregiver_id if completed else None,
            "named_caregiver_id": people.caregiver_id if completed else None,
            "service_type": order.service_type,
            "hospital_id": order.hospital_id,
            "district": hospital.district if hospital else "",
            "department": order.department,
            "contact_phone": people.contact_phone,
            "requirements": order.requirements,
            "start_at": order.start_at,
            "end_at": order.end_at,
            "duration_minutes": (order.end_at - order.start_at) // timedelta(minutes=1),
            "is_urgent": False,
            "touches_night": False,
            "day_price_fen": order.unit_price_fen,
            "amount_fen": order.amount_fen,
            "income_fen": order.amount_fen - commission_fen,
            "commission_fen": commission_fen,
            "lines": json.dumps([self._line(order)], ensure_ascii=False),
            "policy_version": 1,
            "status": order.status,
            "version": 6 if completed else 3,
            "created_at": order.created_at,
            "pay_deadline_at": order.created_at + timedelta(minutes=15),
            "pay_method": order.pay_method,
            "paid_at": order.paid_at,
            "accepted_at": order.accepted_at,
            "started_at": order.started_at,
            "finished_at": order.finished_at,
            "completed_at": order.completed_at,
            "cancelled_at": order.cancelled_at,
            "cancel_reason": order.cancel_reason,
            "cancelled_by": None if completed else "patient",
        }

    def _line(self, order: GeneratedOrder) -> dict[str, Any]:
        service = self._market.service_type(order.service_type)
        return {
            "label": service.name if service else order.service_type,
            "quantity": order.quantity,
            "unit": service.unit if service else "visit",
            "unit_price_fen": order.unit_price_fen,
            "amount_fen": order.amount_fen,
        }

    def _history(self, order: GeneratedOrder, order_id: str, people: OrderPeople) -> Iterator[Row]:
        steps: list[tuple[str, str, datetime | None, str]] = [
            ("create", "pending_payment", order.created_at, "patient"),
            ("pay", "paid", order.paid_at, "system"),
            ("accept", "awaiting_service", order.accepted_at, "caregiver"),
            ("start", "in_service", order.started_at, "caregiver"),
            ("finish", "in_service", order.finished_at, "caregiver"),
            ("confirm", "completed", order.completed_at, "patient"),
            ("cancel", "cancelled", order.cancelled_at, "patient"),
        ]
        before, version = None, 0
        for event, status, at, actor in steps:
            if at is None:
                continue
            version += 1
            yield (
                booking.order_event,
                {
                    "event_id": demo_id(at, self._world, "order event", order.index, version),
                    "order_id": order_id,
                    "version": version,
                    "event": event,
                    "from_status": before,
                    "to_status": status,
                    "actor_type": actor,
                    "actor_id": people.user_id if actor == "patient" else None,
                    "at": at,
                },
            )
            before = status

    def _detail(self, order: GeneratedOrder, order_id: str, people: OrderPeople) -> dict[str, Any]:
        row: dict[str, Any] = {
            "detail_id": demo_id(order.created_at, self._world, "detail", order.index),
            "order_id": order_id,
        }
        if order.review is not None:
            row |= {
                "review_id": demo_id(order.review.created_at, self._world, "review", order.index),
                "review_score": order.review.score,
                "review_content": order.review.content,
                "review_tags": json.dumps(list(order.review.tags), ensure_ascii=False),
                "caregiver_id": people.caregiver_id,
                "reviewed_at": order.review.created_at,
            }
        return row

    def _money(self, order: GeneratedOrder, order_id: str, people: OrderPeople) -> Iterator[Row]:
        payment_id = demo_id(order.paid_at, self._world, "payment", order.index)
        completed = order.status == "completed"
        yield (
            billing.payment,
            {
                "payment_id": payment_id,
                "order_id": order_id,
                "user_id": people.user_id,
                "method": order.pay_method,
                "channel": "mini",
                "amount_fen": order.amount_fen,
                "status": "succeeded" if completed else "refunded",
                "transaction_id": f"demo{payment_id}",
                "refunded_fen": 0 if completed else order.amount_fen,
                "refund_count": 0 if completed else 1,
                "returned_fen": 0 if completed else order.amount_fen,
                "created_at": order.created_at,
                "paid_at": order.paid_at,
            },
        )
        paid = {ledger.PROVIDER_CASH: order.amount_fen, ledger.CUSTOMER_FUNDS: -order.amount_fen}
        yield from self._posting(order_id, f"payment/{payment_id}", paid, order.paid_at)
        if completed:
            yield from self._earning(order, order_id, people)
        else:
            yield from self._refund(order, order_id, payment_id)

    def _earning(self, order: GeneratedOrder, order_id: str, people: OrderPeople) -> Iterator[Row]:
        at = order.completed_at
        assert at is not None
        commission_fen = share_of(order.amount_fen, basis_points=_COMMISSION_BP)
        net_fen = order.amount_fen - commission_fen
        entries = {
            ledger.CUSTOMER_FUNDS: order.amount_fen,
            ledger.CAREGIVER_PAYABLE: -net_fen,
            ledger.PLATFORM_COMMISSION: -commission_fen,
        }
        yield from self._posting(order_id, f"completion/{order_id}", entries, at)
        due_at = (at.astimezone(SHANGHAI) + _DUE_AFTER).replace(hour=0, minute=0, second=0, microsecond=0)
        yield (
            billing.settlement,
            {
                "order_id": order_id,
                "caregiver_id": people.caregiver_id,
                "gross_fen": order.amount_fen,
                "commission_fen": commission_fen,
                "net_fen": net_fen,
                "status": "frozen",  # the job releases what is due
                "earned_at": at,
                "due_at": due_at,
            },
        )

    def _refund(self, order: GeneratedOrder, order_id: str, payment_id: str) -> Iterator[Row]:
        at = order.cancelled_at
        assert at is not None
        refund_id = demo_id(at, self._world, "refund", order.index)
        yield (
            billing.refund,
            {
                "refund_id": refund_id,
                "payment_id": payment_id,
                "order_id": order_id,
                "amount_fen": order.amount_fen,
                "kind": "full",
                "reason": order.cancel_reason or "",
                "status": "succeeded",
                "created_at": at,
                "succeeded_at": at,
                "attempts": 1,
            },
        )
        due = {ledger.CUSTOMER_FUNDS: order.amount_fen, ledger.REFUNDS_DUE: -order.amount_fen}
        done = {ledger.REFUNDS_DUE: order.amount_fen, ledger.PROVIDER_CASH: -order.amount_fen}
        yield from self._posting(order_id, f"refund_due/{refund_id}", due, at)
        yield from self._posting(order_id, f"refund/{refund_id}", done, at)

    def _posting(self, order_id: str, posting: str, entries: dict[str, int], at: datetime) -> Iterator[Row]:
        for account, amount_fen in entries.items():
            entry_id = demo_id(at, self._world, posting, account)
            row = {"entry_id": entry_id, "posting": posting, "order_id": order_id, "account": account}
            yield billing.ledger_entry, row | {"amount_fen": amount_fen, "at": at}

    def _notes(self, order: GeneratedOrder, order_id: str, people: OrderPeople) -> Iterator[Row]:
        for number, note in enumerate(order.notes, start=1):
            note_id = demo_id(note.recorded_at, self._world, "note", order.index, number)
            yield (
                care.service_note,
                {
                    "note_id": note_id,
                    "order_id": order_id,
                    "caregiver_id": people.caregiver_id,
                    "msg_id": f"demo-{number}",
                    "body_hash": "0" * 64,
                    "kind": note.kind,
                    "text": note.text,
                    "file_ids": "[]",
                    "recorded_at": note.recorded_at,
                    "received_at": note.recorded_at,
                    "offset": number,
                },
            )

    def _case(self, order: GeneratedOrder, order_id: str, people: OrderPeople) -> dict[str, Any]:
        assert order.case is not None and order.completed_at is not None
        return {
            "case_id": demo_id(order.completed_at, self._world, "case", order.index),
            "caregiver_id": people.caregiver_id,
            "order_id": order_id,
            "service_type": order.service_type,
            "summary": order.case.summary,
            "condition_tags": json.dumps(list(order.case.condition_tags), ensure_ascii=False),
            "duration_minutes": (order.end_at - order.start_at) // timedelta(minutes=1),
            "month": order.start_at.astimezone(SHANGHAI).strftime("%Y-%m"),
            "consented_at": order.completed_at,
            "created_at": order.completed_at,
        }
