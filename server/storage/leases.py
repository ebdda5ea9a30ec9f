"""Leases: what runs once in the cluster.

A lease has a holder, a fencing number that rises with every holder, and an end by the database's clock. The
holder renews it well before; who dies leaves it to run out. That two believe to hold it, for a moment, cannot
be ruled out, so the work itself is fenced (`fencing.py`).
"""

import asyncio
import logging
import time
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import and_, bindparam, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from server.core.errors import Unavailable
from server.core.tasks import Tasks
from server.storage.database_time import database_now
from server.storage.fencing import Lease
from server.storage.sql import Database
from server.storage.tables.system import lease
from server.storage.transaction import Transaction

_log = logging.getLogger(__name__)
_TAKEN_WITHIN_S = 2.0  # what is not known by then runs out by itself
_RENEWALS = 3  # tries before the end; one may meet a busy database

_FOUND = select(lease.c.holder, lease.c.fence, lease.c.until).where(lease.c.name == bindparam("wanted"))
_MINE = and_(
    lease.c.name == bindparam("of_name"),
    lease.c.holder == bindparam("of_holder"),
    lease.c.fence == bindparam("of_fence"),
)
_PROLONG = update(lease).where(_MINE).values(until=bindparam("new_until"))
_SUCCEED = (
    update(lease)
    .where(
        lease.c.name == bindparam("of_name"),
        lease.c.fence == bindparam("of_fence"),
        or_(lease.c.until <= bindparam("db_now"), lease.c.holder == bindparam("new_holder")),
    )
    .values(holder=bindparam("new_holder"), fence=lease.c.fence + 1, until=bindparam("new_until"))
)
_BEGIN = insert(lease)


@dataclass(frozen=True, slots=True)
class _Held:
    lease: Lease
    until_s: float  # by this process's monotonic clock, counted from before the database was asked


class Leases:
    """`hold` before each round; `start` keeps what is held, `stop` gives it back at once."""

    def __init__(self, *, database: Database, holder: str, lasts_s: float) -> None:
        self._database = database
        self._holder = holder
        self._lasts = timedelta(seconds=lasts_s)
        self._lasts_s = lasts_s
        self._held: dict[str, _Held] = {}
        self._ask_at_s: dict[str, float] = {}
        self._tasks = Tasks("leases")
        self._taking = Tasks("leases being taken")
        self.counts: Counter[str] = Counter()  # taken, lost

    @property
    def held(self) -> list[str]:
        """Names of what this instance holds, as far as it knows."""
        now = time.monotonic()
        return sorted(name for name, one in self._held.items() if one.until_s > now)

    def start(self) -> None:
        self._tasks.forever("renew", self._keep)

    async def stop(self) -> None:
        """Give everything back, so that others go on at once. Without a database it runs out by itself."""
        await self._tasks.stop()
        await self._taking.finish(within_s=_TAKEN_WITHIN_S)
        mine = [one.lease for one in self._held.values()]
        self._held.clear()
        if mine:
            try:
                await self._database.write(lambda tx: self._give_back(tx, mine))
            except Unavailable:
                _log.info("leases are left to run out", extra={"leases": len(mine)})

    async def hold(self, name: str) -> Lease | None:
        """The lease, kept or newly taken; None while another instance has it. Raises Unavailable."""
        now = time.monotonic()
        held = self._held.get(name)
        if held is not None and held.until_s > now:
            return held.lease
        if now < self._ask_at_s.get(name, 0.0):
            return None
        self._held.pop(name, None)
        self._ask_at_s[name] = now + self._lasts_s / _RENEWALS
        taken, problem = await asyncio.shield(self._taking.start("take", self._tried(name)))
        if problem is not None:
            raise problem
        return taken

    async def _tried(self, name: str) -> tuple[Lease | None, Unavailable | None]:
        """In a task of its own: a database goes on when whoever asked is stopped, and what it took must be known."""
        try:
            return await self._take(name), None
        except Unavailable as problem:
            return None, problem

    async def _take(self, name: str) -> Lease | None:
        if not await self._is_free(name):
            return None
        begun = time.monotonic()
        try:
            fence = await self._database.write(lambda tx: self._succeed(tx, name))
        except IntegrityError:
            return None  # another one made the row first
        if fence is None:
            return None
        taken = Lease(name, fence)
        self._held[name] = _Held(taken, begun + self._lasts_s)
        self.counts["taken"] += 1
        _log.info("lease taken", extra={"lease": name, "fence": fence})
        return taken

    async def _is_free(self, name: str) -> bool:
        """A look before the leap: most of the time another holds it, and a look writes nothing."""
        async with self._database.read() as tx:
            found = await tx.one(_FOUND, {"wanted": name})
            return found is None or found["holder"] == self._holder or found["until"] <= await database_now(tx)

    async def _succeed(self, tx: Transaction, name: str) -> int | None:
        """The number of the new lease, or None when somebody else was faster."""
        now = await database_now(tx)
        mine = {"new_holder": self._holder, "new_until": now + self._lasts}
        found = await tx.one(_FOUND, {"wanted": name})
        if found is None:
            await tx.run(_BEGIN, {"name": name, "holder": self._holder, "fence": 1, "until": now + self._lasts})
            return 1
        values = mine | {"of_name": name, "of_fence": found["fence"], "db_now": now}
        return found["fence"] + 1 if await tx.run(_SUCCEED, values) == 1 else None

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(self._lasts_s / _RENEWALS)
            if not self._held:
                continue
            try:
                await self.renew()
            except Unavailable:
                self.counts["renewals_failed"] += 1

    async def renew(self) -> None:
        """Prolong all that is held, in one transaction; what is another's by now is forgotten. Raises Unavailable."""
        mine = {name: one.lease for name, one in sorted(self._held.items())}
        begun = time.monotonic()
        kept = await self._database.write(lambda tx: self._prolong(tx, mine.values()))
        for name, one in mine.items():
            if self._held.get(name) is None or self._held[name].lease != one:
                continue  # taken anew meanwhile
            if one in kept:
                self._held[name] = _Held(one, begun + self._lasts_s)
            else:
                del self._held[name]
                self.counts["lost"] += 1
                _log.info("lease lost", extra={"lease": name, "fence": one.fence})

    async def _prolong(self, tx: Transaction, mine: Any) -> set[Lease]:
        until = await database_now(tx) + self._lasts
        return {one for one in mine if await tx.run(_PROLONG, self._of(one) | {"new_until": until}) == 1}

    async def _give_back(self, tx: Transaction, mine: list[Lease]) -> None:
        now = await database_now(tx)
        for one in mine:
            await tx.run(_PROLONG, self._of(one) | {"new_until": now})

    def _of(self, one: Lease) -> dict[str, Any]:
        return {"of_name": one.name, "of_holder": self._holder, "of_fence": one.fence}
