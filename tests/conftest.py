"""The event loop and the strictness that all tests share."""
import asyncio
import logging

import pytest
from tornado.ioloop import IOLoop

pytest_plugins = ["tests.stores", "tests.world"]


@pytest.fixture(autouse=True)
def io_loop():
    """A fresh loop a test; leftovers are cancelled, so that no task outlives its test."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield IOLoop.current()
    leftover = asyncio.all_tasks(loop)
    for task in leftover:
        task.cancel()
    if leftover:
        loop.run_until_complete(asyncio.gather(*leftover, return_exceptions=True))
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.run_until_complete(loop.shutdown_default_executor())
    asyncio.set_event_loop(None)
    loop.close()


@pytest.fixture(autouse=True)
def no_unexpected_warnings(caplog, request):
    """A log record at WARNING or above fails the test, unless it is marked `expects_warnings`."""
    yield
    if request.node.get_closest_marker("expects_warnings"):
        return
    unexpected = [r for r in caplog.get_records("call") if r.levelno >= logging.WARNING and r.name.startswith("server")]
    assert not unexpected, f"unexpected log records: {[r.getMessage() for r in unexpected]}"
