"""An administrator ends an order; everything paid goes back."""

from typing import Any

from server.booking.desk.commands import CancelAnyOrder
from server.booking.orders.store import Mover, OrderStore
from server.booking.rules.states import ADMIN, ORDER_STATE_TEXTS, OrderState
from server.booking.steps.cancelling import CloseUnpaid
from server.booking.steps.endings import Endings
from server.core.call import Call
from server.core.clock import BusinessClock
from server.core.errors import Refused
from server.storage.audit import write_audit
from server.storage.sql import Database
from server.storage.transaction import Row, Transaction
from server.storage.unit_of_work import UnitOfWork


class Interventions:
    """Cancels any order that has not begun. An unpaid one is closed at the provider first (domain.md T4)."""

    def __init__(
        self,
        *,
        database: Database,
        units: UnitOfWork,
        orders: OrderStore,
        endings: Endings,
        close_unpaid: CloseUnpaid,
        clock: BusinessClock,
    ) -> None:
        self._database = database
        self._units = units
        self._orders = orders
        self._endings = endings
        self._close_unpaid = close_unpaid
        self._clock = clock

    async def cancel_order(self, call: Call, command: CancelAnyOrder) -> dict[str, Any]:
        """{"order_id", "status", "status_text", "version", "refund_fen"}.

        Repeated by who did it, the same again. Raises Refused: `not_found`, `wrong_state` (the service has begun,
        or the order is over); Unavailable when the payment provider cannot say how an unpaid order stands.
        """
        await self._settle_payment_first(call, command.order_id)

        async def body(tx: Transaction) -> dict[str, Any]:
            order = await self._orders.lock(tx, command.order_id)
            if order is None:
                raise Refused("not_found")
            if await self._cancelled_before(tx, order, user_id=call.user.user_id):
                return _cancelled(order, refund_fen=_paid(order) - order["cancel_fee_fen"])
            split = await self._endings.split(tx, order, by=ADMIN, at=self._clock.now())
            actor = Mover(ADMIN, call.user.user_id)
            await self._endings.cancel(tx, order, split, "cancel", actor=actor, reason=command.reason)
            await self._write_down(tx, call, order, command, refund_fen=split.refund_fen)
            return _cancelled(await self._orders.require(tx, command.order_id), refund_fen=split.refund_fen)

        return await self._units.run(call, body)

    async def _settle_payment_first(self, call: Call, order_id: str) -> None:
        if await self._units.recall(call):
            return
        async with self._database.read() as tx:
            order = await self._orders.get(tx, order_id)
        if order is not None and order["status"] == OrderState.PENDING_PAYMENT:
            await self._close_unpaid(order_id)

    async def _cancelled_before(self, tx: Transaction, order: Row, *, user_id: str) -> bool:
        if order["status"] != OrderState.CANCELLED or order["cancelled_by"] != ADMIN:
            return False
        return await self._orders.was_done_by(tx, order["order_id"], "cancel", user_id=user_id)

    async def _write_down(
        self, tx: Transaction, call: Call, order: Row, command: CancelAnyOrder, *, refund_fen: int
    ) -> None:
        before = {"status": order["status"], "caregiver_id": order["caregiver_id"]}
        await write_audit(
            tx,
            call,
            action="admin.order.cancel",
            target=f"order:{command.order_id}",
            reason=command.reason,
            detail={"before": before, "after": {"status": "cancelled"}, "refund_fen": refund_fen},
        )


def _paid(order: Row) -> int:
    return order["amount_fen"] if order["paid_at"] is not None else 0


def _cancelled(order: Row, *, refund_fen: int) -> dict[str, Any]:
    status = OrderState(order["status"])
    return {
        "order_id": order["order_id"],
        "status": status.value,
        "status_text": ORDER_STATE_TEXTS[status],
        "version": order["version"],
        "refund_fen": refund_fen,
    }
