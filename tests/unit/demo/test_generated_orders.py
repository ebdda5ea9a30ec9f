"""The generated history: in order, past, without overlaps."""
from collections import defaultdict
from datetime import datetime, time

import pytest

from server.core.clock import SHANGHAI
from server.demo.bookings import families_for, generate_orders
from server.demo.people import generate_caregiver, generate_family

CAREGIVERS = 7
ORDERS = 600


@pytest.fixture
def orders(market, today):
    return list(generate_orders(ORDERS, caregivers=CAREGIVERS, seed=11, today=today, market=market))


def test_nobody_is_in_two_services_at_once(orders):
    spans = defaultdict(list)
    for order in orders:
        spans["caregiver", order.caregiver_index].append((order.start_at, order.end_at))
        spans["patient", order.family_index, order.patient_index].append((order.start_at, order.end_at))
    for intervals in spans.values():
        intervals.sort()
        for (_, end_at), (start_at, _) in zip(intervals, intervals[1:], strict=False):
            assert end_at < start_at


def test_every_instant_follows_the_one_before_and_lies_in_the_past(orders, today):
    midnight = datetime.combine(today, time(), SHANGHAI)
    for order in orders:
        steps = [order.created_at, order.paid_at, order.accepted_at, order.started_at,
                 *(note.recorded_at for note in order.notes), order.finished_at, order.completed_at,
                 order.cancelled_at, order.review and order.review.created_at]
        happened = [step for step in steps if step is not None]
        assert happened == sorted(happened)
        assert max(happened) < midnight
        assert (order.status == "completed") == (order.completed_at is not None)
        assert (order.status == "cancelled") == (order.cancelled_at is not None)


def test_orders_agree_with_the_people_they_speak_of(orders, market, today):
    for order in orders[:120]:
        caregiver = generate_caregiver(order.caregiver_index, seed=11, today=today, market=market)
        family = generate_family(order.family_index, seed=11, today=today)
        assert order.family_index < families_for(caregivers=CAREGIVERS, orders=ORDERS)
        assert order.hospital_id in caregiver.hospital_ids
        assert order.amount_fen == caregiver.day_price_fen(order.service_type) * order.quantity > 0
        assert order.patient_index < len(family.patients)
        assert order.created_at.date() >= max(caregiver.registered_on, family.registered_on)


def test_a_history_has_cancellations_reviews_of_all_kinds_and_cases(orders):
    assert {order.status for order in orders} == {"completed", "cancelled"}
    assert {order.review.score for order in orders if order.review} >= {3, 4, 5}
    assert any(order.case for order in orders)
    assert not any(order.review or order.case for order in orders if order.status == "cancelled")


def test_the_same_seed_gives_the_same_history(orders, market, today):
    again = generate_orders(ORDERS, caregivers=CAREGIVERS, seed=11, today=today, market=market)
    assert list(again) == orders


def test_more_orders_than_days_are_refused(market, today):
    with pytest.raises(ValueError, match="at most"):
        next(generate_orders(10_000, caregivers=1, seed=1, today=today, market=market))
