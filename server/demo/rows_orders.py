"""The demo's history of orders, as rows."""

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from server.core.clock import SHANGHAI
from server.core.money import share_of
from server.demo.bookings import GeneratedOrder
from server.demo.rows import Row, demo_id
from server.demo.rows_channels import ChannelRows, move_told, note_told
from server.demo.rows_money import COMMISSION_BP, MoneyRows, OrderPeople
from server.demo.rows_visits import VisitRows
from server.roster.catalog import Catalog
from server.storage.tables import booking, care


class OrderRows:
    """Turns finished orders into rows that keep every invariant of the real thing."""

    def __init__(self, *, market: Catalog, world: str, today: date) -> None:
        self._market = market
        self._world = world
        self._money = MoneyRows(world=world, today=today)
        self._visits = VisitRows(world=world)
        self._channels = ChannelRows(world=world, today=today)

    def rows(self, order: GeneratedOrder, people: OrderPeople) -> Iterator[Row]:
        order_id = demo_id(order.created_at, self._world, "order", order.index)
        row = self._order(order, order_id, people)
        moves = list(self._history(order, order_id, people))
        notes = self._notes(order, order_id, people) if order.status == "completed" else []
        yield booking.t_order, row
        yield from ((booking.order_event, move) for move in moves)
        yield booking.t_order_detail, self._detail(order, order_id, people)
        yield self._visits.offer(order, order_id, people, income_fen=row["income_fen"])
        yield from self._money.rows(order, order_id, people)
        yield from self._told(order, order_id, moves, notes)
        if order.status == "awaiting_service":
            yield from self._visits.engagements(order, order_id, people)
        if order.case is not None and order.completed_at is not None:
            yield booking.care_case, _case(order, order_id, people, world=self._world)

    def _told(
        self, order: GeneratedOrder, order_id: str, moves: list[dict[str, Any]], notes: list[dict[str, Any]]
    ) -> Iterator[Row]:
        """The order's channel, and the notes with their positions in it."""
        finished = [move["version"] for move in moves if move["event"] == "finish"]
        told = [
            (move_told(move, finished_at=order.finished_at if finished and move["version"] >= finished[0] else None), None)
            for move in moves
        ]
        told += [(note_told(note), note) for note in notes]
        told.sort(key=lambda one: one[0][0])  # of one instant: the change first
        for offset, (_, note) in enumerate(told, start=1):
            if note is not None:
                yield care.service_note, note | {"offset": offset}
        yield from self._channels.rows(order_id, (happened for happened, _ in told))

    def _order(self, order: GeneratedOrder, order_id: str, people: OrderPeople) -> dict[str, Any]:
        commission_fen = share_of(order.amount_fen, basis_points=COMMISSION_BP)
        is_accepted = order.accepted_at is not None
        hospital = self._market.hospital(order.hospital_id)
        return {
            "order_id": order_id,
            "user_id": people.user_id,
            "patient_id": people.patient_id,
            "caregiver_id": people.caregiver_id if is_accepted else None,
            "named_caregiver_id": people.caregiver_id if is_accepted else None,
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
            "version": sum(at is not None for _, _, at, _ in _steps(order)),
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
            "cancelled_by": "patient" if order.status == "cancelled" else None,
        } | (self._visits.start_code(order) if order.status == "awaiting_service" else {})

    def _line(self, order: GeneratedOrder) -> dict[str, Any]:
        service = self._market.service_type(order.service_type)
        return {
            "label": service.name if service else order.service_type,
            "quantity": order.quantity,
            "unit": service.unit if service else "visit",
            "unit_price_fen": order.unit_price_fen,
            "amount_fen": order.amount_fen,
        }

    def _history(self, order: GeneratedOrder, order_id: str, people: OrderPeople) -> Iterator[dict[str, Any]]:
        before, version = None, 0
        for event, status, at, actor in _steps(order):
            if at is None:
                continue
            version += 1
            yield {
                "event_id": demo_id(at, self._world, "order event", order.index, version),
                "order_id": order_id,
                "version": version,
                "event": event,
                "from_status": before,
                "to_status": status,
                "actor_type": actor,
                "actor_id": people.user_id if actor == "patient" else None,
                "at": at,
            }
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

    def _notes(self, order: GeneratedOrder, order_id: str, people: OrderPeople) -> list[dict[str, Any]]:
        return [
            {
                "note_id": demo_id(note.recorded_at, self._world, "note", order.index, number),
                "order_id": order_id,
                "caregiver_id": people.caregiver_id,
                "msg_id": f"demo-{number}",
                "body_hash": "0" * 64,
                "kind": note.kind,
                "text": note.text,
                "file_ids": "[]",
                "recorded_at": note.recorded_at,
                "received_at": note.recorded_at,
            }
            for number, note in enumerate(order.notes, start=1)
        ]


def _case(order: GeneratedOrder, order_id: str, people: OrderPeople, *, world: str) -> dict[str, Any]:
    assert order.case is not None and order.completed_at is not None
    return {
        "case_id": demo_id(order.completed_at, world, "case", order.index),
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


def _steps(order: GeneratedOrder) -> list[tuple[str, str, datetime | None, str]]:
    """(event, the status it leads to, when or never, who) of an order's life."""
    return [
        ("create", "pending_payment", order.created_at, "patient"),
        ("pay", "paid", order.paid_at, "system"),
        ("accept", "awaiting_service", order.accepted_at, "caregiver"),
        ("start", "in_service", order.started_at, "caregiver"),
        ("finish", "in_service", order.finished_at, "caregiver"),
        ("confirm", "completed", order.completed_at, "patient"),
        ("cancel", "cancelled", order.cancelled_at, "patient"),
    ]
