"""The visit itself: start by code, finish, confirm."""

import secrets
from datetime import timedelta
from typing import Any

from config.policy import TimeRules
from server.booking.commands import ConfirmOrder, FinishOrder, StartOrder
from server.booking.facts import OrderCompleted, StartCodeRenewed
from server.booking.offers.answering import new_start_code
from server.booking.orders.standing import Standings
from server.booking.orders.store import NOT_FINISHED, THE_SYSTEM, Mover, OrderStore
from server.booking.orders.store_calendar import Calendar
from server.booking.rules import timing
from server.booking.rules.states import CAREGIVER, ORDER_STATE_TEXTS, PATIENT, OrderState
from server.core.call import Call
from server.core.clock import BusinessClock, shanghai_text
from server.core.errors import CommittedRefusal, Refused
from server.core.facts import Facts
from server.core.in_force import InForce
from server.roster.terms import Terms
from server.storage.transaction import Row, Transaction
from server.storage.unit_of_work import UnitOfWork


class Visiting:
    """Starts, finishes and confirms visits."""

    def __init__(
        self,
        *,
        units: UnitOfWork,
        orders: OrderStore,
        calendar: Calendar,
        standings: Standings,
        facts: Facts,
        terms: InForce[Terms],
        clock: BusinessClock,
    ) -> None:
        self._units = units
        self._orders = orders
        self._calendar = calendar
        self._standings = standings
        self._facts = facts
        self._terms = terms
        self._clock = clock

    async def start_order(self, call: Call, command: StartOrder) -> dict[str, Any]:
        """Begin the service: {"order_id", "status", "started_at"}.

        Raises Refused: `not_found`, `forbidden`, `wrong_state`, `outside_start_window`, `start_code_wrong`
        (counted; after the fifth a new code goes to the family).
        """

        async def body(tx: Transaction) -> dict[str, Any]:
            order = await self._orders.lock(tx, command.order_id)
            await self._standings.require_assigned(tx, command.order_id, call.user)
            assert order is not None
            if order["status"] != OrderState.IN_SERVICE:
                order = await self._start(tx, order, command.start_code, user_id=call.user.user_id)
            return _state(order) | {"started_at": shanghai_text(order["started_at"])}

        return await self._units.run(call, body)

    async def _rules(self, tx: Transaction, order: Row) -> TimeRules:
        """The numbers that the order was booked under."""
        return (await self._terms.of(tx, order["policy_version"])).policy.time

    async def _start(self, tx: Transaction, order: Row, code: str, *, user_id: str) -> Row:
        if order["status"] != OrderState.AWAITING_SERVICE:
            raise Refused("wrong_state")
        now, rules = self._clock.now(), await self._rules(tx, order)
        if not timing.in_start_window(now, start_at=order["start_at"], end_at=order["end_at"], rules=rules):
            raise Refused("outside_start_window")
        if not secrets.compare_digest(code.encode(), order["start_code"].encode()):
            await self._count_wrong_code(tx, order)
            raise CommittedRefusal("start_code_wrong")
        actor = Mover(CAREGIVER, user_id)
        await self._orders.move(tx, order, "start", actor=actor, at=now, values={"started_at": now})
        return await self._orders.require(tx, order["order_id"])

    async def _count_wrong_code(self, tx: Transaction, order: Row) -> None:
        attempts = (await self._rules(tx, order)).start_code_attempts
        if await self._orders.count_wrong_code(tx, order["order_id"]) < attempts:
            return
        code = new_start_code()
        await self._orders.note(tx, order["order_id"], start_code=code, start_code_failures=0)
        renewed = StartCodeRenewed(order["order_id"], order["user_id"], code=code, at=self._clock.now())
        await self._facts.record(tx, renewed)

    async def finish_order(self, call: Call, command: FinishOrder) -> dict[str, Any]:
        """The caregiver's part is done: {"order_id", "status", "finished_at"}; the status stays in_service.

        Raises Refused: `not_found`, `forbidden`, `wrong_state`.
        """

        async def body(tx: Transaction) -> dict[str, Any]:
            order = await self._orders.lock(tx, command.order_id)
            await self._standings.require_assigned(tx, command.order_id, call.user)
            assert order is not None
            if order["finished_at"] is None:
                order = await self._finish(tx, order, command.summary, user_id=call.user.user_id)
            return _state(order) | {"finished_at": shanghai_text(order["finished_at"])}

        return await self._units.run(call, body)

    async def _finish(self, tx: Transaction, order: Row, summary: str, *, user_id: str) -> Row:
        if order["status"] != OrderState.IN_SERVICE:
            raise Refused("wrong_state")
        now, rules = self._clock.now(), await self._rules(tx, order)
        await self._orders.move(
            tx,
            order,
            "finish",
            actor=Mover(CAREGIVER, user_id),
            at=now,
            values={
                "finished_at": now,
                "finish_summary": summary,
                "confirm_due_at": now + timedelta(hours=rules.auto_confirm_after_h),
            },
            require=(NOT_FINISHED,),
        )
        await self._orders.keep_summary(tx, order["order_id"], summary)
        return await self._orders.require(tx, order["order_id"])

    async def confirm_order(self, call: Call, command: ConfirmOrder) -> dict[str, Any]:
        """The family agrees: {"order_id", "status", "completed_at"}.

        Raises Refused: `not_found`, `forbidden` (a viewer, the caregiver), `wrong_state` (before `finish`).
        """

        async def body(tx: Transaction) -> dict[str, Any]:
            order = await self._orders.lock(tx, command.order_id)
            await self._standings.require_booker(tx, command.order_id, call.user)
            assert order is not None
            if order["status"] != OrderState.COMPLETED:
                order = await self._complete(tx, order, "confirm", actor=Mover(PATIENT, call.user.user_id))
            return _state(order) | {"completed_at": shanghai_text(order["completed_at"])}

        return await self._units.run(call, body)

    async def confirm_silent(self, tx: Transaction, order_id: str) -> None:
        """The family has said nothing for a day after `finish` (the job's step)."""
        order = await self._orders.lock(tx, order_id)
        assert order is not None
        due = order["confirm_due_at"]
        if order["status"] == OrderState.IN_SERVICE and due is not None and due <= self._clock.now():
            await self._complete(tx, order, "auto_confirm", actor=THE_SYSTEM)

    async def _complete(self, tx: Transaction, order: Row, event: str, *, actor: Mover) -> Row:
        """In service and finished -> completed. Raises Refused `wrong_state`."""
        if order["finished_at"] is None:
            raise Refused("wrong_state")
        now = self._clock.now()
        values = {"completed_at": now, "confirm_due_at": None}
        await self._orders.move(tx, order, event, actor=actor, at=now, values=values)
        await self._calendar.free(tx, order["order_id"])
        earned = {name: order[name] for name in ("amount_fen", "commission_fen", "income_fen", "caregiver_id")}
        await self._facts.record(tx, OrderCompleted(order_id=order["order_id"], at=now, **earned))
        return await self._orders.require(tx, order["order_id"])


def _state(order: Row) -> dict[str, Any]:
    status = OrderState(order["status"])
    return {
        "order_id": order["order_id"],
        "status": status.value,
        "status_text": ORDER_STATE_TEXTS[status],
        "version": order["version"],
    }
