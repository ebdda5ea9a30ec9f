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
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import and_, delete, func, insert, select, update

from server.core.clock import server_now
from server.core.errors import Unavailable
from server.core.tasks import Tasks
from server.storage.sql import Database
from server.storage.tables.system import outbox
from server.storage.transaction import Transaction

Deliver = Callable[[dict[str, Any], Any], Awaitable[None]]

_log = logging.getLogger(__name__)
_SWEEP_LIMIT = 200
_DELETE_PAUSE_S = 0.02  # deletions of this long share one commit
_BACKOFF_S = (1, 2, 5, 15, 60, 300)

_ADD = insert(outbox)


@dataclass(slots=True)
class Parcel:
    """A row of the outbox in hand; `enclosed` spares its deliverer a read and is lost in a crash."""

    outbox_id: int
    topic: str
    payload: dict[str, Any]
    attempts: int = 0
    enclosed: Any = None


class Outbox:
    """Puts rows into transactions and works them off; one ordered line a topic."""

    def __init__(self, *, database: Database, instance_id: str, claim_s: float, sweep_every_s: float) -> None:
        self._database = database
        self._instance_id = instance_id
        self._claim = timedelta(seconds=claim_s)
        self._sweep_every_s = sweep_every_s
        self._tasks = Tasks("outbox")
        self._deliverers: dict[str, Deliver] = {}
        self._lines: dict[str, deque[Parcel]] = {}
        self._waiting: dict[str, asyncio.Event] = {}
        self._in_hand: set[int] = set()
        self._done: list[int] = []
        self._something_done = asyncio.Event()
        self.delivered = 0
        self.failed = 0

    def deliver(self, topic: str, by: Deliver) -> None:
        """Set who delivers a topic: `await by(payload, enclosed)`; raising means: again later."""
        self._deliverers[topic] = by
        self._lines[topic] = deque()
        self._waiting[topic] = asyncio.Event()

    async def put(self, tx: Transaction, topic: str, payload: dict[str, Any], *, enclosed: Any = None) -> None:
        """Commit a parcel with the transaction; it is on its way a moment after the commit."""
        now = server_now()
        row = {
            "topic": topic,
            "payload": json.dumps(payload, ensure_ascii=False),
            "created_at": now,
            "claimed_by": self._instance_id,
            "due_at": now + self._claim,
        }
        number = await tx.insert_numbered(_ADD, row)
        tx.after_commit(lambda: self._take_in_hand(Parcel(number, topic, payload, enclosed=enclosed)))

    def _take_in_hand(self, parcel: Parcel) -> None:
        self._in_hand.add(parcel.outbox_id)
        self._lines[parcel.topic].append(parcel)
        self._waiting[parcel.topic].set()

    def start(self) -> None:
        for topic in self._deliverers:
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
        line, waiting, deliverer = self._lines[topic], self._waiting[topic], self._deliverers[topic]
        while True:
            if not line:
                waiting.clear()
                await waiting.wait()
            parcel = line.popleft()
            try:
                await deliverer(parcel.payload, parcel.enclosed)
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
        """Take rows whose claim has run out: those of the dead, and those to be tried again."""
        now = server_now()
        known = outbox.c.topic.in_(list(self._deliverers))
        due = select(outbox).where(outbox.c.due_at <= now, known).order_by(outbox.c.outbox_id).limit(_SWEEP_LIMIT)
        async with self._database.read() as tx:
            rows = [row for row in await tx.all(due) if row["outbox_id"] not in self._in_hand]
        if not rows:
            return []

        async def claim(tx: Transaction) -> list[Parcel]:
            mine = []
            for row in rows:
                same = and_(outbox.c.outbox_id == row["outbox_id"], outbox.c.due_at == row["due_at"])
                taken = {"claimed_by": self._instance_id, "due_at": now + self._claim}
                if await tx.run(update(outbox).where(same).values(**taken)) == 1:
                    mine.append(
                        Parcel(row["outbox_id"], row["topic"], json.loads(row["payload"]), attempts=row["attempts"])
                    )
            return mine

        return await self._database.write(claim)

    async def oldest_age_s(self) -> float:
        """How long the oldest undelivered row has waited, in seconds; 0 when there is none."""
        async with self._database.read() as tx:
            oldest = await tx.value(select(func.min(outbox.c.created_at)))
        return 0.0 if oldest is None else max(0.0, (server_now() - oldest).total_seconds())
