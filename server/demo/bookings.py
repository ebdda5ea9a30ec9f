"""Orders between generated people, never overlapping.

Order number j is a pure function of (seed, j): caregiver j mod N in round j // N, family j mod F with
F >= N. A round is one day, the newest first, so nobody is booked twice a day; services that reach into
the next day happen only in even rounds, whose next day starts late.
"""
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random

from server.core.clock import SHANGHAI
from server.demo.market import service_named
from server.demo.numbers import PEOPLE_PER_KIND
from server.demo.people import (
    YOUNGEST_ACCOUNT_DAYS,
    GeneratedCaregiver,
    GeneratedFamily,
    generate_caregiver,
    generate_family,
)
from server.demo.words.phrases import CANCEL_REASONS, CASES, NOTES, REVIEW_TAGS, REVIEWS
from server.roster.catalog import Catalog

_SCORE_WEIGHTS = {5: 74, 4: 17, 3: 5, 2: 2, 1: 2}
_CANCELLED_SHARE = 0.09
_REVIEWED_SHARE = 0.7
_CASE_SHARE = 0.15
NEWEST_DAYS_AGO = 5  # so that even a late review lies in the past
_ROUNDS = YOUNGEST_ACCOUNT_DAYS - 20  # orders are younger than every account


@dataclass(frozen=True, slots=True)
class GeneratedNote:
    """One entry of the service record."""

    kind: str
    text: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class GeneratedReview:
    """What the family wrote afterwards."""

    score: int
    content: str
    tags: tuple[str, ...]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class GeneratedCase:
    """A past case told of an order, with the family's consent; nothing in it names the patient."""

    summary: str
    condition_tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GeneratedOrder:
    """A finished order; all instants aware, amounts in fen, persons by their numbers.

    `status` is `completed` or `cancelled` (before anybody accepted, with the whole amount refunded).
    """

    index: int
    caregiver_index: int
    family_index: int
    patient_index: int  # within the family
    service_type: str
    hospital_id: str
    department: str
    requirements: str
    start_at: datetime
    end_at: datetime
    quantity: int  # hours for a type sold by the hour, else 1
    unit_price_fen: int
    amount_fen: int
    pay_method: str
    status: str
    cancel_reason: str | None
    created_at: datetime
    paid_at: datetime
    accepted_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    completed_at: datetime | None
    cancelled_at: datetime | None
    notes: tuple[GeneratedNote, ...]
    review: GeneratedReview | None
    case: GeneratedCase | None


