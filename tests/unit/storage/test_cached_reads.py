"""Many who miss at once read once, and an error is nobody's value."""

import asyncio

import pytest

from server.core.errors import Unavailable
from server.storage.cache.in_process import InProcessCache
from server.storage.cache.reads import CachedReads


class Source:
    """Something that is slow to read."""

    def __init__(self):
        self.reads, self.goes_on, self.fails = 0, asyncio.Event(), False

    async def read(self):
        self.reads += 1
        await self.goes_on.wait()
        if self.fails:
            raise Unavailable
        return {"read": self.reads}


@pytest.fixture
def source(io_loop):
    return Source()


@pytest.fixture
def reads():
    return CachedReads(cache=InProcessCache(lifetime_s=60.0, most_bytes=10_000))


async def together(reads, source, names):
    asking = [asyncio.ensure_future(reads.ask(name, source.read)) for name in names]
    await asyncio.sleep(0)
    source.goes_on.set()
    return await asyncio.gather(*asking, return_exceptions=True)


async def test_who_asks_alike_at_once_waits_for_one_read_and_later_ones_find_it(reads, source):
    assert await together(reads, source, ["a"] * 50) == [{"read": 1}] * 50
    assert await reads.ask("a", source.read) == {"read": 1}
    assert source.reads == 1


async def test_other_names_are_read_for_themselves(reads, source):
    await together(reads, source, ["a", "b", "a"])
    assert source.reads == 2


async def test_what_could_not_be_read_is_not_kept(reads, source):
    source.fails = True
    assert all(isinstance(one, Unavailable) for one in await together(reads, source, ["a"] * 3))
    source.fails = False
    assert await reads.ask("a", source.read) == {"read": 2}
