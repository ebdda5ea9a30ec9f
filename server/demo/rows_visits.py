"""Who was offered the demo's orders, and whose time is taken."""

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from server.demo.bookings import GeneratedOrder
from server.demo.rows import Row, demo_id
from server.demo.rows_money import OrderPeople
from server.storage.tables import booking

_OFFER_LIVES = timedelta(minutes=15)


class VisitRows:
    """One offer an order; time of two people for a visit that lies ahead."""

    def __init__(self, *, world: str) -> None:
        self._world = world

    def offer(self, order: GeneratedOrder, order_id: str, people: OrderPeople, *, income_fen: int) -> Row:
        expires_at = order.paid_at + _OFFER_LIVES
        if order.accepted_at is not None:
            state, closed_at = "accepted", order.accepted_at
        else:
            assert order.cancelled_at is not None
            closed_at = min(expires_at, order.cancelled_at)
            state = "withdrawn" if closed_at < expires_at else "expired"
        return booking.offer, {
            "offer_id": demo_id(order.paid_at, self._world, "offer", order.index),
            "order_id": order_id,
            "caregiver_id": people.caregiver_id,
            "wave": 0 if order.accepted_at is not None else 1,
            "state": state,
            "opened_at": order.paid_at,
            "expires_at": expires_at,
            "closed_at": closed_at,
            "income_fen": income_fen,
        }

    def engagements(self, order: GeneratedOrder, order_id: str, people: OrderPeople) -> Iterator[Row]:
        for kind, person_id in (("patient", people.patient_id), ("caregiver", people.caregiver_id)):
            yield booking.engagement, {
                "engagement_id": demo_id(order.created_at, self._world, "engagement", kind, order.index),
                "person_kind": kind,
                "person_id": person_id,
                "order_id": order_id,
                "start_at": order.start_at,
                "end_at": order.end_at,
                "hospital_id": order.hospital_id,
                "kind": "visit",
            }

    def start_code(self, order: GeneratedOrder) -> dict[str, Any]:
        """What the family shows when the visit begins."""
        digest = hashlib.sha256(f"{self._world}/start code/{order.index}".encode()).digest()
        return {"start_code": f"{int.from_bytes(digest[:4]) % 1_000_000:06d}"}
