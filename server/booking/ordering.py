"""Quotes and new orders: checked, priced and held.

The price is the server's alone; a quote is honoured for its minutes. Creating takes the patient's time
and, for a named caregiver, his, in the transaction that makes the order.
"""

import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from config.policy import Policy
from server.booking import price, timing
from server.booking.commands import CreateOrder, QuoteOrder
from server.booking.states import OrderState
from server.booking.store_calendar import Calendar
from server.booking.store_orders import OrderStore, QuoteStore
from server.core.call import Actor, Call
from server.core.clock import BusinessClock, shanghai_text
from server.core.errors import Refused, invalid
from server.core.ids import new_id
from server.roster.catalog import Band, Catalog, Hospital, ServiceType
from server.roster.queries_bookable import Bookable, bookable_caregiver, own_patient
from server.storage.transaction import Row, Transaction
from server.storage.unit_of_work import UnitOfWork

Present = Callable[[Transaction, str, Actor], Awaitable[dict[str, Any]]]

_POLICY_VERSION = 1
_PRICED = frozenset({"patient_id", "caregiver_id", "service_type", "hospital_id", "start_at", "end_at"})


@dataclass(frozen=True, slots=True)
class Wish:
    """A checked request: what is wanted, by whom, at which unit prices."""

    command: QuoteOrder
    patient: Row
    service: ServiceType
    hospital: Hospital
    caregiver: Bookable | None
    prices: dict[Band, int]
    touches_night: bool


