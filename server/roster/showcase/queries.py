"""The search for caregivers: one statement a page.

Whatever narrows is a condition on indexed rows; the order is an index's order where there is one. Sorted
by rating and experience the best come first, by price the cheapest; who has no value comes last, and the
caregiver's id decides between equals, so that paging neither skips nor repeats.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, exists, or_, select, true
from sqlalchemy.engine import RowMapping

from server.roster.pinyin import typed_pinyin
from server.roster.queries import Buffers, overlapping, qualified, working
from server.storage.tables.booking import engagement
from server.storage.tables.roster import (
    caregiver_district,
    caregiver_hospital,
    caregiver_price,
    caregiver_skill,
    t_caregiver_info,
)
from server.storage.transaction import Transaction

_info = t_caregiver_info.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The filters of a search in plain values; None does not narrow."""

    today: date
    keyword: str | None = None
    keyword_skills: tuple[str, ...] = ()  # skills whose names contain the keyword
    skills: tuple[str, ...] = ()
    gender: str | None = None
    born_from: date | None = None
    born_to: date | None = None
    min_experience: int | None = None
    max_experience: int | None = None
    min_price_fen: int | None = None
    max_price_fen: int | None = None
    priced_type: str
    must_sell: bool = False
    district: str | None = None
    hospital_id: str | None = None
    hospital_district: str | None = None
    visit: tuple[datetime, datetime] | None = None
    buffers: Buffers


@dataclass(frozen=True, slots=True)
class Place:
    """The last row that was shown: its sort value and its caregiver's id."""

    value: int | None
    caregiver_id: str


async def search(
    tx: Transaction, wanted: Wanted, *, sort: str, after: Place | None, limit: int, now: datetime
) -> list[RowMapping]:
    """Rows with `price_fen` and `is_busy`, in the order of `sort`."""
    price = and_(
        caregiver_price.c.caregiver_id == _info.caregiver_id,
        caregiver_price.c.service_type == wanted.priced_type,
        caregiver_price.c.band == "day",
    )
    all_sell = wanted.must_sell or wanted.min_price_fen is not None or wanted.max_price_fen is not None
    source = t_caregiver_info.join(caregiver_price, price, isouter=not all_sell)
    owner = caregiver_price.c.caregiver_id if all_sell and sort == "price" else _info.caregiver_id
    column = {"price": caregiver_price.c.price_fen, "rating": _info.rating_milli}.get(sort, _info.experience_years)
    page = (
        select(owner, caregiver_price.c.price_fen, column.label("sorted_by"))
        .select_from(source)
        .where(*_conditions(wanted), _after(after, column, owner, sort=sort))
        .order_by(*_order(column, owner, sort=sort, may_be_null=not (all_sell and sort == "price")))
        .limit(limit)
        .subquery("page")
    )
    columns = [_info[name] for name in SHOWN]
    statement = (  # what is only shown is looked up for the rows of the page alone
        select(*columns, page.c.price_fen, busy_at(now).label("is_busy"))
        .select_from(page.join(t_caregiver_info, _info.caregiver_id == page.c.caregiver_id))
        .order_by(*_order(page.c.sorted_by, page.c.caregiver_id, sort=sort, may_be_null=True))
    )
    return await tx.all(statement)


SHOWN = (
    "caregiver_id",
    "name",
    "photo_file_id",
    "gender",
    "birth_date",
    "experience_years",
    "rating_milli",
    "review_count",
    "listening",
)


def busy_at(now: Any) -> Any:
    """Whether a caregiver is in a visit at an instant (or a parameter for one)."""
    return exists().where(
        engagement.c.person_kind == "caregiver",
        engagement.c.person_id == _info.caregiver_id,
        engagement.c.end_at > now,
        engagement.c.start_at <= now,
    )


def _order(column: Any, owner: Any, *, sort: str, may_be_null: bool) -> tuple[Any, ...]:
    """Both databases sort nulls as the smallest: last when descending, to be helped when ascending."""
    if sort != "price":
        return column.desc(), owner.desc()
    return (column.is_(None), column, owner) if may_be_null else (column, owner)


