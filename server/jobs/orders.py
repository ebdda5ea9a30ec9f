"""What happens to orders without a request.

One round looks for everything that is due by business time and takes one transaction for each, in which
the rule is judged again; two rounds at once (two instances) do no harm, one of them finds nothing left.
"""

import logging
from collections.abc import Awaitable, Callable

from server.booking.cancelling import Cancelling
from server.booking.matching import Matching
from server.booking.paying import UnpaidOrders
from server.booking.queries_due import DueOrders
from server.booking.visiting import Visiting
from server.core.clock import BusinessClock
from server.core.errors import Refused, Unavailable
from server.storage.sql import Database
from server.storage.transaction import Row

_log = logging.getLogger(__name__)


class OrderRound:
    """One look at everything that is due; `run_once` is the job."""

    def __init__(
        self,
        *,
        database: Database,
        due: DueOrders,
        matching: Matching,
        cancelling: Cancelling,
        visiting: Visiting,
        unpaid: UnpaidOrders,
        clock: BusinessClock,
    ) -> None:
        self._database = database
        self._due = due
        self._matching = matching
        self._cancelling = cancelling
        self._visiting = visiting
        self._unpaid = unpaid
        self._clock = clock

    async def run_once(self) -> int:
        """Do what is due now; returns how many things were looked at. Raises Unavailable."""
        now = self._clock.now()
        async with self._database.read() as tx:
            due = await self._due.everything(tx, at=now)
        for order in due.unpaid:
            await self._one("pay_deadline", order, self._unpaid.end)
        for order in due.hopeless:
            await self._one("give_up", order, self._give_up)
        for order in due.never_started:
            await self._one("never_started", order, self._never_started)
        for offer in due.offers:
            await self._offer_expires(offer)
        for order in due.waves:
            await self._one("wave", order, self._widen)
        for order in due.silent:
            await self._one("auto_confirm", order, self._confirm)
        return due.count

    async def _one(self, what: str, order: Row, step: Callable[[str], Awaitable[None]]) -> None:
        """One order's trouble must not keep the others waiting."""
        try:
            await step(order["order_id"])
        except (Refused, Unavailable) as problem:
            _log.info("due step not done now", extra={"step": what, "problem": problem.code})

    async def _give_up(self, order_id: str) -> None:
        reason = "暂无陪护人员接单,已自动取消并全额退款"
        await self._database.write(lambda tx: self._cancelling.cancel_by_time(tx, order_id, "give_up", reason=reason))

    async def _never_started(self, order_id: str) -> None:
        reason = "服务时间内未开始服务,已自动取消并全额退款"
        await self._database.write(
            lambda tx: self._cancelling.cancel_by_time(tx, order_id, "never_started", reason=reason)
        )

    async def _widen(self, order_id: str) -> None:
        await self._database.write(lambda tx: self._matching.widen_due(tx, order_id, at=self._clock.now()))

    async def _confirm(self, order_id: str) -> None:
        await self._database.write(lambda tx: self._visiting.confirm_silent(tx, order_id))

    async def _offer_expires(self, offer: Row) -> None:
        now = self._clock.now()
        await self._database.write(lambda tx: self._matching.expire_offer(tx, offer["offer_id"], at=now))
