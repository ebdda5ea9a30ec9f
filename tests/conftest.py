"""The event loop and the strictness that all tests share."""
import asyncio
import gc
import logging
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from tornado.ioloop import IOLoop

_HERE = Path(__file__).parent

pytest_plugins = [
    "tests.services.plugin",
    "tests.services.nothing_skipped",
    "tests.services.rooms",
    "tests.standstill",
    "tests.loose_ends",
    "tests.compiled_once",
    "tests.stores",
    "tests.world",
    "tests.redis_place",
]


# How long an example takes says how busy the machine is. What may take only so long measures that itself.
settings.register_profile("busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy machine")

# Side by side a file is one worker's; the long ones begin, or the last of them would keep one worker busy alone.
_LONG_FIRST = ("fault", "cluster", "property", "race", "browser", "mini", "e2e")
_NAMED_BY = 40  # characters


def pytest_collection_modifyitems(config, items):
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: _turn(item.path))


def pytest_make_parametrize_id(val):
    """A kilobyte of text is no name of a test."""
    if isinstance(val, str | bytes) and len(val) > _NAMED_BY:
        return f"{ascii(val[:_NAMED_BY])} and so on, {len(val)}"
    return None


def pytest_collection_finish():
    """What was imported stays: to look through it for garbage again and again took a fifth of the time."""
    gc.collect()
    gc.freeze()


def _turn(path):
    folder = path.relative_to(_HERE).parts[0] if path.is_relative_to(_HERE) else ""
    return _LONG_FIRST.index(folder) if folder in _LONG_FIRST else len(_LONG_FIRST)


@pytest.fixture(autouse=True)
def io_loop(all_closed):
    """A fresh loop a test; leftovers are cancelled, so that no task outlives its test, and no connection either."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield IOLoop.current()
    leftover = asyncio.all_tasks(loop)
    for task in leftover:
        task.cancel()
    if leftover:
        loop.run_until_complete(asyncio.gather(*leftover, return_exceptions=True))
    try:
        loop.run_until_complete(all_closed())
    finally:
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
