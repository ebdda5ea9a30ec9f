"""Counts the statements of reads on a real store."""
from contextlib import asynccontextmanager


class Counted:
    """A transaction that counts what it is asked."""

    def __init__(self, tx, statements):
        self._tx, self._statements = tx, statements
        self.has_rivals = tx.has_rivals

    async def one(self, *asked):
        self._statements.append(str(asked[0]))
        return await self._tx.one(*asked)

    async def all(self, *asked):
        self._statements.append(str(asked[0]))
        return await self._tx.all(*asked)

    async def value(self, *asked):
        self._statements.append(str(asked[0]))
        return await self._tx.value(*asked)


class CountingDatabase:
    """Reads of a real store, and every statement of theirs."""

    def __init__(self, database):
        self._database = database
        self.statements = []

    @asynccontextmanager
    async def read(self):
        async with self._database.read() as tx:
            yield Counted(tx, self.statements)

    @asynccontextmanager
    async def glance(self):
        async with self._database.glance() as tx:
            yield Counted(tx, self.statements)
