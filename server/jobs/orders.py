"""What happens to orders without a request.

One round looks for everything that is due by business time and takes one transaction for each, in which
the rule is judged again; two rounds at once (two instances) do no harm, one of them finds nothing left.
"""

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable

from server.booking.offers.matching import Matching
from server.booking.steps.endings import Endings
from server.booking.steps.paying import UnpaidOrders
from server.booking.steps.queries_due import Due, DueOrders
from server.booking.steps.visiting import Visiting
from server.core.clock import BusinessClock
from server.core.errors import Refused, Unavailable
from server.storage.sql import Database
from server.storage.transaction import Row

_log = logging.getLogger(__name__)

Step = Callable[[str], Awaitable[None]]  # takes the id of what is due


class OrderRound:
    """One look at everything that is due; `run_once` is the job."""

    def __init__(
        self,
        *,
        database: Database,
        due: DueOrders,
        matching: Matching,
        endings: Endings,
        visiting: Visiting,
        unpaid: UnpaidOrders,
        clock: BusinessClock,
    ) -> None:
        self._database = database
        self._due = due
        self._matching = matching
        self._endings = endings
        self._visiting = visiting
        self._unpaid = unpaid
        self._clock = clock
        self._failing: set[tuple[str, str]] = set()
        self.failed: Counter[str] = Counter()  # steps that had a bug, by their names, since the start

    @property
    def failing(self) -> list[str]:
        """Steps that had a bug with some order in the last round."""
        return sorted({what for what, _ in self._failing})

    async def run_once(self) -> int:
        """Do what is due now; returns how many things were looked at. Raises Unavailable."""
        now = self._clock.now()
        async with self._database.glance() as tx:
            if not await self._due.is_anything(tx, at=now):
                self._failing = set()
                return 0
        async with self._database.read() as tx:
            due = await self._due.everything(tx, at=now)
        failing: set[tuple[str, str]] = set()
        for what, ids, step in self._steps(due):
            failing |= {(what, one) for one in ids if not await self._took(what, one, step)}
        self._failing = failing
        return due.count

    def _steps(self, due: Due) -> Iterable[tuple[str, list[str], Step]]:
        yield "pay_deadline", _orders(due.unpaid), self._unpaid.end
        yield "give_up", _orders(due.hopeless), self._give_up
        yield "never_started", _orders(due.never_started), self._never_started
        yield "offer_expiry", [row["offer_id"] for row in due.offers], self._offer_expires
        yield "wave", _orders(due.waves), self._widen
        yield "auto_confirm", _orders(due.silent), self._confirm

    async def _took(self, what: str, order_or_offer_id: str, step: Step) -> bool:
        """False when the step has a bug with this one; its trouble must not keep the others waiting."""
        try:
            await step(order_or_offer_id)
        except (Refused, Unavailable) as problem:
            _log.info("due step not done now", extra={"step": what, "problem": problem.code})
        except Exception:  # two rounds a second: told when it begins, counted each time
            self.failed[what] += 1
            if (what, order_or_offer_id) not in self._failing:
                _log.exception("due step failed", extra={"step": what, "id": order_or_offer_id})
            return False
        return True

    async def _give_up(self, order_id: str) -> None:
        reason = "暂无陪护人员接单，已自动取消并全额退款"
        await self._database.write(lambda tx: self._endings.cancel_by_time(tx, order_id, "give_up", reason=reason))

    async def _never_started(self, order_id: str) -> None:
        reason = "服务时间内未开始服务，已自动取消并全额退款"
        await self._database.write(
            lambda tx: self._endings.cancel_by_time(tx, order_id, "never_started", reason=reason)
        )

    async def _widen(self, order_id: str) -> None:
        await self._database.write(lambda tx: self._matching.widen_due(tx, order_id, at=self._clock.now()))

    async def _confirm(self, order_id: str) -> None:
        await self._database.write(lambda tx: self._visiting.confirm_silent(tx, order_id))

    async def _offer_expires(self, offer_id: str) -> None:
        now = self._clock.now()
        await self._database.write(lambda tx: self._matching.expire_offer(tx, offer_id, at=now))


def _orders(rows: Iterable[Row]) -> list[str]:
    return [row["order_id"] for row in rows]