def families_for(*, caregivers: int, orders: int) -> int:
    """How many families a history of that size has: at least as many as caregivers, few orders each."""
    return min(max(caregivers, orders // 6, 1), PEOPLE_PER_KIND)


def most_orders(caregivers: int) -> int:
    """How long a history so many people can have."""
    return caregivers * _ROUNDS


@dataclass(frozen=True, slots=True)
class Booked:
    """An order with the people that it is between."""

    order: GeneratedOrder
    caregiver: GeneratedCaregiver
    family: GeneratedFamily


def generate_orders(
    count: int, *, caregivers: int, seed: int, today: date, market: Catalog
) -> Iterator[GeneratedOrder]:
    """`count` orders of `caregivers` people, one at a time; they agree with the streams of `people.py`
    for the same seed, day and market, and `families_for(...)` families."""
    families = families_for(caregivers=caregivers, orders=count)
    for one in generate_booked(count, caregivers=caregivers, families=families, seed=seed, today=today, market=market):
        yield one.order


def generate_booked(
    count: int, *, caregivers: int, families: int, seed: int, today: date, market: Catalog
) -> Iterator[Booked]:
    """The same with the people, and of `families` families."""
    if count and not caregivers:
        raise ValueError("orders need at least one caregiver")
    if count > most_orders(caregivers):
        raise ValueError(f"{caregivers} caregivers can have at most {most_orders(caregivers)} orders in this history")
    for index in range(count):
        caregiver = generate_caregiver(index % caregivers, seed=seed, today=today, market=market)
        family = generate_family(index % families, seed=seed, today=today)
        round_number = index // caregivers
        order = draw_order(
            Random(f"peihu:{seed}:order:{index}"), index, caregiver=caregiver, family=family,
            day=today - timedelta(days=NEWEST_DAYS_AGO + round_number),
            reaches_next_day=round_number % 2 == 0, market=market,
        )
        yield Booked(order, caregiver, family)


def draw_order(
    rng: Random, index: int, *, caregiver: GeneratedCaregiver, family: GeneratedFamily, day: date,
    reaches_next_day: bool, market: Catalog,
) -> GeneratedOrder:
    """An order of these two on that Shanghai day; `reaches_next_day`: it may start early and end on the
    following morning, otherwise it lies between 11:00 and 22:00."""
    start_at, end_at, service_type = _draw_time(
        rng, caregiver=caregiver, day=day, reaches_next_day=reaches_next_day, market=market
    )
    patient_index = rng.randrange(len(family.patients))
    patient = family.patients[patient_index]
    quantity = int((end_at - start_at).total_seconds() // 3600) if service_type == "escort_hourly" else 1
    unit_price_fen = caregiver.day_price_fen(service_type) or 0
    steps = _draw_steps(rng, start_at=start_at, end_at=end_at)
    completed = steps["completed_at"] is not None
    return GeneratedOrder(
        index=index, caregiver_index=caregiver.index, family_index=family.index, patient_index=patient_index,
        service_type=service_type, hospital_id=rng.choice(caregiver.hospital_ids), department=patient.department,
        requirements=patient.requirements, start_at=start_at, end_at=end_at, quantity=quantity,
        unit_price_fen=unit_price_fen, amount_fen=unit_price_fen * quantity,
        pay_method=rng.choice(("wechat", "wechat", "wechat", "alipay")),
        status="completed" if completed else "cancelled",
        cancel_reason=None if completed else rng.choice(CANCEL_REASONS),
        notes=_draw_notes(rng, started_at=steps["started_at"], finished_at=steps["finished_at"]),
        review=_draw_review(rng, completed_at=steps["completed_at"]),
        case=_draw_case(rng, service_type=service_type) if completed else None,
        **steps,
    )


def _draw_time(
    rng: Random, *, caregiver: GeneratedCaregiver, day: date, reaches_next_day: bool, market: Catalog
) -> tuple[datetime, datetime, str]:
    sold = [price.service_type for price in caregiver.prices if price.band == "day"]
    durations = {code: service_named(market, code).duration_min for code in sold}
    allowed = [code for code in sold if reaches_next_day or (durations[code] or 0) <= 480]
    service_type = rng.choice(allowed)  # never empty: everybody sells the hourly type
    minutes = durations[service_type] or 60 * rng.randint(2, 6)
    hour = rng.choice((8, 9, 10)) if reaches_next_day else rng.choice((11, 12, 13))
    start_at = datetime.combine(day, time(hour, rng.choice((0, 15, 30, 45))), SHANGHAI)
    return start_at, start_at + timedelta(minutes=minutes), service_type


def _draw_steps(rng: Random, *, start_at: datetime, end_at: datetime) -> dict[str, datetime | None]:
    """The instants of an order's life in their order; a cancelled one was paid and never accepted."""
    created_at = start_at - timedelta(minutes=rng.randint(300, 10_000))
    paid_at = created_at + timedelta(seconds=rng.randint(20, 600))
    steps: dict[str, datetime | None] = dict.fromkeys(
        ("accepted_at", "started_at", "finished_at", "completed_at", "cancelled_at")
    )
    steps |= {"created_at": created_at, "paid_at": paid_at}
    if rng.random() < _CANCELLED_SHARE:
        steps["cancelled_at"] = paid_at + timedelta(minutes=rng.randint(1, 200))
        return steps
    finished_at = end_at - timedelta(minutes=rng.randint(0, 20))
    return steps | {
        "accepted_at": paid_at + timedelta(seconds=rng.randint(15, 800)),
        "started_at": start_at + timedelta(minutes=rng.randint(-12, 6)),
        "finished_at": finished_at,
        "completed_at": finished_at + timedelta(minutes=rng.randint(3, 600)),
    }


def _draw_notes(
    rng: Random, *, started_at: datetime | None, finished_at: datetime | None
) -> tuple[GeneratedNote, ...]:
    if started_at is None or finished_at is None:
        return ()
    chosen = sorted(rng.sample(range(len(NOTES)), rng.randint(2, 5)))
    step = (finished_at - started_at) / (len(chosen) + 1)
    return tuple(
        GeneratedNote(kind=NOTES[row][0], text=NOTES[row][1], recorded_at=started_at + step * (place + 1))
        for place, row in enumerate(chosen)
    )


def _draw_review(rng: Random, *, completed_at: datetime | None) -> GeneratedReview | None:
    if completed_at is None or rng.random() > _REVIEWED_SHARE:
        return None
    score = rng.choices(list(_SCORE_WEIGHTS), weights=list(_SCORE_WEIGHTS.values()))[0]
    tags = REVIEW_TAGS[score]
    return GeneratedReview(
        score=score, content=rng.choice(REVIEWS[score]),
        tags=tuple(rng.sample(tags, rng.randint(1, min(3, len(tags))))),
        created_at=completed_at + timedelta(minutes=rng.randint(5, 4_000)),
    )


def _draw_case(rng: Random, *, service_type: str) -> GeneratedCase | None:
    fitting = [case for case in CASES if case[0] == service_type]
    if not fitting or rng.random() > _CASE_SHARE:
        return None
    _, summary, condition_tags = rng.choice(fitting)
    return GeneratedCase(summary=summary, condition_tags=condition_tags)
