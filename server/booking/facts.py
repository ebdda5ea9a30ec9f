"""What has happened to orders and offers.

Told inside the transaction of the change; the bridge makes channel events, notices and money of them.
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class OrderMoved:
    """An order changed (its status or its `finished_at`); one fact a version.

    `caregiver_id` is who is assigned after the change, `left_caregiver_id` who was until it.
    """

    order_id: str
    version: int
    event: str  # an event of booking/rules/states.py
    from_status: str | None
    to_status: str
    user_id: str
    patient_id: str
    caregiver_id: str | None
    left_caregiver_id: str | None
    finished_at: datetime | None
    reason: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Offered:
    """An offer: which order it is about and whose it is."""

    offer_id: str
    order_id: str
    caregiver_id: str
    caregiver_user_id: str


@dataclass(frozen=True, slots=True)
class OffersOpened:
    """A wave: these caregivers may take one order until `expires_at`, all on the same terms."""

    offers: tuple[Offered, ...]
    wave: int
    expires_at: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class OffersClosed:
    """Offers ended alike, each for the only time: accepted, taken, expired, withdrawn or rejected."""

    offers: tuple[Offered, ...]
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class OrderCancelled:
    """Money has to follow: what the family gets back and what the caregiver keeps, in fen."""

    order_id: str
    paid: bool
    refund_fen: int
    fee_fen: int
    caregiver_id: str | None
    caregiver_share_fen: int
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class OrderCompleted:
    """The caregiver has earned the income; amounts in fen as frozen in the order."""

    order_id: str
    caregiver_id: str
    amount_fen: int
    commission_fen: int
    income_fen: int
    at: datetime


@dataclass(frozen=True, slots=True)
class ReviewSubmitted:
    """The family judged a completed order."""

    order_id: str
    review_id: str
    caregiver_id: str
    score: int
    at: datetime


@dataclass(frozen=True, slots=True)
class StartCodeRenewed:
    """Too many wrong codes: the family must hear the new one."""

    order_id: str
    user_id: str
    code: str
    at: datetime


@dataclass(frozen=True, slots=True)
class OrderStuck:
    """An order needs an administrator's eye."""

    order_id: str
    kind: str
    text: str
    at: datetime
