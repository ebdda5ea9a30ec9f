"""What a cancellation costs, and who gets what, to the fen.

domain.md §6: only the user's own cancellation after acceptance costs anything. The fee is evaluated at an
instant of business time on the policy that the order froze; border instants belong to the gentler tier.
"""
from dataclasses import dataclass
from datetime import datetime, timedelta

from config.policy import CancellationRules, CancellationTier
from server.booking.rules.states import ADMIN, CAREGIVER, PATIENT, SYSTEM, OrderState
from server.core.errors import Refused
from server.core.money import share_of


@dataclass(frozen=True, slots=True)
class Cancellation:
    """`refund + fee` is what was paid and `caregiver + platform` is the fee, exactly.

    `tier_text` is Chinese, for the quote that is shown before.
    """

    refund_fen: int
    fee_fen: int
    caregiver_fen: int
    platform_fen: int
    tier_text: str


def cancellation_of(
    state: OrderState,
    *,
    actor: str,
    paid_fen: int,
    start_at: datetime,
    now: datetime,
    rules: CancellationRules,
) -> Cancellation:
    """What `actor` ("patient", "caregiver", "admin", "system") brings about by cancelling in `state`.

    `paid_fen` is what was paid and not yet refunded. Raises Refused `wrong_state` where that actor cannot
    cancel. A caregiver's own withdrawal costs nobody anything: the order goes on to others.
    """
    if state is OrderState.PENDING_PAYMENT and actor in (PATIENT, ADMIN, SYSTEM):
        return _free(0, "未支付，直接取消")
    if state is OrderState.PAID and actor in (PATIENT, ADMIN, SYSTEM):
        return _free(paid_fen, "尚未接单，全额退款")
    if state is OrderState.AWAITING_SERVICE:
        if actor == PATIENT:
            return _charged(paid_fen, tier_at(now, start_at=start_at, rules=rules))
        if actor in (ADMIN, SYSTEM):
            return _free(paid_fen, "平台取消，全额退款")
        if actor == CAREGIVER:
            return _free(0, "陪护人员退单，订单将重新派给其他陪护人员")
    raise Refused("wrong_state")


def tier_at(now: datetime, *, start_at: datetime, rules: CancellationRules) -> CancellationTier:
    """The tier at an instant; the last one also holds after the start."""
    lead = start_at - now
    for tier in rules.tiers:
        if lead >= timedelta(minutes=tier.lead_at_least_min):
            return tier
    return rules.tiers[-1]


def _free(refund_fen: int, text: str) -> Cancellation:
    return Cancellation(refund_fen, 0, 0, 0, text)


def _charged(paid_fen: int, tier: CancellationTier) -> Cancellation:
    fee_fen = share_of(paid_fen, basis_points=tier.fee_bp)
    platform_fen = share_of(fee_fen, basis_points=tier.commission_bp)
    return Cancellation(paid_fen - fee_fen, fee_fen, fee_fen - platform_fen, platform_fen, tier.text)
