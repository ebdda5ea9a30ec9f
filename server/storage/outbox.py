"""The outbox: what must leave the process.

A reaction puts a row (topic, payload) into the transaction. After the commit this instance has the row
in hand and works it off at once; should the process die, the row's claim runs out and any instance
takes it. Every row is delivered at least once and deleted afterwards, so reactions are idempotent.
"""

import asyncio
import json
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from server.core.clock import server_now
from server.core.errors import Unavailable
from server.core.tasks import Tasks
from server.storage.sql import Database
from server.storage.tables.system import outbox
from server.storage.transaction import Transaction

Deliver = Callable[[dict[str, Any], Any], Awaitable[None]]

_log = logging.getLogger(__name__)
_SWEEP_LIMIT = 200
_DELETE_PAUSE_S = 0.1  # deletions of this long share one commit
_BACKOFF_S = (1, 2, 5, 15, 60, 300)

_ADD = insert(outbox)
_OLDEST = select(outbox.c.topic, func.min(outbox.c.created_at).label("oldest")).group_by(outbox.c.topic)


@dataclass(slots=True)
class Parcel:
    """A row of the outbox in hand; `enclosed` spares its deliverer a read and is lost in a crash."""

    outbox_id: int
    topic: str
    payload: dict[str, Any]
    attempts: int = 0
    enclosed: Any = None


@dataclass(slots=True)
class _Line:
    """The parcels of one topic in hand, in order, and how they are delivered."""

    by: Deliver
    claim: timedelta  # longer where a second instance must not deliver what the first may still have in hand
    waits_for: str | None  # somebody outside who may be away for long: then it is not we who do not drain
    parcels: deque[Parcel] = field(default_factory=deque)
    some: asyncio.Event = field(default_factory=asyncio.Event)


