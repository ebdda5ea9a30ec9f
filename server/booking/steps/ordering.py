"""Quotes and new orders: checked, priced and held.

The price is the server's alone; a quote is honoured for its minutes. Creating takes the patient's time
and, for a named caregiver, his, in the transaction that makes the order.
"""

import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from server.booking.commands import CreateOrder, QuoteOrder
from server.booking.orders.store import OrderStore, QuoteStore
from server.booking.orders.store_calendar import Calendar
from server.booking.rules import price, timing
from server.booking.rules.states import OrderState
from server.booking.steps.wishes import Wish, Wishes, hash_of, lines_text
from server.core.call import Actor, Call
from server.core.clock import BusinessClock, shanghai_text
from server.core.errors import Refused
from server.core.ids import new_id
from server.core.in_force import InForce
from server.roster.catalog import Band
from server.roster.terms import Terms
from server.storage.transaction import Transaction
from server.storage.unit_of_work import UnitOfWork

Present = Callable[[Transaction, str, Actor], Awaitable[dict[str, Any]]]

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
        wishes: Wishes,
        terms: InForce[Terms],
        clock: BusinessClock,
    ) -> None:
        self._units = units
        self._orders = orders
        self._quotes = quotes
        self._calendar = calendar
        self._present = present
        self._wishes = wishes
        self._terms = terms
        self._clock = clock

    async def quote_order(self, call: Call, command: QuoteOrder) -> dict[str, Any]:
        """The price of a visit, honoured for ten minutes.

        Raises Refused: what `create_order` would refuse, except for busy people.
        """

        async def body(tx: Transaction) -> dict[str, Any]:
            now = self._clock.now()
            wish = await self._wishes.check(tx, command, user_id=call.user.user_id, at=now)
            priced = self._wishes.price(wish, at=now)
            valid_until = now + timedelta(minutes=wish.terms.value.policy.time.quote_valid_min)
            row = {
                "quote_id": new_id(),
                "user_id": call.user.user_id,
                "request_hash": hash_of(command),
                "created_at": now,
                "valid_until": valid_until,
                "amount_fen": priced.amount_fen,
                "is_urgent": priced.is_urgent,
                "lines": lines_text(priced),
                "policy_version": wish.terms.number,
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
            wish = await self._wishes.check(tx, command, user_id=call.user.user_id, at=now)
            row = await self._row(tx, wish, command, user_id=call.user.user_id, at=now)
            await self._orders.insert(tx, row, at=now)
            await self._hold(tx, row, wish)
            return await self._present(tx, row["order_id"], call.user)

        return await self._units.run(call, body)

    async def _row(
        self, tx: Transaction, wish: Wish, command: CreateOrder, *, user_id: str, at: datetime
    ) -> dict[str, Any]:
        agreed = await self._agreed_price(tx, wish, command, user_id=user_id, at=at)
        policy = (await self._terms.of(tx, agreed["policy_version"])).policy
        commission_fen, income_fen = price.split_amount(
            agreed["amount_fen"], commission_bp=policy.price.commission_rate_bp
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
            "status": OrderState.PENDING_PAYMENT.value,
            "created_at": at,
            "pay_deadline_at": timing.pay_deadline(at, rules=policy.time),
        }

    async def _agreed_price(
        self, tx: Transaction, wish: Wish, command: CreateOrder, *, user_id: str, at: datetime
    ) -> dict[str, Any]:
        """The quoted price and its terms if a quote is named and holds for this very request, else today's."""
        if command.quote_id is None:
            priced = self._wishes.price(wish, at=at)
            version = {"policy_version": wish.terms.number}
            return version | {
                "amount_fen": priced.amount_fen,
                "is_urgent": priced.is_urgent,
                "lines": lines_text(priced),
            }
        quoted = await self._quotes.get(tx, command.quote_id, user_id=user_id)
        if quoted is None:
            raise Refused("not_found")
        if quoted["valid_until"] < at or quoted["request_hash"] != hash_of(command):
            raise Refused("quote_expired")
        return {name: quoted[name] for name in ("policy_version", "amount_fen", "is_urgent", "lines")}

    async def _hold(self, tx: Transaction, row: dict[str, Any], wish: Wish) -> None:
        if not await self._calendar.take_patient(tx, row["patient_id"], row):
            raise Refused("patient_busy")
        if wish.caregiver is None:
            return
        if not await self._calendar.take_caregiver(tx, wish.caregiver.caregiver_id, row, kind="hold"):
            raise Refused("caregiver_busy")
