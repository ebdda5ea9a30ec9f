"""Ten thousand caregivers, as rows and as plain values.

The same rows twice: in the store, and as plain values that a filter without SQL can judge.
"""
import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import insert

from server.core.clock import SHANGHAI
from server.core.ids import new_id
from server.roster.caregivers.store import hour_rows
from server.roster.catalog import DEFAULT_CATALOG
from server.roster.hours import DateException, WeeklyShift, WorkingHours
from server.roster.pinyin import name_pinyin
from server.storage.tables.booking import engagement, t_order
from server.storage.tables.identity import t_user
from server.storage.tables.roster import (
    caregiver_district,
    caregiver_hospital,
    caregiver_price,
    caregiver_skill,
    t_caregiver_info,
    t_patient_info,
)

NOW = datetime(2026, 11, 23, 2, 30, tzinfo=UTC)  # a Monday, half past ten in Shanghai
TODAY = date(2026, 11, 23)
DISTRICTS = [district.code for district in DEFAULT_CATALOG.districts[:6]]
SKILLS = [skill.code for skill in DEFAULT_CATALOG.skills]
HOSPITALS = {place.hospital_id: place.district for place in DEFAULT_CATALOG.hospitals}
TYPES = [service.code for service in DEFAULT_CATALOG.service_types]
_NAMES = "王李张刘陈杨赵黄周吴", "秀英敏静丽强磊军洋勇", ["", "%", "_", "a", "Z", "兰", "杰"]
_BIOS = [None, "", "认真负责", "有10%折扣", "熟悉_协和_医院", "会手语,细心", "Nurse, patient"]
_RHYTHMS = [
    [(day, 480, 1_080) for day in range(1, 6)],
    [(day, 1_200, 480) for day in range(1, 8)],
    [(day, 0, 1_440) for day in range(1, 8)],
    [(day, 480, 720) for day in range(1, 8)] + [(day, 720, 1_320) for day in (1, 3, 7)],
    [(7, 1_200, 1_200)],
    [],
]


@dataclass(frozen=True)
class Person:
    """A caregiver as a filter in plain Python sees it."""

    caregiver_id: str
    row: dict
    districts: frozenset
    hospitals: frozenset
    skills: frozenset
    day_prices: dict
    hours: WorkingHours
    busy: list  # (start, end, hospital)


def make_people(count, *, seed):
    rng = random.Random(seed)
    return [_person(rng) for _ in range(count)]


def _person(rng):
    rated = rng.random() < 0.7
    row = {
        "caregiver_id": new_id(),
        "name": rng.choice(_NAMES[0]) + rng.choice(_NAMES[1]) + rng.choice(_NAMES[2]),
        "gender": rng.choice(["male", "female"]),
        "birth_date": TODAY - timedelta(days=rng.randint(18 * 365, 65 * 366)),
        "experience_years": rng.randint(0, 20),
        "bio": rng.choice(_BIOS),
        "qualification_status": rng.choice(["approved"] * 9 + ["pending", "rejected"]),
        "papers_valid_until": TODAY + timedelta(days=rng.choice([-1, 0, 30, 400, 500, 600])),
        "banned_at": NOW if rng.random() < 0.05 else None,
        "listening": rng.random() < 0.8,
        "rating_milli": rng.choice([3_000, 4_500, 4_667, 4_667, 5_000]) if rated else None,
        "review_count": 3 if rated else 0,
    }
    day_prices = {code: rng.randrange(5_000, 9_000, 500) for code in TYPES if rng.random() < 0.6}
    row["name_pinyin"] = name_pinyin(row["name"])
    return Person(
        caregiver_id=row["caregiver_id"],
        row=row,
        districts=frozenset(rng.sample(DISTRICTS, rng.randint(1, 3))),
        hospitals=frozenset(rng.sample(list(HOSPITALS), rng.choice([0, 0, 1, 3]))),
        skills=frozenset(rng.sample(SKILLS, rng.randint(0, 5))),
        day_prices=day_prices,
        hours=WorkingHours(
            weekly=tuple(WeeklyShift(*shift) for shift in rng.choice(_RHYTHMS)), exceptions=tuple(_exceptions(rng))
        ),
        busy=[_busy(rng) for _ in range(rng.choice([0, 0, 1, 2]))],
    )


