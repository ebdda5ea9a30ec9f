"""Deadlocks and locks of MySQL, made for real: the whole body runs again, or its caller is told in time.

Each by SQLAlchemy and by the driver alone (`storage/mysql_statements.py`), whose troubles are told by us.
"""

import asyncio
import contextlib
import time

import pymysql
import pytest
from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, PendingRollbackError

from server.core.clock import server_now
from server.core.errors import Refused, Unavailable
from server.storage.mysql import MysqlOptions
from server.storage.sql import Database
from server.storage.tables.system import lease
from tests.fault.server_process import until
from tests.services.stores import connected, empty, new_database

pytestmark = pytest.mark.services

_LOCK_WAIT_S = 3.0
_TOLD_WITHIN_S = 9.5  # two waits for the lock and a little, below the edge's own ten seconds


@pytest.fixture(scope="module")
def migrated_url(mariadb):
    return new_database(make_url(mariadb.server.url), "locks")


@pytest.fixture
def mysql_url(migrated_url):
    empty(migrated_url)
    return migrated_url


@pytest.fixture
def database(io_loop, mysql_url, keys):
    with connected(mysql_url) as connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO lease VALUES ('a', 'h', 1, NOW()), ('b', 'h', 1, NOW())")
    url = mysql_url.render_as_string(hide_password=False)
    database = Database(url, keys=keys, readers=4, acquire_timeout_s=5.0)
    yield database
    io_loop.asyncio_loop.run_until_complete(database.close())


class BuiltAnew:
    """What the bodies say, by SQLAlchemy."""

    async def more(self, tx, name):
        return await tx.run(update(lease).where(lease.c.name == name).values(fence=lease.c.fence + 1))

    async def session(self, tx):
        return await tx.value(select(func.connection_id()))

    async def sleep(self, tx, seconds):
        await tx.value(select(func.sleep(seconds)))

    async def add(self, tx, name):
        await tx.run(insert(lease).values(name=name, holder="h", fence=1, until=server_now()))


class BuiltOnce:
    """The same, by the driver: a statement is its own from the second time on."""

    _more = update(lease).where(lease.c.name == bindparam("here")).values(fence=lease.c.fence + 1)
    _session = select(func.connection_id()).where(bindparam("any") == 1)
    _sleep = select(func.sleep(bindparam("seconds")))
    _add = insert(lease)

    async def more(self, tx, name):
        return await tx.run(self._more, {"here": name})

    async def session(self, tx):
        return await tx.value(self._session, {"any": 1})

    async def sleep(self, tx, seconds):
        await tx.value(self._sleep, {"seconds": seconds})

    async def add(self, tx, name):
        await tx.run(self._add, {"name": name, "holder": "h", "fence": 1, "until": server_now()})

    async def meet(self, database):
        """Let a store see each for the first time."""

        async def body(tx):
            await self.more(tx, "nobody")
            await self.session(tx)
            await self.sleep(tx, 0)
            await self.add(tx, "undone")
            raise Refused("wrong_state")

        with pytest.raises(Refused):
            await database.write(body)


@pytest.fixture(params=[BuiltAnew, BuiltOnce], ids=["built anew", "built once"])
def say(request, io_loop, database):
    words = request.param()
    if request.param is BuiltOnce:
        io_loop.asyncio_loop.run_until_complete(words.meet(database))
    return words


async def _fences(database):
    async with database.read() as tx:
        return {row["name"]: row["fence"] for row in await tx.all(select(lease.c.name, lease.c.fence))}


class Crossing:
    """Two bodies that take two rows in opposite order, each after the other has its first one."""

    def __init__(self, say):
        self.say = say
        self.has = {"a": asyncio.Event(), "b": asyncio.Event()}
        self.runs = 0

    def body(self, first, second, *, inside_savepoint):
        async def take(tx):
            self.has[first].set()
            await self.has[second].wait()
            await self.say.more(tx, second)

        async def body(tx):
            self.runs += 1
            await self.say.more(tx, first)
            if not inside_savepoint:
                return await take(tx)
            async with tx.savepoint():
                return await take(tx)

        return body


@pytest.mark.parametrize("inside_savepoint", [False, True])
async def test_of_two_that_wait_for_each_other_one_begins_anew_and_both_are_done(database, say, inside_savepoint):
    crossing = Crossing(say)
    bodies = [crossing.body(*names, inside_savepoint=inside_savepoint) for names in (("a", "b"), ("b", "a"))]
    await asyncio.gather(*(database.write(body) for body in bodies))
    assert await _fences(database) == {"a": 3, "b": 3}
    assert crossing.runs == 3, "nobody was in anybody's way: this proves nothing"


