"""At which times of a day a caregiver can really be booked."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from server.core.call import Call
from server.core.clock import SHANGHAI, BusinessClock, shanghai_date, shanghai_text
from server.core.errors import Refused, invalid
from server.core.in_force import InForce
from server.roster.caregivers import store
from server.roster.catalog import HOURLY_LEAST_MIN, ServiceType
from server.roster.hours import free_starts
from server.roster.queries import Buffers, read_rates
from server.roster.showcase import queries_page
from server.roster.showcase.commands import FindSlots
from server.roster.terms import Terms
from server.storage.sql import Database
from server.storage.transaction import Transaction

PriceOf = Callable[[str, Mapping[str, int], datetime, datetime], int]
TouchesNight = Callable[[datetime, datetime], bool]


class Slots:
    """GET /api/caregiver/slots.

    `price_of(service_type, prices, start_at, end_at)` (fen, without the urgent line) and
    `touches_night(start_at, end_at)` answer for booking. A hospital is not known yet, so the travel buffer
    is kept on both sides: what is shown can be booked anywhere.
    """

    def __init__(
        self,
        *,
        database: Database,
        clock: BusinessClock,
        terms: InForce[Terms],
        price_of: PriceOf,
        touches_night: TouchesNight,
    ) -> None:
        self._database = database
        self._clock = clock
        self._terms = terms
        self._price_of = price_of
        self._touches_night = touches_night

    async def find_slots(self, call: Call, command: FindSlots) -> dict[str, Any]:
        """Starts in order; none for a type that is not sold. 404 for who cannot be booked at all."""
        service = self._terms.now.catalog.service_type(command.service_type)
        if service is None:
            raise invalid("service_type", "没有这种服务类型", code="not_allowed")
        duration_min = command.duration_minutes or service.duration_min or HOURLY_LEAST_MIN
        if not service.allows_duration(duration_min):
            raise Refused("invalid_duration")
        now = self._clock.now()
        async with self._database.read() as tx:
            row = await queries_page.shown_caregiver(
                tx, command.caregiver_id, today=shanghai_date(now), priced_type=service.code, now=now
            )
            if row is None:
                raise Refused("not_found")
            prices = await read_rates(tx, command.caregiver_id, service.code)
            length = timedelta(minutes=duration_min)
            starts = await self._starts(tx, row, day=command.date, length=length, now=now) if prices else []
        slots = [(start_at, start_at + length) for start_at in starts]
        items = [
            self._answer(service, prices, start_at, end_at)
            for start_at, end_at in slots
            if self._wanted(row, start_at, end_at, now=now)
        ]
        return {"items": items, "next_cursor": None}

    async def _starts(
        self, tx: Transaction, row: Any, *, day: date, length: timedelta, now: datetime
    ) -> list[datetime]:
        rules = self._terms.now.policy.time
        midnight = datetime.combine(day, time(), SHANGHAI)
        buffer = Buffers.of(rules).travel
        busy = await queries_page.engagements_between(
            tx,
            row["caregiver_id"],
            start_at=midnight - buffer,
            end_at=midnight + timedelta(days=1) + length + buffer,
        )
        return free_starts(
            await store.working_hours(tx, row["caregiver_id"]),
            day,
            duration_min=length // timedelta(minutes=1),
            grid_min=rules.grid_min,
            buffer_min=buffer // timedelta(minutes=1),
            busy=busy,
            earliest_at=now + timedelta(minutes=rules.lead_min),
            latest_at=now + timedelta(days=rules.horizon_days),
        )

    def _wanted(self, row: Any, start_at: datetime, end_at: datetime, *, now: datetime) -> bool:
        """Whether the caregiver takes such a visit: papers, night, urgent."""
        if row["papers_valid_until"] < shanghai_date(end_at):
            return False
        if not row["accepts_night"] and self._touches_night(start_at, end_at):
            return False
        urgent = start_at - now <= timedelta(minutes=self._terms.now.policy.price.urgent_within_min)
        return row["accepts_urgent"] or not urgent

    def _answer(
        self, service: ServiceType, prices: Mapping[str, int], start_at: datetime, end_at: datetime
    ) -> dict[str, Any]:
        return {
            "start_at": shanghai_text(start_at),
            "end_at": shanghai_text(end_at),
            "price_fen": self._price_of(service.code, prices, start_at, end_at),
        }