class Ordering:
    """Quotes and creates orders."""

    def __init__(
        self,
        *,
        units: UnitOfWork,
        orders: OrderStore,
        quotes: QuoteStore,
        calendar: Calendar,
        present: Present,
        catalog: Catalog,
        policy: Policy,
        clock: BusinessClock,
    ) -> None:
        self._units = units
        self._orders = orders
        self._quotes = quotes
        self._calendar = calendar
        self._present = present
        self._catalog = catalog
        self._policy = policy
        self._clock = clock

    async def quote_order(self, call: Call, command: QuoteOrder) -> dict[str, Any]:
        """The price of a visit, honoured for ten minutes.

        Raises Refused: what `create_order` would refuse, except for busy people.
        """

        async def body(tx: Transaction) -> dict[str, Any]:
            now = self._clock.now()
            wish = await self._check(tx, command, user_id=call.user.user_id, at=now)
            priced = self._price(wish, at=now)
            valid_until = now + timedelta(minutes=self._policy.time.quote_valid_min)
            row = {
                "quote_id": new_id(),
                "user_id": call.user.user_id,
                "request_hash": _hash_of(command),
                "created_at": now,
                "valid_until": valid_until,
                "amount_fen": priced.amount_fen,
                "is_urgent": priced.is_urgent,
                "lines": _lines_text(priced),
                "policy_version": _POLICY_VERSION,
            }
            await self._quotes.insert(tx, row)
            return {
                "quote_id": row["quote_id"],
                "valid_until": shanghai_text(valid_until),
                "is_urgent": priced.is_urgent,
                "amount_fen": priced.amount_fen,
                "lines": json.loads(row["lines"]),
            }

        return await self._units.run(call, body)

    async def create_order(self, call: Call, command: CreateOrder) -> dict[str, Any]:
        """Book: the whole order, `pending_payment`, its time held until the pay deadline.

        Raises Refused: 404 for a foreign patient or a caregiver who cannot be booked, 403 for a relative's
        patient, 409 `caregiver_busy`, `patient_busy`, `quote_expired`, 422 as contract.md §6 lists.
        """

        async def body(tx: Transaction) -> dict[str, Any]:
            now = self._clock.now()
            await self._calendar.lock_patient(tx, command.patient_id)
            if command.caregiver_id is not None:
                await self._calendar.lock_caregiver(tx, command.caregiver_id)
            wish = await self._check(tx, command, user_id=call.user.user_id, at=now)
            row = await self._row(tx, wish, command, user_id=call.user.user_id, at=now)
            await self._orders.insert(tx, row, at=now)
            await self._hold(tx, row, wish)
            return await self._present(tx, row["order_id"], call.user)

        return await self._units.run(call, body)

    async def _check(self, tx: Transaction, command: QuoteOrder, *, user_id: str, at: datetime) -> Wish:
        patient = await own_patient(tx, command.patient_id, user_id)
        service = self._catalog.service_type(command.service_type)
        if service is None:
            raise invalid("service_type", "没有这种服务")
        hospital = self._catalog.hospital(command.hospital_id)
        if hospital is None:
            raise invalid("hospital_id", "没有这家医院")
        timing.check_interval(
            service, start_at=command.start_at, end_at=command.end_at, now=at, rules=self._policy.time
        )
        night = timing.touches_night(command.start_at, command.end_at, rules=self._policy.price)
        if command.caregiver_id is None:
            return Wish(command, patient, service, hospital, None, price.base_prices(service), night)
        urgent = price.is_urgent_start(command.start_at, at, rules=self._policy.price)
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
        return Wish(command, patient, service, hospital, caregiver, prices, night)

    def _price(self, wish: Wish, *, at: datetime) -> price.Price:
        return price.quote(
            wish.service,
            wish.prices,
            start_at=wish.command.start_at,
            end_at=wish.command.end_at,
            created_at=at,
            rules=self._policy.price,
        )

    async def _row(
        self, tx: Transaction, wish: Wish, command: CreateOrder, *, user_id: str, at: datetime
    ) -> dict[str, Any]:
        agreed = await self._agreed_price(tx, wish, command, user_id=user_id, at=at)
        commission_fen, income_fen = price.split_amount(
            agreed["amount_fen"], commission_bp=self._policy.price.commission_rate_bp
        )
        return agreed | {
            "order_id": new_id(),
            "user_id": user_id,
            "patient_id": command.patient_id,
            "named_caregiver_id": command.caregiver_id,
            "service_type": wish.service.code,
            "hospital_id": wish.hospital.hospital_id,
            "district": wish.hospital.district,
            "department": command.department or wish.patient["department"],
            "bed_no": command.bed_no or wish.patient["bed_no"],
            "address": command.address,
            "contact_phone": command.contact_phone or wish.patient["account_phone"],
            "requirements": command.requirements,
            "start_at": command.start_at,
            "end_at": command.end_at,
            "duration_minutes": (command.end_at - command.start_at) // timedelta(minutes=1),
            "touches_night": wish.touches_night,
            "day_price_fen": wish.prices[Band.DAY],
            "income_fen": income_fen,
            "commission_fen": commission_fen,
            "policy_version": _POLICY_VERSION,
            "status": OrderState.PENDING_PAYMENT.value,
            "created_at": at,
            "pay_deadline_at": timing.pay_deadline(at, rules=self._policy.time),
        }

    async def _agreed_price(
        self, tx: Transaction, wish: Wish, command: CreateOrder, *, user_id: str, at: datetime
    ) -> dict[str, Any]:
        """The quoted price if a quote is named and still holds for this very request, else today's."""
        if command.quote_id is None:
            priced = self._price(wish, at=at)
            return {"amount_fen": priced.amount_fen, "is_urgent": priced.is_urgent, "lines": _lines_text(priced)}
        quoted = await self._quotes.get(tx, command.quote_id, user_id=user_id)
        if quoted is None:
            raise Refused("not_found")
        if quoted["valid_until"] < at or quoted["request_hash"] != _hash_of(command):
            raise Refused("quote_expired")
        return {name: quoted[name] for name in ("amount_fen", "is_urgent", "lines")}

    async def _hold(self, tx: Transaction, row: dict[str, Any], wish: Wish) -> None:
        if not await self._calendar.take_patient(tx, row["patient_id"], row):
            raise Refused("patient_busy")
        if wish.caregiver is None:
            return
        if not await self._calendar.take_caregiver(tx, wish.caregiver.caregiver_id, row, kind="hold"):
            raise Refused("caregiver_busy")


def _require_willing(caregiver: Bookable, hospital: Hospital, *, night: bool, urgent: bool) -> None:
    """What the named caregiver sells, where and when. Raises Refused `not_offered`, `outside_hours`."""
    if not caregiver.prices or hospital.district not in caregiver.districts:
        raise Refused("not_offered")
    if (night and not caregiver.accepts_night) or (urgent and not caregiver.accepts_urgent):
        raise Refused("not_offered")
    if not caregiver.hours_cover:
        raise Refused("outside_hours")


def _hash_of(command: QuoteOrder) -> str:
    """What a quote was made for; a bed or a wish added while booking changes no price."""
    asked = command.model_dump(mode="json", include=_PRICED)
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def _lines_text(priced: price.Price) -> str:
    return json.dumps([asdict(line) for line in priced.lines], ensure_ascii=False)
