"""MySQL hangs, dies, comes back, or is silent at the worst moment: bounded, told, and nothing done twice."""

import asyncio
import time

import pytest
from sqlalchemy import func, insert, select, update
from sqlalchemy.engine import make_url

from server.core.call import Actor, Call, KeyedRequest
from server.core.clock import server_now
from server.core.errors import Unavailable
from server.storage.mysql import MysqlOptions
from server.storage.retries import CommitUnknown
from server.storage.sql import Database
from server.storage.tables.system import lease
from server.storage.unit_of_work import UnitOfWork
from tests.fault.proxy import Proxy
from tests.fault.server_process import until
from tests.services.stores import connected, empty, new_database

pytestmark = pytest.mark.services

_STATEMENT_S = 1.0
_ACQUIRE_S = 1.5
_WRITERS, _READERS = 4, 3
_CALLERS = 60
_TOLD_WITHIN_S = _STATEMENT_S + _ACQUIRE_S + 1.5  # a connection, a statement, and what a busy machine adds
_BACK_WITHIN_S = 5.0


@pytest.fixture(scope="module")
def migrated_url(mariadb):
    return new_database(make_url(mariadb.server.url), "gone")


@pytest.fixture
def mysql_url(migrated_url):
    empty(migrated_url)
    return migrated_url


@pytest.fixture
def open_store(io_loop, mysql_url, keys):
    """`open_store(port)`: a store behind a port, by default the server's own."""
    opened = []

    def open_it(port=None, kind=Database):
        url = mysql_url.set(port=port or mysql_url.port).render_as_string(hide_password=False)
        options = MysqlOptions(writers=_WRITERS, statement_timeout_s=_STATEMENT_S)
        opened.append(kind(url, keys=keys, readers=_READERS, acquire_timeout_s=_ACQUIRE_S, mysql=options))
        return opened[-1]

    yield open_it
    for database in opened:
        io_loop.asyncio_loop.run_until_complete(database.close())


def _lease(name):
    return insert(lease).values(name=name, holder="h", fence=1, until=server_now())


_COUNT = select(func.count()).select_from(lease)
_MORE = update(lease).where(lease.c.name == "a").values(fence=lease.c.fence + 1)


async def _count(database):
    async with database.read() as tx:
        return await tx.value(_COUNT)


async def _outcomes(*work):
    """What each raised, or None, and how long the slowest took."""
    began_at = time.monotonic()
    outcomes = await asyncio.gather(*work, return_exceptions=True)
    kinds = {type(outcome) if isinstance(outcome, BaseException) else None for outcome in outcomes}
    return kinds, time.monotonic() - began_at


def _sessions(url):
    """How many connections the server has, ours to look aside."""
    with connected(url) as connection, connection.cursor() as cursor:
        ours = "id <> CONNECTION_ID() AND db = DATABASE()"
        cursor.execute(f"SELECT COUNT(*) FROM information_schema.processlist WHERE {ours}")
        return cursor.fetchone()[0]


async def _works_again(database):
    deadline = time.monotonic() + _BACK_WITHIN_S
    while True:
        try:
            await database.write(lambda tx: tx.run(_MORE))
            return await _count(database)
        except Unavailable:
            assert time.monotonic() < deadline, "it is back, but not for us"
            await asyncio.sleep(0.05)


async def test_a_server_that_hangs_is_given_up_in_time_and_used_again_when_it_goes_on(mariadb, mysql_url, open_store):
    database = open_store()
    await database.write(lambda tx: tx.run(_lease("a")))
    assert await _count(database) == 1
    mariadb.pause()
    try:
        readers = [_count(database) for _ in range(_CALLERS)]
        writers = [database.write(lambda tx: tx.run(_MORE)) for _ in range(_CALLERS)]
        kinds, took_s = await _outcomes(*readers, *writers)
        assert kinds == {Unavailable}
        assert took_s < _TOLD_WITHIN_S
        kinds, took_s = await _outcomes(database.ping(), database.write(lambda tx: tx.run(_MORE)))
        assert kinds == {Unavailable} and took_s < _TOLD_WITHIN_S
    finally:
        mariadb.resume()
    assert await _works_again(database) == 1
    assert _sessions(mysql_url) <= _WRITERS + _READERS


async def test_many_at_once_share_the_connections_that_there_are(mysql_url, open_store):
    database = open_store()
    await database.write(lambda tx: tx.run(_lease("a")))
    work = [_count(database) for _ in range(_CALLERS)] + [database.write(lambda tx: tx.run(_MORE)) for _ in range(10)]
    kinds, _ = await _outcomes(*work)
    assert kinds == {None}
    assert _sessions(mysql_url) <= _WRITERS + _READERS


