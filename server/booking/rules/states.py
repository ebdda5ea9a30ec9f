"""The states of orders and offers, and every move.

The tables are data beside the enums (domain.md §1, the rows that contract.md exposes); the use cases, the
documentation and the property tests read the same ones. A move is made by compare-and-set on
(id, state, version); what else guards it is named in the table's words and checked by its use case.
"""
from dataclasses import dataclass
from enum import StrEnum

PATIENT, CAREGIVER, ADMIN, SYSTEM = "patient", "caregiver", "admin", "system"


class OrderState(StrEnum):
    PENDING_PAYMENT = "pending_payment"
    PAID = "paid"
    AWAITING_SERVICE = "awaiting_service"
    IN_SERVICE = "in_service"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


ORDER_STATE_TEXTS = {
    OrderState.PENDING_PAYMENT: "待支付",
    OrderState.PAID: "已支付",
    OrderState.AWAITING_SERVICE: "待服务",
    OrderState.IN_SERVICE: "服务中",
    OrderState.COMPLETED: "已完成",
    OrderState.CANCELLED: "已取消",
}
FINAL_STATES = frozenset({OrderState.COMPLETED, OrderState.CANCELLED})
# Exactly one caregiver answers for the order in these.
ASSIGNED_STATES = frozenset({OrderState.AWAITING_SERVICE, OrderState.IN_SERVICE})


@dataclass(frozen=True, slots=True)
class Move:
    """One allowed transition; `row` is the number in domain.md §1. Source None: the order is made."""

    row: int
    event: str
    source: OrderState | None
    target: OrderState
    actors: frozenset[str]
    guard: str


def _move(
    row: int, event: str, source: OrderState | None, target: OrderState, *actors: str, guard: str = ""
) -> Move:
    return Move(row, event, source, target, frozenset(actors), guard)


_S = OrderState
ORDER_MOVES: tuple[Move, ...] = (
    _move(1, "create", None, _S.PENDING_PAYMENT, PATIENT, guard="patient, caregiver and time fit; nobody busy"),
    _move(2, "pay", _S.PENDING_PAYMENT, _S.PAID, SYSTEM, guard="the provider reports the amount as paid"),
    _move(3, "pay_deadline", _S.PENDING_PAYMENT, _S.CANCELLED, SYSTEM, guard="closed at the provider, unpaid"),
    _move(4, "cancel", _S.PENDING_PAYMENT, _S.CANCELLED, PATIENT, ADMIN, guard="closed at the provider, unpaid"),
    _move(5, "late_payment", _S.CANCELLED, _S.CANCELLED, SYSTEM, guard="refunded whole, never opened again"),
    _move(6, "second_payment", _S.PAID, _S.PAID, SYSTEM, guard="the second one is refunded"),
    _move(6, "second_payment", _S.AWAITING_SERVICE, _S.AWAITING_SERVICE, SYSTEM, guard="the second one is refunded"),
    _move(7, "accept", _S.PAID, _S.AWAITING_SERVICE, CAREGIVER, guard="own offer open and not expired; not busy"),
    _move(9, "give_up", _S.PAID, _S.CANCELLED, SYSTEM, guard="nobody accepted in time; full refund"),
    _move(10, "cancel", _S.PAID, _S.CANCELLED, PATIENT, ADMIN, guard="full refund"),
    _move(11, "withdraw", _S.AWAITING_SERVICE, _S.PAID, CAREGIVER, SYSTEM, guard="the assigned one, or a ban"),
    _move(12, "reassign", _S.AWAITING_SERVICE, _S.AWAITING_SERVICE, ADMIN, guard="the new one fits or consents; free"),
    _move(14, "cancel", _S.AWAITING_SERVICE, _S.CANCELLED, PATIENT, ADMIN, guard="fee by tier for the user"),
    _move(15, "never_started", _S.AWAITING_SERVICE, _S.CANCELLED, SYSTEM, guard="end_at passed; full refund"),
    _move(17, "start", _S.AWAITING_SERVICE, _S.IN_SERVICE, CAREGIVER, guard="the assigned one, in the window, code"),
    _move(19, "finish", _S.IN_SERVICE, _S.IN_SERVICE, CAREGIVER, guard="the assigned one; not finished yet"),
    _move(19, "confirm", _S.IN_SERVICE, _S.COMPLETED, PATIENT, guard="finished; who booked"),
    _move(19, "auto_confirm", _S.IN_SERVICE, _S.COMPLETED, SYSTEM, guard="finished 24 h ago"),
    _move(22, "reassign", _S.PAID, _S.AWAITING_SERVICE, ADMIN, guard="the new one fits or consents; free"),
)
_MOVE_AT = {(move.source, move.event): move for move in ORDER_MOVES}


def find_move(state: OrderState | None, event: str, *, actor: str) -> Move | None:
    """The move that `event` by `actor` makes from `state`; None: refuse with `wrong_state`."""
    move = _MOVE_AT.get((state, event))
    return move if move is not None and actor in move.actors else None


class OfferState(StrEnum):
    OPEN = "open"
    ACCEPTED = "accepted"
    TAKEN = "taken"  # a sibling was accepted
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"  # the order was cancelled, or the caregiver accepted another at that time
    REJECTED = "rejected"


# An offer leaves `open` once and never comes back; each target is also the reason in `offer.closed`.
OFFER_MOVES: dict[OfferState, frozenset[OfferState]] = {
    OfferState.OPEN: frozenset(OfferState) - {OfferState.OPEN},
    **{state: frozenset() for state in OfferState if state is not OfferState.OPEN},
}
