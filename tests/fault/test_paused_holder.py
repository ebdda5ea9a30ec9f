"""A process that is stopped past the end of its lease and goes on later does no harm."""

import asyncio
import signal
import sys

from sqlalchemy import select

from server.storage.fencing import under
from server.storage.leases import Leases
from server.storage.tables.system import business_clock
from tests.fault.lease_holder import NAME, row
from tests.fault.server_process import ROOT
from tests.world import until

_LASTS_S = 1.0


class Sleeper:
    """The process of lease_holder.py."""

    def __init__(self, process):
        self._process = process

    @classmethod
    async def begin(cls, store_url):
        program = ("-m", "tests.fault.lease_holder", store_url, str(_LASTS_S))
        pipe = asyncio.subprocess.PIPE
        return cls(await asyncio.create_subprocess_exec(sys.executable, *program, cwd=ROOT, stdin=pipe, stdout=pipe))

    async def said(self):
        async with asyncio.timeout(20):
            return (await self._process.stdout.readline()).decode().strip()

    async def told(self, number):
        """What it answers when it is told to do its work."""
        self._process.stdin.write(f"{number}\n".encode())
        return await self.said()

    def signal(self, number):
        self._process.send_signal(number)

    async def end(self):
        self._process.stdin.close()
        await self._process.wait()


async def rows(database):
    async with database.read() as tx:
        return sorted(one["clock_id"] for one in await tx.all(select(business_clock.c.clock_id)))


async def test_a_holder_that_was_stopped_past_its_end_changes_nothing_when_it_goes_on(database, store_url):
    sleeper = await Sleeper.begin(store_url)
    heir = Leases(database=database, holder="the-heir", lasts_s=60.0)
    try:
        assert await sleeper.said() == "held 1"
        assert await sleeper.told(1) == "wrote"
        assert await heir.hold(NAME) is None
        sleeper.signal(signal.SIGSTOP)
        heir._ask_at_s.clear()

        async def inherited():
            heir._ask_at_s.clear()
            return await heir.hold(NAME)

        lease = await until(inherited, within_s=_LASTS_S + 5.0)
        assert lease.fence == 2
        with under(lease):
            await database.write(row(2))
        sleeper.signal(signal.SIGCONT)
        assert await sleeper.told(3) == "lost"
        with under(lease):
            await database.write(row(4))
        assert await rows(database) == [1, 2, 4]
    finally:
        sleeper.signal(signal.SIGCONT)
        await sleeper.end()


async def test_a_holder_that_was_stopped_for_a_moment_goes_on(database, store_url):
    sleeper = await Sleeper.begin(store_url)
    try:
        assert await sleeper.said() == "held 1"
        sleeper.signal(signal.SIGSTOP)
        sleeper.signal(signal.SIGCONT)
        assert await sleeper.told(1) == "wrote"
    finally:
        await sleeper.end()
