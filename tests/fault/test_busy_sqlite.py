"""Another process holds the write lock of the SQLite file."""
import asyncio
import gc
import time

import pytest
from sqlalchemy import func, select

from server.core.clock import server_now
from server.core.errors import Refused, Unavailable
from server.identity import store
from server.storage.sql import Database
from server.storage.tables.identity import t_user

PHONE = "13800138000"


@pytest.fixture
def other(io_loop, database, keys):
    """The same file as a second process has it; patient for one second."""
    other = Database(database.url.render_as_string(), keys=keys, readers=1, acquire_timeout_s=1.0)
    yield other
    io_loop.asyncio_loop.run_until_complete(other.close())


async def _register(tx):
    return await store.add_user(
        tx, username="王小明", password_hash="!", phone=PHONE, user_type="patient", now=server_now()
    )


class _Holding:
    """A transaction of `database` that stays open inside the `async with`."""

    def __init__(self, database):
        self._database = database
        self._begun, self._may_end = asyncio.Event(), asyncio.Event()

    async def _body(self, tx):
        self._begun.set()
        await self._may_end.wait()

    async def __aenter__(self):
        self._task = asyncio.ensure_future(self._database.write(self._body))
        await self._begun.wait()

    async def __aexit__(self, *_):
        self._may_end.set()
        await self._task


async def test_a_write_waits_for_its_turn_and_is_done(database, other):
    async with _Holding(database):
        waiting = asyncio.ensure_future(other.write(_register))
        done, _ = await asyncio.wait({waiting}, timeout=0.1)
        assert not done
    assert await waiting
    async with database.read() as tx:
        assert await tx.value(select(func.count()).select_from(t_user)) == 1


async def test_a_write_that_waits_too_long_is_unavailable(database, other):
    async with _Holding(database):
        started = time.monotonic()
        with pytest.raises(Unavailable):
            await other.write(_register)
        assert 0.9 < time.monotonic() - started < 5
    assert await other.write(_register)


async def test_the_loop_goes_on_while_a_write_waits(database, other):
    """Freeing a failed statement's cursor needs its connection's mutex; waiting must not hold that."""
    gc.disable()
    gc.freeze()  # what other tests left behind is not what is collected here
    try:
        await other.write(_register)
        with pytest.raises(Refused):
            await other.write(_register)  # leaves a cursor in a reference cycle
        async with _Holding(database):
            waiting = asyncio.ensure_future(other.write(lambda tx: tx.value(select(t_user.c.user_id))))
            await asyncio.wait({waiting}, timeout=0.1)
            started = time.monotonic()
            gc.collect()
            assert time.monotonic() - started < 0.5
        assert await waiting
    finally:
        gc.unfreeze()
        gc.enable()
