"""An administrator gives an order to another caregiver.

domain.md T12 and T22. The price stays what the family agreed to. Whoever takes over must fit what they publish
(place, hours, types, price) or have consented outside, which the administrator says and the audit keeps; nobody is
ever sent to two places. The rows are locked as everywhere: the new caregiver's, then the order's. Whoever had the
order is a stranger to it from the commit on.
"""

from typing import Any

from server.booking.desk.commands import ReassignOrder
from server.booking.offers.answering import new_start_code
from server.booking.offers.matching import Matching
from server.booking.offers.store import OfferStore, of_order
from server.booking.orders.store import Mover, OrderStore
from server.booking.orders.store_calendar import Calendar, overlapping_offers
from server.booking.rules.states import ADMIN, ORDER_STATE_TEXTS, OrderState
from server.core.call import Call
from server.core.clock import BusinessClock
from server.core.errors import Refused
from server.core.in_force import InForce
from server.roster.fitness import Obstacle, fitness_of
from server.roster.terms import Terms
from server.storage.audit import write_audit
from server.storage.transaction import Row, Transaction
from server.storage.unit_of_work import UnitOfWork


class Reassigning:
    """Moves `paid` or `awaiting_service` orders to a caregiver."""

    def __init__(
        self,
        *,
        units: UnitOfWork,
        orders: OrderStore,
        offers: OfferStore,
        calendar: Calendar,
        matching: Matching,
        terms: InForce[Terms],
        clock: BusinessClock,
    ) -> None:
        self._units = units
        self._orders = orders
        self._offers = offers
        self._calendar = calendar
        self._matching = matching
        self._terms = terms
        self._clock = clock

    async def reassign_order(self, call: Call, command: ReassignOrder) -> dict[str, Any]:
        """{"order_id", "caregiver_id", "status", "status_text", "version", "amount_fen"}.

        Raises Refused: `not_found`, `caregiver_busy`, `not_offered` (does not fit, and has not consented),
        `wrong_state` (the order is over or has begun, the visit's time is over, the caregiver may not serve
        or has the order already).
        """

        async def body(tx: Transaction) -> dict[str, Any]:
            await self._calendar.lock_caregiver(tx, command.caregiver_id)
            order = await self._orders.lock(tx, command.order_id)
            if order is None:
                raise Refused("not_found")
            await self._require_fit(tx, order, command)
            await self._move(tx, call, order, command)
            await self._write_down(tx, call, order, command)
            moved = await self._orders.require(tx, command.order_id)
            status = OrderState(moved["status"])
            return {
                "order_id": command.order_id,
                "caregiver_id": command.caregiver_id,
                "status": status.value,
                "status_text": ORDER_STATE_TEXTS[status],
                "version": moved["version"],
                "amount_fen": moved["amount_fen"],
            }

        return await self._units.run(call, body)

    async def _require_fit(self, tx: Transaction, order: Row, command: ReassignOrder) -> None:
        rules = (await self._terms.of(tx, order["policy_version"])).policy.time
        found = await fitness_of(tx, order, rules=rules, among=[command.caregiver_id], limit=1)
        if not found:
            raise Refused("not_found")
        if order["caregiver_id"] == command.caregiver_id:
            raise Refused("wrong_state", "该订单已由这位陪护人员负责")
        if self._clock.now() >= order["end_at"]:
            raise Refused("wrong_state", "服务时间已过，不能改派")
        _require_no_obstacle(found[0].obstacles, consented=command.consented)

    async def _move(self, tx: Transaction, call: Call, order: Row, command: ReassignOrder) -> None:
        now, order_id, caregiver_id = self._clock.now(), command.order_id, command.caregiver_id
        await self._orders.move(
            tx,
            order,
            "reassign",
            actor=Mover(ADMIN, call.user.user_id),
            at=now,
            values={
                "caregiver_id": caregiver_id,
                "accepted_at": now,
                "start_code": new_start_code(),  # whoever had the order may have heard the old one
                "start_code_failures": 0,
                "next_wave_at": None,
            },
            reason=command.reason,
        )
        await self._take_time(tx, order, caregiver_id)
        if order["caregiver_id"] is not None:
            await self._offers.withdraw_accepted(tx, order_id, order["caregiver_id"])
        await self._offers.close(tx, "taken", of_order(order_id), at=now)
        for row in await self._offers.close(tx, "withdrawn", overlapping_offers(caregiver_id, order), at=now):
            await self._matching.after_refusal(tx, row["order_id"], caregiver_id, at=now)

    async def _take_time(self, tx: Transaction, order: Row, caregiver_id: str) -> None:
        """What another held for this order is freed first; the new one's own hold becomes the visit."""
        holder = order["caregiver_id"] or order["named_caregiver_id"]
        if holder not in (None, caregiver_id):
            await self._calendar.free(tx, order["order_id"], person="caregiver")
        if not await self._calendar.take_caregiver(tx, caregiver_id, order, kind="visit"):
            raise Refused("caregiver_busy")

    async def _write_down(self, tx: Transaction, call: Call, order: Row, command: ReassignOrder) -> None:
        before = {"status": order["status"], "caregiver_id": order["caregiver_id"]}
        after = {"status": OrderState.AWAITING_SERVICE.value, "caregiver_id": command.caregiver_id}
        await write_audit(
            tx,
            call,
            action="admin.order.reassign",
            target=f"order:{command.order_id}",
            reason=command.reason,
            detail={"before": before, "after": after, "consented": command.consented},
        )


def _require_no_obstacle(obstacles: tuple[Obstacle, ...], *, consented: bool) -> None:
    """Raises Refused `wrong_state`, `caregiver_busy`, `not_offered`."""
    hard = [one for one in obstacles if one.is_hard]
    if hard and hard[0].code != "busy":
        raise Refused("wrong_state", f"该陪护人员不能服务：{hard[0].text}")
    if hard:
        raise Refused("caregiver_busy")
    if obstacles and not consented:
        words = "、".join(one.text for one in obstacles)
        raise Refused("not_offered", f"该陪护人员{words}；如已与其商定，请注明后再改派")
