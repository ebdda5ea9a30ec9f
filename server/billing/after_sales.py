"""Administrators give money back after an order's end.

domain.md T21 and T22. While an order lives its price is frozen: it is cancelled or finished first. Afterwards the
money has been earned, so caregiver and platform give it up before it goes back: the ledger sums to zero, and a
settlement is adjusted whether or not it is due. Above a limit, counted over the order, a second administrator must
agree.
"""

from collections.abc import Callable
from typing import Any

from config.policy import RefundRules
from server.billing import store_ledger, store_requests
from server.billing.commands_desk import DecideRefund, RefundOrder
from server.billing.facts import IncomeAdjusted, RefundDecided, RefundRequested
from server.billing.ledger import Ledger
from server.billing.ports import EndedOrders
from server.billing.refunds import Refunds
from server.billing.request_answers import request_answer
from server.core.call import Call
from server.core.clock import BusinessClock
from server.core.errors import Refused
from server.core.facts import Facts
from server.core.ids import new_id
from server.core.money import round_half_up
from server.storage.audit import write_audit
from server.storage.transaction import Transaction
from server.storage.unit_of_work import UnitOfWork


class AfterSales:
    """Refunds by administrators; `rules()` are the numbers in force."""

    def __init__(
        self,
        *,
        units: UnitOfWork,
        orders: EndedOrders,
        refunds: Refunds,
        ledger: Ledger,
        facts: Facts,
        rules: Callable[[], RefundRules],
        clock: BusinessClock,
    ) -> None:
        self._units = units
        self._orders = orders
        self._refunds = refunds
        self._ledger = ledger
        self._facts = facts
        self._rules = rules
        self._clock = clock

    async def refund_order(self, call: Call, command: RefundOrder) -> dict[str, Any]:
        """Refund at once, or ask a second administrator: the request as it is listed.

        Raises Refused: `not_found`, `wrong_state` (not over, nothing or too little left, another request waits).
        """

        async def body(tx: Transaction) -> dict[str, Any]:
            order = await self._require_ended(tx, command.order_id)
            before_fen = await store_requests.approved_fen(tx, command.order_id)
            waits = before_fen + command.amount_fen >= self._rules().second_person_from_fen
            request_id = await self._ask(tx, call, command, waits=waits)
            await self._refunds.kind_of(tx, command.order_id, command.amount_fen)
            await _audit(tx, call, "refund", command.order_id, command.reason, _told(command, request_id, waits=waits))
            if waits:
                fact = RefundRequested(request_id, command.order_id, command.amount_fen)
                await self._facts.record(tx, fact)
            else:
                row = await store_requests.request_by_id(tx, request_id)
                await self._carry_out(tx, row, status=order.status)
            return request_answer(await store_requests.request_by_id(tx, request_id))

        return await self._units.run(call, body)

    async def _require_ended(self, tx: Transaction, order_id: str) -> Any:
        order = await self._orders.ended(tx, order_id)
        if order is None:
            raise Refused("not_found")
        if order.status not in ("completed", "cancelled"):
            raise Refused("wrong_state", "订单尚未结束：请先取消，或等服务完成后再退款")
        return order

    async def _ask(self, tx: Transaction, call: Call, command: RefundOrder, *, waits: bool) -> str:
        request_id, now, admin_id = new_id(), self._clock.now(), call.user.user_id
        row = {
            "request_id": request_id,
            "order_id": command.order_id,
            "amount_fen": command.amount_fen,
            "borne_by": command.borne_by,
            "reason": command.reason,
            "requested_by": admin_id,
            "requested_at": now,
        }
        decided = {"state": "approved", "decided_by": admin_id, "decided_at": now}
        waiting = {"state": "waiting", "live_key": command.order_id}
        if not await store_requests.add_request(tx, row | (waiting if waits else decided)):
            raise Refused("wrong_state", "该订单已有一笔退款待另一位管理员确认")
        return request_id

    async def decide_refund(self, call: Call, command: DecideRefund) -> dict[str, Any]:
        """A second administrator agrees, or anybody calls it off: the request as it is listed.

        Raises Refused: `not_found`, `wrong_state` (decided, or it is one's own to agree to, or too little is left).
        """

        async def body(tx: Transaction) -> dict[str, Any]:
            row = await store_requests.request_by_id(tx, command.request_id)
            if row is None:
                raise Refused("not_found")
            order = await self._require_ended(tx, row["order_id"])
            await self._decide(tx, call, row, command)
            if command.decision == "approve":
                await self._carry_out(tx, row, status=order.status)
            detail = {"request_id": command.request_id, "decision": command.decision, "amount_fen": row["amount_fen"]}
            await _audit(tx, call, "refund_decide", row["order_id"], command.reason, detail)
            await self._facts.record(tx, RefundDecided(command.request_id, row["order_id"]))
            return request_answer(await store_requests.request_by_id(tx, command.request_id))

        return await self._units.run(call, body)

    async def _decide(self, tx: Transaction, call: Call, row: Any, command: DecideRefund) -> None:
        admin_id = call.user.user_id
        if command.decision == "approve" and row["requested_by"] == admin_id:
            raise Refused("wrong_state", "须由另一位管理员确认")
        values = {
            "state": "approved" if command.decision == "approve" else "rejected",
            "decided_by": admin_id,
            "decided_at": self._clock.now(),
            "decision_reason": command.reason,
        }
        if not await store_requests.decide_request(tx, command.request_id, values):
            raise Refused("wrong_state", "该退款申请已处理")

    async def _carry_out(self, tx: Transaction, request: Any, *, status: str) -> None:
        """Decide on the refund and let those who earned the money give it up."""
        order_id, amount_fen = request["order_id"], request["amount_fen"]
        kind = await self._refunds.kind_of(tx, order_id, amount_fen)
        refund_id = await self._refunds.request_refund(
            tx, order_id=order_id, amount_fen=amount_fen, kind=kind, reason=request["reason"]
        )
        if refund_id is None:
            raise Refused("wrong_state", "该订单没有可退的款项")
        await store_requests.note_refund(tx, request["request_id"], refund_id)
        if status == "cancelled":
            await self._orders.lower_fee(tx, order_id, by_fen=amount_fen)
        await self._give_up(tx, request, refund_id)

    async def _give_up(self, tx: Transaction, request: Any, refund_id: str) -> None:
        order_id, amount_fen = request["order_id"], request["amount_fen"]
        earned = await store_ledger.lock_settlement(tx, order_id)
        caregiver_fen = 0
        if earned is not None and request["borne_by"] == "shared":
            own_fen = earned["gross_fen"] - earned["commission_fen"]
            share_fen = round_half_up(amount_fen * own_fen, earned["gross_fen"])
            caregiver_fen = max(0, min(share_fen, earned["net_fen"]))
        platform_fen = amount_fen - caregiver_fen
        await self._ledger.post_after_sales(
            tx, order_id, refund_id=refund_id, caregiver_fen=caregiver_fen, platform_fen=platform_fen
        )
        if earned is not None and caregiver_fen:
            await store_ledger.adjust_settlement(tx, order_id, by_fen=-caregiver_fen)
            fact = IncomeAdjusted(refund_id, order_id, earned["caregiver_id"], by_fen=-caregiver_fen)
            await self._facts.record(tx, fact)


def _told(command: RefundOrder, request_id: str, *, waits: bool) -> dict[str, Any]:
    about = {"request_id": request_id, "amount_fen": command.amount_fen, "borne_by": command.borne_by}
    return about | {"waits_for_second_person": waits}


async def _audit(tx: Transaction, call: Call, verb: str, order_id: str, reason: str, detail: dict[str, Any]) -> None:
    await write_audit(
        tx, call, action=f"admin.order.{verb}", target=f"order:{order_id}", reason=reason, detail=detail
    )
