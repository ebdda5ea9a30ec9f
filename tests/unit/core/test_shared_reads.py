"""Equal questions at one moment share one answer."""

import asyncio

import pytest

from server.core.errors import Unavailable
from server.core.shared_reads import SharedReads


class Book:
    """Somebody reads in it when told to."""

    def __init__(self):
        self.reads, self.may_end = 0, asyncio.Event()
        self.error: Exception | None = None

    async def read(self):
        self.reads += 1
        number = self.reads
        await self.may_end.wait()
        if self.error is not None:
            raise self.error
        return number


async def asked(shared, book, key="k", *, times=1):
    tasks = [asyncio.ensure_future(shared.ask(key, book.read)) for _ in range(times)]
    await asyncio.sleep(0)
    return tasks


async def test_who_asks_the_same_meanwhile_hears_the_same_answer():
    shared, book = SharedReads(), Book()
    tasks = await asked(shared, book, times=100)
    book.may_end.set()
    assert await asyncio.gather(*tasks) == [1] * 100
    assert shared._running == {}


async def test_twin_other_questions_are_read_for_themselves():
    shared, book = SharedReads(), Book()
    tasks = [*await asked(shared, book, "a"), *await asked(shared, book, "b")]
    book.may_end.set()
    assert await asyncio.gather(*tasks) == [1, 2]


async def test_who_asks_afterwards_is_read_for_again():
    shared, book = SharedReads(), Book()
    book.may_end.set()
    assert [await shared.ask("k", book.read) for _ in range(3)] == [1, 2, 3]


async def test_an_error_is_shared_and_not_kept():
    shared, book = SharedReads(), Book()
    tasks = await asked(shared, book, times=3)
    book.error = Unavailable()
    book.may_end.set()
    assert await asyncio.gather(*tasks, return_exceptions=True) == [book.error] * 3
    book.error = None
    assert await shared.ask("k", book.read) == 2


async def test_one_who_leaves_while_reading_leaves_it_to_the_next():
    shared, book = SharedReads(), Book()
    first, *others = await asked(shared, book, times=4)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    for _ in range(3):  # the next one takes over
        await asyncio.sleep(0)
    book.may_end.set()
    assert await asyncio.gather(*others) == [2, 2, 2]
    assert shared._running == {}


async def test_one_who_only_waited_may_leave_and_nobody_notices():
    shared, book = SharedReads(), Book()
    first, second, third = await asked(shared, book, times=3)
    second.cancel()
    book.may_end.set()
    assert await asyncio.gather(first, third) == [1, 1]
    assert book.reads == 1
