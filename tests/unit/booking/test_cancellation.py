"""What a cancellation costs, by who, when and in which state."""
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.policy import CancellationRules, CancellationTier
from server.booking.rules.cancellation import cancellation_of
from server.booking.rules.states import OrderState
from server.core.clock import SHANGHAI
from server.core.errors import Refused

RULES = CancellationRules()
START_AT = datetime(2026, 11, 25, 9, 0, tzinfo=SHANGHAI)
MOMENT = timedelta(milliseconds=1)


def by_user(lead: timedelta, *, paid_fen: int = 10_000, state: OrderState = OrderState.AWAITING_SERVICE):
    return cancellation_of(
        state, actor="patient", paid_fen=paid_fen, start_at=START_AT, now=START_AT - lead, rules=RULES
    )


@pytest.mark.parametrize(
    ("lead", "fee_fen", "caregiver_fen"),
    [
        (timedelta(days=9), 0, 0),
        (timedelta(hours=24), 0, 0),
        (timedelta(hours=24) - MOMENT, 1_000, 800),
        (timedelta(hours=4), 1_000, 800),
        (timedelta(hours=4) - MOMENT, 3_000, 3_000),
        (timedelta(hours=2), 3_000, 3_000),
        (timedelta(hours=2) - MOMENT, 5_000, 5_000),
        (timedelta(), 5_000, 5_000),
        (-timedelta(hours=1), 5_000, 5_000),
    ],
)
def test_a_border_instant_belongs_to_the_gentler_tier(lead, fee_fen, caregiver_fen):
    outcome = by_user(lead)
    assert (outcome.fee_fen, outcome.caregiver_fen) == (fee_fen, caregiver_fen)
    assert outcome.refund_fen == 10_000 - fee_fen
    assert outcome.tier_text


def test_before_acceptance_everything_comes_back_however_late():
    outcome = by_user(timedelta(minutes=1), state=OrderState.PAID)
    assert (outcome.refund_fen, outcome.fee_fen) == (10_000, 0)


def test_an_unpaid_order_moves_no_money():
    outcome = by_user(timedelta(minutes=1), state=OrderState.PENDING_PAYMENT, paid_fen=0)
    assert (outcome.refund_fen, outcome.fee_fen) == (0, 0)


@pytest.mark.parametrize("actor", ["admin", "system"])
def test_the_platform_never_takes_a_fee_for_its_own_cancellation(actor):
    for state in (OrderState.PAID, OrderState.AWAITING_SERVICE):
        outcome = cancellation_of(
            state, actor=actor, paid_fen=10_000, start_at=START_AT, now=START_AT, rules=RULES
        )
        assert (outcome.refund_fen, outcome.fee_fen, outcome.caregiver_fen) == (10_000, 0, 0)


def test_a_caregivers_withdrawal_moves_no_money_because_the_order_goes_on():
    outcome = cancellation_of(
        OrderState.AWAITING_SERVICE, actor="caregiver", paid_fen=10_000, start_at=START_AT, now=START_AT, rules=RULES
    )
    assert (outcome.refund_fen, outcome.fee_fen) == (0, 0)


@pytest.mark.parametrize("state", [OrderState.IN_SERVICE, OrderState.COMPLETED, OrderState.CANCELLED])
@pytest.mark.parametrize("actor", ["patient", "caregiver", "admin", "system"])
def test_after_the_start_nobody_cancels(state, actor):
    with pytest.raises(Refused, match="wrong_state"):
        cancellation_of(state, actor=actor, paid_fen=1, start_at=START_AT, now=START_AT, rules=RULES)


def test_a_caregiver_who_is_not_assigned_cancels_nothing():
    with pytest.raises(Refused, match="wrong_state"):
        cancellation_of(
            OrderState.PAID, actor="caregiver", paid_fen=1, start_at=START_AT, now=START_AT, rules=RULES
        )


leads = st.timedeltas(min_value=timedelta(days=-2), max_value=timedelta(days=60))


@given(paid_fen=st.integers(0, 10**9), lead=leads)
def test_shares_always_sum_exactly_and_the_fee_never_exceeds_what_was_paid(paid_fen, lead):
    outcome = by_user(lead, paid_fen=paid_fen)
    assert outcome.refund_fen + outcome.fee_fen == paid_fen
    assert outcome.caregiver_fen + outcome.platform_fen == outcome.fee_fen
    assert min(outcome.refund_fen, outcome.fee_fen, outcome.caregiver_fen, outcome.platform_fen) >= 0


@given(paid_fen=st.integers(0, 10**9), one=leads, other=leads)
def test_cancelling_later_never_costs_less(paid_fen, one, other):
    later, earlier = sorted((one, other))
    assert by_user(later, paid_fen=paid_fen).fee_fen >= by_user(earlier, paid_fen=paid_fen).fee_fen


def test_tiers_that_get_gentler_with_time_are_refused():
    gentle_last = (
        CancellationTier(lead_at_least_min=60, fee_bp=5_000, commission_bp=0, text="a"),
        CancellationTier(lead_at_least_min=0, fee_bp=1_000, commission_bp=0, text="b"),
    )
    with pytest.raises(ValueError, match="never costs less"):
        CancellationRules(tiers=gentle_last)
    with pytest.raises(ValueError, match="down to 0"):
        CancellationRules(tiers=gentle_last[:1])