def _exceptions(rng):
    for offset in rng.sample(range(-1, 5), rng.choice([0, 0, 0, 1, 2])):
        times = rng.choice([(None, None), (480, 720), (1_320, 360), (0, 1_440), (600, 600)])
        yield DateException(TODAY + timedelta(days=offset), rng.random() < 0.5, *times)


def _busy(rng):
    start = datetime(2026, 11, 23, tzinfo=SHANGHAI) + timedelta(minutes=15 * rng.randrange(0, 300))
    return start, start + timedelta(minutes=60 * rng.choice([1, 4, 12])), rng.choice(["bj-xiehe", "bj-301"])


async def plant(tx, people):
    """Insert them; two orders stand for all engagements."""
    users = [{**_ACCOUNT, "user_id": new_id(), "phone_hash": str(at)} for at in range(len(people) + 1)]
    await tx.run(insert(t_user), users)
    orders = await _plant_orders(tx, users[-1]["user_id"])
    rows = [
        {**_SAME, **person.row, "user_id": user["user_id"]} for person, user in zip(people, users, strict=False)
    ]
    await tx.run(insert(t_caregiver_info), rows)
    for table, column, codes in (
        (caregiver_district, "district", "districts"),
        (caregiver_hospital, "hospital_id", "hospitals"),
        (caregiver_skill, "skill", "skills"),
    ):
        owned = [{"caregiver_id": p.caregiver_id, column: code} for p in people for code in getattr(p, codes)]
        await tx.run(insert(table), owned)
    prices = [
        {"caregiver_id": p.caregiver_id, "service_type": code, "band": band, "price_fen": fen + extra}
        for p in people
        for code, fen in p.day_prices.items()
        for band, extra in (("day", 0), ("night", 100))
    ]
    await tx.run(insert(caregiver_price), prices)
    await _plant_times(tx, people, orders)


async def _plant_times(tx, people, orders):
    by_table = {}
    for person in people:
        for table, rows in hour_rows(person.hours).items():
            by_table.setdefault(table, []).extend({**row, "caregiver_id": person.caregiver_id} for row in rows)
    for table, rows in by_table.items():
        await tx.run(insert(table), rows)
    busy = [
        {
            "engagement_id": new_id(),
            "person_kind": "caregiver",
            "person_id": person.caregiver_id,
            "order_id": orders[at],
            "hospital_id": hospital,
            "start_at": start_at,
            "end_at": end_at,
            "kind": "visit",
        }
        for person in people
        for at, (start_at, end_at, hospital) in enumerate(person.busy)
    ]
    await tx.run(insert(engagement), busy)


async def _plant_orders(tx, user_id):
    patient = {**A_PATIENT, "patient_id": new_id(), "user_id": user_id}
    await tx.run(insert(t_patient_info), [patient])
    own = {"user_id": user_id, "patient_id": patient["patient_id"]}
    rows = [{**AN_ORDER, **own, "order_id": new_id()} for _ in range(2)]
    await tx.run(insert(t_order), rows)
    return [row["order_id"] for row in rows]


_ACCOUNT = {
    "username": "某人",
    "password_hash": "!",
    "phone": "13800138000",
    "user_type": "caregiver",
    "registered_at": NOW,
    "terms_accepted_at": NOW,
}
_SAME = {"contact_phone": "13800138000", "created_at": NOW, "updated_at": NOW}
A_PATIENT = {
    "name": "病人",
    "birth_date": date(1950, 1, 1),
    "gender": "male",
    "relation": "self",
    "health_consent_at": NOW,
    "created_at": NOW,
    "updated_at": NOW,
}
AN_ORDER = {
    "service_type": "escort_hourly",
    "hospital_id": "bj-xiehe",
    "district": "dongcheng",
    "contact_phone": "13800138000",
    "start_at": NOW,
    "end_at": NOW,
    "duration_minutes": 60,
    "is_urgent": False,
    "touches_night": False,
    "day_price_fen": 1,
    "amount_fen": 1,
    "income_fen": 1,
    "commission_fen": 0,
    "lines": "[]",
    "policy_version": 1,
    "status": "completed",
    "created_at": NOW,
    "pay_deadline_at": NOW,
}
