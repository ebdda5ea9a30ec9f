"""Tasks end when they are told to."""

import asyncio

import pytest

from server.core.tasks import Tasks


async def test_a_task_that_swallows_a_cancellation_is_cancelled_again():
    tasks, swallowed = Tasks("test"), []

    async def stubborn():
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                swallowed.append(1)
                if len(swallowed) == 2:
                    raise

    task = tasks.start("stubborn", stubborn())
    await asyncio.sleep(0)
    await asyncio.wait_for(tasks.stop(), 5)
    assert task.cancelled() and len(swallowed) == 2


@pytest.mark.expects_warnings
async def test_a_failed_task_is_counted_and_logged_with_its_name(caplog):
    tasks = Tasks("test")

    async def failing():
        raise KeyError("a bug")

    task = tasks.start("failing", failing())
    await asyncio.wait([task])
    await asyncio.sleep(0)
    assert tasks.died["test.failing"] == 1
    assert [record.task for record in caplog.records] == ["test.failing"]