async def test_after_a_restart_the_first_who_asks_is_served(mariadb, open_store):
    database = open_store()
    await database.write(lambda tx: tx.run(_lease("a")))
    await asyncio.gather(*(_count(database) for _ in range(_READERS)), database.write(lambda tx: tx.run(_MORE)))
    await mariadb.kill()
    kinds, took_s = await _outcomes(_count(database), database.write(lambda tx: tx.run(_MORE)))
    assert kinds == {Unavailable} and took_s < _TOLD_WITHIN_S
    await mariadb.start()
    assert await _count(database) == 1
    await asyncio.gather(*(database.write(lambda tx: tx.run(_MORE)) for _ in range(_WRITERS)))
    async with database.read() as tx:
        assert await tx.value(select(lease.c.fence)) == 2 + _WRITERS


async def test_what_was_acknowledged_before_a_kill_is_there_after_it(mariadb, open_store):
    database = open_store()
    acknowledged, is_over = set(), asyncio.Event()

    async def write(worker):
        number = 0
        while not is_over.is_set():
            name = f"{worker}.{number}"
            try:
                await database.write(lambda tx, name=name: tx.run(_lease(name)))
            except Unavailable:
                return
            acknowledged.add(name)
            number += 1

    writing = [asyncio.create_task(write(worker)) for worker in range(4)]
    await until(lambda: len(acknowledged) >= 200, within_s=20.0, what="two hundred changes")
    await mariadb.kill()
    is_over.set()
    await asyncio.gather(*writing)
    await mariadb.start()
    async with database.read() as tx:
        stored = {row["name"] for row in await tx.all(select(lease.c.name))}
    assert acknowledged <= stored
    assert len(stored - acknowledged) <= len(writing)  # a commit each that nobody heard the end of


class Silenced(Database):
    """`at_commit()` runs right before COMMIT is sent, `afterwards()` when its end was told."""

    def at_commit(self): ...

    def afterwards(self): ...

    async def _commit(self, connection):
        self.at_commit()
        try:
            await super()._commit(connection)
        finally:
            self.afterwards()


def _call():
    actor = Actor(user_id="u", user_type="patient", login_id="l")
    return Call(actor=actor, request_id="r", keyed=KeyedRequest("order.create", "key", "0" * 64))


async def _body(tx):
    await tx.run(_MORE)
    return {"fence": await tx.value(select(lease.c.fence).where(lease.c.name == "a"))}


async def test_a_commit_whose_end_nobody_heard_is_found_under_its_key(mysql_url, open_store):
    async with Proxy(mysql_url.port) as proxy:
        database = open_store(proxy.port, Silenced)
        units = UnitOfWork(database=database)
        await database.write(lambda tx: tx.run(_lease("a")))
        database.at_commit, database.afterwards = proxy.lose, proxy.heal
        assert await units.run(_call(), _body) == {"fence": 2}
        database.at_commit = database.afterwards = lambda: None
        assert await units.run(_call(), _body) == {"fence": 2}
        async with database.read() as tx:
            assert await tx.value(select(lease.c.fence)) == 2


async def test_a_commit_that_never_arrived_is_told_as_unavailable_and_the_same_key_does_it_once(mysql_url, open_store):
    async with Proxy(mysql_url.port) as proxy:
        database = open_store(proxy.port, Silenced)
        units = UnitOfWork(database=database)
        await database.write(lambda tx: tx.run(_lease("a")))
        database.at_commit, database.afterwards = proxy.cut, proxy.heal
        with pytest.raises(Unavailable):
            await units.run(_call(), _body)
        database.at_commit = database.afterwards = lambda: None
        assert await units.run(_call(), _body) == {"fence": 2}
        assert await units.run(_call(), _body) == {"fence": 2}


async def test_without_a_key_nobody_pretends_to_know(mysql_url, open_store):
    async with Proxy(mysql_url.port) as proxy:
        database = open_store(proxy.port, Silenced)
        await database.write(lambda tx: tx.run(_lease("a")))
        runs = []

        async def body(tx):
            runs.append(1)
            await tx.run(_MORE)

        database.at_commit, database.afterwards = proxy.lose, proxy.heal
        with pytest.raises(CommitUnknown):
            await database.write(body)
        assert len(runs) == 1, "a commit that may have been done must not be done again"


async def test_a_connection_that_was_cut_at_rest_without_a_word_is_found_out_within_a_statement(mysql_url, open_store):
    async with Proxy(mysql_url.port) as proxy:
        database = open_store(proxy.port)
        await database.write(lambda tx: tx.run(_lease("a")))
        proxy.swallow()
        kinds, took_s = await _outcomes(database.write(lambda tx: tx.run(_MORE)), _count(database))
        assert kinds == {Unavailable} and took_s < _TOLD_WITHIN_S
        proxy.heal()
        assert await _works_again(database) == 1
