"""Rows of a caregiver: profile, prices, hours."""

from collections.abc import Iterable
from functools import cache
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.exc import IntegrityError

from server.core.ids import new_id
from server.roster.hours import DateException, WeeklyShift, WorkingHours
from server.roster.opening import open_spans
from server.roster.store_marks import new_mark
from server.storage.tables.roster import (
    caregiver_district,
    caregiver_exception,
    caregiver_hospital,
    caregiver_hours,
    caregiver_open_time,
    caregiver_price,
    caregiver_skill,
    caregiver_work_history,
    stored_file,
    t_caregiver_info,
)
from server.storage.transaction import Transaction

_into = cache(insert)


class IdNumberTaken(Exception):
    """Another caregiver has this ID number: one person is one caregiver."""


async def caregiver_of(tx: Transaction, user_id: str) -> RowMapping | None:
    """The caregiver's row behind an account."""
    return await tx.one(select(t_caregiver_info).where(t_caregiver_info.c.user_id == user_id))


async def add_caregiver(tx: Transaction, user_id: str, values: dict[str, Any]) -> str | None:
    """The new id, or None when a request beside this one has made the row."""
    caregiver_id = new_id()
    try:
        async with tx.savepoint():
            await tx.run(insert(t_caregiver_info).values(caregiver_id=caregiver_id, user_id=user_id, **values))
    except IntegrityError:
        return None
    return caregiver_id


async def change_caregiver(tx: Transaction, caregiver_id: str, changes: dict[str, Any], *wanted: Any) -> bool:
    """Change the row if it still is as `wanted`; whatever is changed beside it, the page has a new mark.

    Raises IdNumberTaken.
    """
    here = (t_caregiver_info.c.caregiver_id == caregiver_id, *wanted)
    try:
        async with tx.savepoint():
            return await tx.run(update(t_caregiver_info).where(*here).values(changes | new_mark())) == 1
    except IntegrityError as error:
        raise IdNumberTaken from error


def identity_unchanged(name: str, gender: str, birth_date: Any) -> Any:
    """The condition under which a profile may be saved: unverified, or the verified identity."""
    info = t_caregiver_info.c
    same = (info.name == name) & (info.gender == gender) & (info.birth_date == birth_date)
    return info.approved_at.is_(None) | same


def still(status: str) -> Any:
    """The condition that the qualification has not moved meanwhile."""
    return t_caregiver_info.c.qualification_status == status


async def owns_photo(tx: Transaction, file_id: str, *, user_id: str) -> bool:
    here = (stored_file.c.file_id == file_id, stored_file.c.user_id == user_id, stored_file.c.purpose == "photo")
    return await tx.value(select(stored_file.c.file_id).where(*here)) is not None


async def replace_places_and_skills(
    tx: Transaction, caregiver_id: str, *, districts: Iterable[str], hospital_ids: Iterable[str], skills: Iterable[str]
) -> None:
    await _replace(tx, caregiver_district, caregiver_id, [{"district": code} for code in districts])
    await _replace(tx, caregiver_hospital, caregiver_id, [{"hospital_id": code} for code in hospital_ids])
    await _replace(tx, caregiver_skill, caregiver_id, [{"skill": code} for code in skills])


async def replace_work_history(tx: Transaction, caregiver_id: str, rows: list[dict[str, Any]]) -> None:
    numbered = [{**row, "history_id": new_id(), "position": at} for at, row in enumerate(rows)]
    await _replace(tx, caregiver_work_history, caregiver_id, numbered)


async def replace_prices(tx: Transaction, caregiver_id: str, rows: list[dict[str, Any]]) -> None:
    await _replace(tx, caregiver_price, caregiver_id, rows)


async def replace_hours(tx: Transaction, caregiver_id: str, hours: WorkingHours) -> None:
    """The plan and its clock days, always together."""
    for table, rows in hour_rows(hours).items():
        await _replace(tx, table, caregiver_id, rows)


def hour_rows(hours: WorkingHours) -> dict[Any, list[dict[str, Any]]]:
    """The rows of a plan by table, without the caregiver's id."""
    return {
        caregiver_hours: [
            {
                "weekday": shift.weekday,
                "start_minute": shift.start_min,
                "end_minute": shift.end_min if shift.end_min > shift.start_min else shift.end_min + 1_440,
            }
            for shift in hours.weekly
        ],
        caregiver_exception: [
            {"date": one.day, "available": one.available, "start_minute": one.start_min, "end_minute": one.end_min}
            for one in hours.exceptions
        ],
        caregiver_open_time: [
            {"day": span.day, "start_minute": span.start_minute, "end_minute": span.end_minute}
            for span in open_spans(hours)
        ],
    }


async def _replace(tx: Transaction, table: Any, caregiver_id: str, rows: list[dict[str, Any]]) -> None:
    await tx.run(delete(table).where(table.c.caregiver_id == caregiver_id))
    await tx.run(_into(table), [{**row, "caregiver_id": caregiver_id} for row in rows])


async def places_and_skills(tx: Transaction, caregiver_id: str) -> dict[str, list[str]]:
    """`districts`, `hospital_ids`, `skills`, each as sorted codes."""
    found = {}
    columns = (("districts", caregiver_district.c.district), ("hospital_ids", caregiver_hospital.c.hospital_id))
    for name, column in (*columns, ("skills", caregiver_skill.c.skill)):
        here = column.table.c.caregiver_id == caregiver_id
        found[name] = [row["code"] for row in await tx.all(select(column.label("code")).where(here).order_by(column))]
    return found


async def work_history(tx: Transaction, caregiver_id: str) -> list[dict[str, Any]]:
    table = caregiver_work_history.c
    columns = (table["from"], table.to, table.employer, table.role)
    rows = await tx.all(select(*columns).where(table.caregiver_id == caregiver_id).order_by(table.position))
    return [dict(row) for row in rows]


async def prices(tx: Transaction, caregiver_id: str) -> list[RowMapping]:
    """`service_type`, `band`, `price_fen`."""
    table = caregiver_price.c
    columns = (table.service_type, table.band, table.price_fen)
    order = (table.service_type, table.band)
    return await tx.all(select(*columns).where(table.caregiver_id == caregiver_id).order_by(*order))


async def working_hours(tx: Transaction, caregiver_id: str) -> WorkingHours:
    """The plan as it was saved."""
    weekly, excepted = caregiver_hours.c, caregiver_exception.c
    shifts = await tx.all(
        select(caregiver_hours)
        .where(weekly.caregiver_id == caregiver_id)
        .order_by(weekly.weekday, weekly.start_minute)
    )
    others = await tx.all(
        select(caregiver_exception)
        .where(excepted.caregiver_id == caregiver_id)
        .order_by(excepted.date, excepted.start_minute)
    )
    return WorkingHours(
        weekly=tuple(
            WeeklyShift(row["weekday"], row["start_minute"], _on_the_clock(row["end_minute"])) for row in shifts
        ),
        exceptions=tuple(
            DateException(row["date"], row["available"], row["start_minute"], row["end_minute"]) for row in others
        ),
    )


def _on_the_clock(minute: int) -> int:
    return minute if minute <= 1_440 else minute - 1_440
