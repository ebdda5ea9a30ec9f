"""The stored offset of business time (contract.md §9)."""

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from server.core.clock import BusinessClock
from server.storage.sql import Database
from server.storage.tables.system import business_clock
from server.storage.transaction import Transaction

_ONLY = 1
_STORED = select(business_clock.c.offset_s).where(business_clock.c.clock_id == bindparam("clock"))


class BusinessTime:
    """Keeps a process's `BusinessClock` equal to the stored offset, which never goes back."""

    def __init__(self, *, database: Database, clock: BusinessClock) -> None:
        self._database = database
        self._clock = clock

    async def refresh(self) -> bool:
        """Take over what is stored; True when business time has moved."""
        async with self._database.glance() as tx:
            stored = await tx.value(_STORED, {"clock": _ONLY})
        return self._clock.move_to(stored or 0.0)

    async def advance(self, by_s: float) -> None:
        """Move business time forward for everybody; concurrent advances add up."""

        async def body(tx: Transaction) -> None:
            move = update(business_clock).where(business_clock.c.clock_id == _ONLY)
            moved = move.values(offset_s=business_clock.c.offset_s + by_s)
            if await tx.run(moved) == 1:
                return
            try:
                async with tx.savepoint():
                    await tx.run(insert(business_clock).values(clock_id=_ONLY, offset_s=by_s))
            except IntegrityError:  # somebody else moved it for the first time, at the same moment
                await tx.run(moved)

        await self._database.write(body)
        await self.refresh()