def _after(after: Place | None, column: Any, owner: Any, *, sort: str) -> Any:
    """The condition of the rows that come after a place."""
    if after is None:
        return true()
    ascends = sort == "price"
    further = owner > after.caregiver_id if ascends else owner < after.caregiver_id
    if after.value is None:
        return and_(column.is_(None), further)
    worse = column > after.value if ascends else column < after.value
    return or_(worse, and_(column == after.value, further), column.is_(None))


def _conditions(wanted: Wanted) -> list[Any]:
    conditions = [*qualified(until=wanted.today), *_bounds(wanted)]
    if wanted.gender is not None:
        conditions.append(_info.gender == wanted.gender)
    if wanted.district is not None:
        conditions.append(_has(caregiver_district.c.district, wanted.district))
    conditions += [_has(caregiver_skill.c.skill, skill) for skill in wanted.skills]
    if wanted.hospital_id is not None:
        conditions.append(_works_at(wanted.hospital_id, district=wanted.hospital_district))
    if wanted.keyword is not None:
        conditions.append(_mentions(wanted.keyword, skills=wanted.keyword_skills))
    if wanted.visit is not None:
        conditions += _free(*wanted.visit, buffers=wanted.buffers, hospital_id=wanted.hospital_id)
    return conditions


def _bounds(wanted: Wanted) -> list[Any]:
    price = caregiver_price.c.price_fen
    bounds = (
        (_info.birth_date, wanted.born_from, wanted.born_to),
        (_info.experience_years, wanted.min_experience, wanted.max_experience),
        (price, wanted.min_price_fen, wanted.max_price_fen),
    )
    conditions = []
    for column, least, most in bounds:
        if least is not None:
            conditions.append(column >= least)
        if most is not None:
            conditions.append(column <= most)
    return conditions


def _has(column: Any, code: str) -> Any:
    return exists().where(column.table.c.caregiver_id == _info.caregiver_id, column == code)


def _works_at(hospital_id: str, *, district: str | None) -> Any:
    """Names the hospital, or serves its district without naming any."""
    named = caregiver_hospital.c
    any_named = exists().where(named.caregiver_id == _info.caregiver_id)
    here = _has(named.hospital_id, hospital_id)
    return or_(here, and_(~any_named, _has(caregiver_district.c.district, district or "")))


def _mentions(keyword: str, *, skills: Sequence[str]) -> Any:
    """A part of the name, its pinyin, the bio or a skill's name; `%` and `_` mean themselves."""
    parts = [_info.name.contains(keyword, autoescape=True), _info.bio.contains(keyword, autoescape=True)]
    pinyin = typed_pinyin(keyword)
    if pinyin is not None:
        parts.append(_info.name_pinyin.contains(pinyin))
    if skills:
        named = caregiver_skill.c
        parts.append(exists().where(named.caregiver_id == _info.caregiver_id, named.skill.in_(skills)))
    return or_(*parts)


def _free(start_at: datetime, end_at: datetime, *, buffers: Buffers, hospital_id: str | None) -> tuple[Any, Any]:
    busy = exists().where(
        engagement.c.person_kind == "caregiver",
        engagement.c.person_id == _info.caregiver_id,
        overlapping(start_at, end_at, buffers=buffers, hospital_id=hospital_id),
    )
    return working(start_at, end_at), ~busy


async def skills_and_districts(tx: Transaction, caregiver_ids: Sequence[str]) -> dict[str, dict[str, list[str]]]:
    """For each caregiver `skills` and `districts`, sorted; two statements however many they are."""
    found: dict[str, dict[str, list[str]]] = {one: {"skills": [], "districts": []} for one in caregiver_ids}
    for name, column in (("skills", caregiver_skill.c.skill), ("districts", caregiver_district.c.district)):
        owner = column.table.c.caregiver_id
        statement = select(owner.label("owner"), column.label("code")).where(owner.in_(caregiver_ids))
        for row in await tx.all(statement.order_by(owner, column)):
            found[row["owner"]][name].append(row["code"])
    return found
