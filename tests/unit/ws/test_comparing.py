"""When channels are compared with the log: now and then, at once when something is lost, never without a rest."""

import asyncio
from collections import Counter
from contextlib import asynccontextmanager

from server.core.errors import Unavailable
from server.core.tasks import Tasks
from server.ws.comparing import Comparing
from tests.fault.server_process import pass_by, until


@asynccontextmanager
async def comparing(*, every_s, compare):
    tasks, counts = Tasks("test"), Counter()
    subject = Comparing(compare=compare, every_s=every_s, counts=counts)
    subject.start(tasks)
    yield subject, counts
    await tasks.stop()


async def test_whoever_says_that_something_is_lost_is_heard_at_once_and_many_at_one_moment_are_one():
    begun = []

    async def compare():
        begun.append(asyncio.get_running_loop().time())

    async with comparing(every_s=60.0, compare=compare) as (subject, _):
        for _ in range(100):
            subject.soon()
        await until(lambda: begun, within_s=5, what="a comparison")
        await pass_by(0.2)
        assert len(begun) == 1


async def test_instances_that_come_back_one_after_the_other_leave_it_a_rest():
    begun = []

    async def compare():
        begun.append(asyncio.get_running_loop().time())

    async with comparing(every_s=60.0, compare=compare) as (subject, _):
        while len(begun) < 3:
            subject.soon()
            await pass_by(0.01)
        assert all(later - earlier >= 0.45 for earlier, later in zip(begun, begun[1:], strict=False))


async def test_what_is_lost_while_it_compares_is_compared_afterwards():
    begun, going_on = [], asyncio.Event()

    async def compare():
        begun.append(None)
        await going_on.wait()

    async with comparing(every_s=60.0, compare=compare) as (subject, _):
        subject.soon()
        await until(lambda: len(begun) == 1, within_s=5, what="the first")
        subject.soon()
        going_on.set()
        await until(lambda: len(begun) == 2, within_s=5, what="the second")


async def test_without_a_word_it_compares_now_and_then_also_after_the_log_was_away():
    async def compare():
        raise Unavailable()

    async with comparing(every_s=0.05, compare=compare) as (_, counts):
        await until(lambda: counts["position_checks_failed"] >= 2, within_s=10, what="the second")