class Rival:
    """Holds a row of another session."""

    def __init__(self, url):
        self._connection = connected(url)
        self._connection.autocommit(False)  # type: ignore[arg-type]
        self._connection.begin()

    def take(self, name):
        with self._connection.cursor() as cursor:
            cursor.execute("UPDATE lease SET fence = fence + 10 WHERE name = %s", (name,))

    def kill(self, session):
        with self._connection.cursor() as cursor:
            cursor.execute(f"KILL CONNECTION {session}")

    def let_go(self):
        self._connection.commit()

    def close(self):
        self._connection.close()


@pytest.fixture
def rival(database, mysql_url):
    rival = Rival(mysql_url)
    yield rival
    rival.close()


async def test_a_lock_that_is_held_a_little_longer_than_we_wait_costs_a_second_run(database, rival, say):
    rival.take("a")
    asyncio.get_running_loop().call_later(_LOCK_WAIT_S + 0.5, rival.let_go)
    runs = []

    async def body(tx):
        runs.append(1)
        await say.more(tx, "a")

    await database.write(body)
    assert len(runs) == 2
    assert (await _fences(database))["a"] == 12


async def test_a_lock_that_nobody_lets_go_is_told_within_the_callers_time(database, rival, say):
    rival.take("a")
    began_at = time.monotonic()
    outcomes = await asyncio.gather(
        *(database.write(lambda tx: say.more(tx, "a")) for _ in range(4)), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 4
    assert _LOCK_WAIT_S < time.monotonic() - began_at < _TOLD_WITHIN_S
    await database.write(lambda tx: say.more(tx, "b"))  # nobody else is held up
    rival.let_go()
    await database.write(lambda tx: say.more(tx, "a"))
    assert await _fences(database) == {"a": 12, "b": 2}


async def test_who_only_reads_does_not_wait_for_who_writes(database, rival):
    rival.take("a")
    async with asyncio.timeout(1.0):
        assert await _fences(database) == {"a": 1, "b": 1}


async def test_a_session_that_is_killed_in_the_middle_is_told_at_once_and_nothing_of_it_stands(database, rival, say):
    runs = []

    async def body(tx):
        runs.append(1)
        await say.more(tx, "a")
        rival.kill(await say.session(tx))
        await say.more(tx, "b")

    with pytest.raises(Unavailable):
        await database.write(body)
    assert len(runs) == 1
    assert await _fences(database) == {"a": 1, "b": 1}


@pytest.mark.parametrize("goes_on", [False, True])
async def test_who_passes_over_a_lost_session_neither_goes_on_nor_commits_without_what_it_did(
    database, rival, say, goes_on
):
    async def body(tx):
        await say.more(tx, "a")
        rival.kill(await say.session(tx))
        with contextlib.suppress(DBAPIError):
            await say.more(tx, "b")
        if goes_on:
            await say.more(tx, "b")

    with pytest.raises((Unavailable, PendingRollbackError)):
        await database.write(body)
    assert await _fences(database) == {"a": 1, "b": 1}


async def test_what_was_not_committed_lets_go_of_its_locks(database, rival, say):
    """Also when its only statement was refused: a duplicate key keeps the row of the other one locked."""

    async def body(tx):
        with pytest.raises(IntegrityError):
            await say.add(tx, "a")
        raise Refused("wrong_state")

    with pytest.raises(Refused):
        await database.write(body)
    rival.take("a")  # would wait for 50 s


async def test_a_session_that_was_killed_at_rest_is_replaced_and_nobody_notices(database, rival, say):
    killed = await database.write(say.session)
    async with database.read() as tx:
        killed_reader = await say.session(tx)
    for one in (killed, killed_reader):
        rival.kill(one)
    assert await database.write(say.session) != killed
    async with database.read() as tx:
        assert await say.session(tx) != killed_reader


async def test_a_session_that_was_killed_at_rest_is_replaced_also_for_a_savepoint(database, rival, say):
    rival.kill(await database.write(say.session))

    async def body(tx):
        with pytest.raises(IntegrityError):
            async with tx.savepoint():
                await say.add(tx, "a")
        await say.more(tx, "a")

    await database.write(body)
    assert (await _fences(database))["a"] == 2


async def test_a_statement_that_takes_too_long_ends_here_and_there(mysql_url, database, keys, say):
    url = mysql_url.render_as_string(hide_password=False)
    hasty = Database(
        url, keys=keys, readers=1, acquire_timeout_s=5.0, mysql=MysqlOptions(writers=1, statement_timeout_s=0.5)
    )
    try:
        if isinstance(say, BuiltOnce):
            await say.meet(hasty)
        with pytest.raises(Unavailable):
            await hasty.write(lambda tx: say.sleep(tx, 30))
        with connected(mysql_url) as connection, connection.cursor() as cursor:
            await until(lambda: not _still_sleeping(cursor), within_s=5.0, what="the server has stopped it too")
        await hasty.write(lambda tx: say.more(tx, "a"))
    finally:
        await hasty.close()


def _still_sleeping(cursor: pymysql.cursors.Cursor) -> bool:
    cursor.execute("SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE 'SELECT sleep(%'")
    return cursor.fetchone()[0] > 0
