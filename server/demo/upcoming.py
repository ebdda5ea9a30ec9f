"""Visits that lie ahead: accepted, paid and not begun.

At most one a caregiver and one a family, so that nobody is booked twice.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from random import Random

from server.core.clock import SHANGHAI
from server.demo.bookings import Booked, GeneratedOrder, draw_order
from server.demo.people import GeneratedCaregiver, GeneratedFamily, generate_caregiver, generate_family
from server.roster.catalog import Catalog

_SHARE = 20  # one order in so many
_SOONEST_DAYS, _DAYS = 2, 10


def upcoming_among(orders: int, *, caregivers: int) -> int:
    """How many of so many orders lie ahead."""
    return min(orders // _SHARE, caregivers)


def generate_upcoming(count: int, *, first: int, seed: int, today: date, market: Catalog) -> Iterator[Booked]:
    """`count` visits, numbered from `first` on; the n-th is between caregiver n and family n."""
    for place in range(count):
        caregiver = generate_caregiver(place, seed=seed, today=today, market=market)
        family = generate_family(place, seed=seed, today=today)
        rng = Random(f"peihu:{seed}:upcoming:{place}")
        order = draw_upcoming(rng, first + place, caregiver=caregiver, family=family, today=today, market=market)
        yield Booked(order, caregiver, family)


def draw_upcoming(
    rng: Random, index: int, *, caregiver: GeneratedCaregiver, family: GeneratedFamily, today: date, market: Catalog
) -> GeneratedOrder:
    """A visit of these two within the next days, booked within the last ones."""
    day = today + timedelta(days=_SOONEST_DAYS + rng.randrange(_DAYS))
    drawn = draw_order(
        rng, index, caregiver=caregiver, family=family, day=day, reaches_next_day=True, market=market
    )
    created_at = datetime.combine(today, time(), SHANGHAI) - timedelta(minutes=rng.randint(60, 4_000))
    paid_at = created_at + timedelta(seconds=rng.randint(20, 600))
    return replace(
        drawn, status="awaiting_service", created_at=created_at, paid_at=paid_at,
        accepted_at=paid_at + timedelta(seconds=rng.randint(15, 800)), started_at=None, finished_at=None,
        completed_at=None, cancelled_at=None, cancel_reason=None, notes=(), review=None, case=None,
    )  # fmt: skip
