"""Looks for what has been stuck, and for what is no more."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from server.core.clock import BusinessClock
from server.oversight import store_alarms
from server.oversight.alarms import Alarms
from server.storage.sql import Database
from server.storage.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that stands still; `subject` is what it is about: an order's id, a refund's, or a word."""

    subject: str
    order_id: str | None
    text: str


class Watch(Protocol):
    """One kind of trouble."""

    @property
    def kind(self) -> str: ...

    async def begun(self, tx: Transaction, *, at: datetime, besides: Collection[str]) -> Iterable[Trouble]:
        """What is in this trouble besides these subjects, a bounded number: the rest is for the next look."""

    async def still(self, tx: Transaction, *, at: datetime, among: Collection[str]) -> set[str]:
        """Which of these subjects are in it."""


class AlarmRound:
    """The job: raises and solves alarms of every watch, one transaction a kind where something changed."""

    def __init__(
        self, *, database: Database, alarms: Alarms, watches: Collection[Watch], clock: BusinessClock
    ) -> None:
        self._database = database
        self._alarms = alarms
        self._watches = watches
        self._clock = clock

    async def run_once(self) -> int:
        """How many alarms were raised or solved. Raises Unavailable."""
        return sum([await self._look(watch) for watch in self._watches])

    async def _look(self, watch: Watch) -> int:
        now, start = self._clock.now(), f"{watch.kind}/"
        async with self._database.read() as tx:
            known = {key.removeprefix(start) for key in await store_alarms.standing_keys(tx, watch.kind)}
            fresh = list(await watch.begun(tx, at=now, besides=known))
            still = await watch.still(tx, at=now, among=known) if known else set()
        gone = [start + subject for subject in sorted(known - still)]
        if fresh or gone:
            await self._database.write(lambda tx: self._change(tx, watch.kind, fresh, gone))
        return len(fresh) + len(gone)

    async def _change(self, tx: Transaction, kind: str, fresh: list[Trouble], gone: list[str]) -> None:
        for trouble in fresh:
            await self._alarms.raise_alarm(
                tx, kind=kind, order_id=trouble.order_id, text=trouble.text, once_key=f"{kind}/{trouble.subject}"
            )
        if gone:
            await self._alarms.solve(tx, gone)
