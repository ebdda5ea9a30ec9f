"""What a caregiver sells, when, and by which rules."""

from typing import Any

from server.core.call import Call
from server.core.clock import BusinessClock
from server.core.errors import Refused
from server.core.in_force import InForce
from server.roster.caregivers import store
from server.roster.caregivers.commands import Nothing, SaveService
from server.roster.caregivers.plan import checked_hours, checked_prices
from server.roster.catalog import BAND_TEXTS, Band, Catalog
from server.roster.hours import DateException, WeeklyShift
from server.roster.terms import Terms
from server.storage.sql import Database
from server.storage.transaction import Transaction
from server.storage.unit_of_work import UnitOfWork


class CaregiverService:
    """Use cases of a caregiver's service settings."""

    def __init__(self, *, database: Database, units: UnitOfWork, clock: BusinessClock, terms: InForce[Terms]) -> None:
        self._database = database
        self._units = units
        self._clock = clock
        self._terms = terms

    async def save_service(self, call: Call, command: SaveService) -> dict[str, Any]:
        """The settings as they are read; replaces. 409 `wrong_state` before there is a profile."""

        async def body(tx: Transaction) -> dict[str, Any]:
            prices = checked_prices(command.prices, catalog=self._terms.now.catalog)
            hours = checked_hours(command)
            row = await store.caregiver_of(tx, call.user.user_id)
            if row is None:
                raise Refused("wrong_state", "请先填写个人资料")
            caregiver_id = row["caregiver_id"]
            rules = {"accepts_urgent": command.accepts_urgent, "accepts_night": command.accepts_night}
            await store.change_caregiver(tx, caregiver_id, {**rules, "updated_at": self._clock.now()})
            await store.replace_prices(tx, caregiver_id, prices)
            await store.replace_hours(tx, caregiver_id, hours)
            return await self._settings(tx, {**row, **rules})

        return await self._units.run(call, body)

    async def read_service(self, call: Call, command: Nothing) -> dict[str, Any]:
        async with self._database.read() as tx:
            row = await store.caregiver_of(tx, call.user.user_id)
            if row is None:
                raise Refused("not_found", "尚未填写个人资料")
            return await self._settings(tx, row)

    async def _settings(self, tx: Transaction, row: Any) -> dict[str, Any]:
        caregiver_id = row["caregiver_id"]
        hours = await store.working_hours(tx, caregiver_id)
        prices, catalog = await store.prices(tx, caregiver_id), self._terms.now.catalog
        return {
            "caregiver_id": caregiver_id,
            "prices": [price_answer(price, catalog=catalog) for price in prices],
            "weekly_hours": [_shift_answer(shift) for shift in hours.weekly],
            "exceptions": [_exception_answer(exception) for exception in hours.exceptions],
            "accepts_urgent": row["accepts_urgent"],
            "accepts_night": row["accepts_night"],
        }


def price_answer(row: Any, *, catalog: Catalog) -> dict[str, Any]:
    """A price row with its words."""
    service = catalog.service_type(row["service_type"])
    return {
        "service_type": row["service_type"],
        "service_type_text": row["service_type"] if service is None else service.name,
        "band": row["band"],
        "band_text": BAND_TEXTS[Band(row["band"])],
        "price_fen": row["price_fen"],
    }


def _shift_answer(shift: WeeklyShift) -> dict[str, Any]:
    return {"weekday": shift.weekday, "start": _clock_text(shift.start_min), "end": _clock_text(shift.end_min)}


def _exception_answer(exception: DateException) -> dict[str, Any]:
    return {
        "date": exception.day.isoformat(),
        "available": exception.available,
        "start": _clock_text(exception.start_min),
        "end": _clock_text(exception.end_min),
    }


def _clock_text(minute: int | None) -> str | None:
    return None if minute is None else f"{minute // 60:02d}:{minute % 60:02d}"