class Outbox:
    """Puts rows into transactions and works them off; one ordered line a topic."""

    def __init__(self, *, database: Database, instance_id: str, claim_s: float, sweep_every_s: float) -> None:
        self._database = database
        self._instance_id = instance_id
        self._claim = timedelta(seconds=claim_s)
        self._sweep_every_s = sweep_every_s
        self._tasks = Tasks("outbox")
        self._lines: dict[str, _Line] = {}
        self._in_hand: set[int] = set()
        self._done: list[int] = []
        self._something_done = asyncio.Event()
        self.delivered = 0
        self.failed = 0

    def deliver(self, topic: str, by: Deliver, *, waits_for: str | None = None, claim_s: float = 0.0) -> None:
        """Set who delivers a topic: `await by(payload, enclosed)`; raising means: again later."""
        self._lines[topic] = _Line(by, max(self._claim, timedelta(seconds=claim_s)), waits_for)

    async def put(self, tx: Transaction, topic: str, payload: dict[str, Any], *, enclosed: Any = None) -> None:
        """Commit a parcel with the transaction; it is on its way a moment after the commit."""
        now = server_now()
        row = {"topic": topic, "payload": json.dumps(payload, ensure_ascii=False), "created_at": now}
        row |= {"claimed_by": self._instance_id, "due_at": now + self._lines[topic].claim}
        number = await tx.insert_numbered(_ADD, row)
        tx.after_commit(lambda: self._take_in_hand(Parcel(number, topic, payload, enclosed=enclosed)))

    def _take_in_hand(self, parcel: Parcel) -> None:
        line = self._lines[parcel.topic]
        self._in_hand.add(parcel.outbox_id)
        line.parcels.append(parcel)
        line.some.set()

    def start(self) -> None:
        for topic in self._lines:
            self._tasks.forever(f"line.{topic}", lambda topic=topic: self._work_off(topic))
        self._tasks.forever("delete", self._delete_done)
        self._tasks.forever("sweep", self._sweep)

    async def stop(self, *, within_s: float = 5.0) -> None:
        """Deliver what is in hand, delete it, stop. What is left over another instance takes."""
        try:
            async with asyncio.timeout(within_s):
                while self._in_hand:
                    await asyncio.sleep(0.01)
        except TimeoutError:
            _log.warning("outbox stopped with parcels in hand", extra={"parcels": len(self._in_hand)})
        await self._tasks.stop()

    async def _work_off(self, topic: str) -> None:
        line = self._lines[topic]
        parcels, some, deliver = line.parcels, line.some, line.by
        while True:
            if not parcels:
                some.clear()
                await some.wait()
            parcel = parcels.popleft()
            try:
                await deliver(parcel.payload, parcel.enclosed)
            except Unavailable:
                await self._put_back(parcel)
            except Exception:
                _log.exception("parcel not delivered", extra={"topic": topic, "outbox_id": parcel.outbox_id})
                await self._put_back(parcel)
            else:
                self.delivered += 1
                self._done.append(parcel.outbox_id)
                self._something_done.set()

    async def _put_back(self, parcel: Parcel) -> None:
        self.failed += 1
        pause = timedelta(seconds=_BACKOFF_S[min(parcel.attempts, len(_BACKOFF_S) - 1)])
        statement = (
            update(outbox)
            .where(outbox.c.outbox_id == parcel.outbox_id)
            .values(due_at=server_now() + pause, attempts=outbox.c.attempts + 1)
        )
        try:
            await self._database.write(lambda tx: tx.run(statement))
        except Unavailable:
            pass  # the claim runs out by itself
        self._in_hand.discard(parcel.outbox_id)

    async def _delete_done(self) -> None:
        while True:
            await self._something_done.wait()
            await asyncio.sleep(_DELETE_PAUSE_S)
            self._something_done.clear()
            numbers, self._done = self._done, []
            try:
                await self._database.write(lambda tx: tx.run(delete(outbox).where(outbox.c.outbox_id.in_(numbers))))
            except Unavailable:
                self._done += numbers
                self._something_done.set()
                continue
            self._in_hand.difference_update(numbers)

    async def _sweep(self) -> None:
        while True:
            try:
                for parcel in await self._claim_due():
                    self._take_in_hand(parcel)
            except Unavailable:
                pass  # nothing was claimed; the next look is soon
            await asyncio.sleep(self._sweep_every_s)

    async def _claim_due(self) -> list[Parcel]:
        """Take rows whose claim has run out: those of the dead, and those to be tried again.

        Heirs share: a row that another one is just taking is skipped and not waited for.
        """
        now = server_now()
        known = outbox.c.topic.in_(list(self._lines))
        due = select(outbox).where(outbox.c.due_at <= now, known).order_by(outbox.c.outbox_id).limit(_SWEEP_LIMIT)
        async with self._database.read() as tx:
            if await tx.one(due.with_only_columns(outbox.c.outbox_id).limit(1)) is None:
                return []

        async def claim(tx: Transaction) -> list[Parcel]:
            found = await tx.all(due.with_for_update(skip_locked=True))
            rows = [row for row in found if row["outbox_id"] not in self._in_hand]
            if not rows:
                return []
            for topic in {row["topic"] for row in rows}:
                numbers = [row["outbox_id"] for row in rows if row["topic"] == topic]
                mine = update(outbox).where(outbox.c.outbox_id.in_(numbers))
                await tx.run(mine.values(claimed_by=self._instance_id, due_at=now + self._lines[topic].claim))
            return [
                Parcel(row["outbox_id"], row["topic"], json.loads(row["payload"]), attempts=row["attempts"])
                for row in rows
            ]

        return await self._database.write(claim)

    async def oldest_age_s(self) -> float:
        """How long the oldest undelivered row of our own has waited, in seconds; 0 when there is none."""
        ages_s = await _ages_s(self._database)
        return max((age_s for topic, age_s in ages_s.items() if self._waits_for(topic) is None), default=0.0)

    async def waiting_for(self, *, longer_than_s: float) -> list[str]:
        """Those outside (`waits_for`) for whom rows have waited so long."""
        ages_s = await _ages_s(self._database)
        late = {self._waits_for(topic) for topic, age_s in ages_s.items() if age_s > longer_than_s}
        return sorted(outside for outside in late if outside is not None)

    def _waits_for(self, topic: str) -> str | None:
        return self._lines[topic].waits_for if topic in self._lines else None


async def _ages_s(database: Database) -> dict[str, float]:
    """How long the oldest row of each topic has waited."""
    async with database.read() as tx:
        oldest = await tx.all(_OLDEST)
    return {row["topic"]: max(0.0, (server_now() - row["oldest"]).total_seconds()) for row in oldest}
