"""What a family wishes for, checked against what can be had.

A quote and a booking ask the same of a wish; what it costs follows from it and the instant alone.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime

from server.booking.commands import QuoteOrder
from server.booking.rules import price, timing
from server.core.errors import Refused, invalid
from server.core.in_force import Edition, InForce
from server.roster.catalog import Band, Hospital, ServiceType
from server.roster.queries_bookable import Bookable, bookable_caregiver, own_patient
from server.roster.terms import Terms
from server.storage.transaction import Row, Transaction

_PRICED = frozenset({"patient_id", "caregiver_id", "service_type", "hospital_id", "start_at", "end_at"})


@dataclass(frozen=True, slots=True)
class Wish:
    """A checked request: what is wanted, for whom, at which unit prices, under which terms."""

    command: QuoteOrder
    patient: Row
    service: ServiceType
    hospital: Hospital
    caregiver: Bookable | None
    prices: dict[Band, int]
    touches_night: bool
    terms: Edition[Terms]


class Wishes:
    """Checks what is asked for, and prices it."""

    def __init__(self, *, terms: InForce[Terms]) -> None:
        self._terms = terms

    async def check(self, tx: Transaction, command: QuoteOrder, *, user_id: str, at: datetime) -> Wish:
        """Raises Refused: 404 for a foreign patient or a caregiver who cannot be booked, 403 for a relative's
        patient, 409 and 422 as contract.md §6 lists; nobody's busy time is looked at.
        """
        terms = self._terms.edition
        policy, catalog = terms.value.policy, terms.value.catalog
        patient = await own_patient(tx, command.patient_id, user_id)
        service = catalog.service_type(command.service_type)
        if service is None:
            raise invalid("service_type", "没有这种服务")
        hospital = catalog.hospital(command.hospital_id)
        if hospital is None:
            raise invalid("hospital_id", "没有这家医院")
        timing.check_interval(
            service, start_at=command.start_at, end_at=command.end_at, now=at, rules=policy.time
        )
        night = timing.touches_night(command.start_at, command.end_at, rules=policy.price)
        if command.caregiver_id is None:
            return Wish(command, patient, service, hospital, None, price.base_prices(service), night, terms)
        urgent = price.is_urgent_start(command.start_at, at, rules=policy.price)
        caregiver = await bookable_caregiver(
            tx,
            command.caregiver_id,
            start_at=command.start_at,
            end_at=command.end_at,
            service_type=service.code,
            now=at,
        )
        _require_willing(caregiver, hospital, night=night, urgent=urgent)
        prices = {Band(band): fen for band, fen in caregiver.prices.items()}
        return Wish(command, patient, service, hospital, caregiver, prices, night, terms)

    def price(self, wish: Wish, *, at: datetime) -> price.Price:
        """What the wish costs when it is asked for at this instant."""
        return price.quote(
            wish.service,
            wish.prices,
            start_at=wish.command.start_at,
            end_at=wish.command.end_at,
            created_at=at,
            rules=wish.terms.value.policy.price,
        )


def _require_willing(caregiver: Bookable, hospital: Hospital, *, night: bool, urgent: bool) -> None:
    """What the named caregiver sells, where and when. Raises Refused `not_offered`, `outside_hours`."""
    if not caregiver.prices or hospital.district not in caregiver.districts:
        raise Refused("not_offered")
    if (night and not caregiver.accepts_night) or (urgent and not caregiver.accepts_urgent):
        raise Refused("not_offered")
    if not caregiver.hours_cover:
        raise Refused("outside_hours")


def hash_of(command: QuoteOrder) -> str:
    """What a quote was made for; a bed or a wish added while booking changes no price."""
    asked = command.model_dump(mode="json", include=_PRICED)
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def lines_text(priced: price.Price) -> str:
    """The lines of a price as they are kept and shown."""
    return json.dumps([asdict(line) for line in priced.lines], ensure_ascii=False)
