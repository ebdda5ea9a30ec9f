"""F14 to F18: MariaDB restarts, hangs, is slow, is full of locks.

One fault after the other in every build; each by itself in the long form.
"""

import asyncio
import time

import pytest
from sqlalchemy.engine import make_url

from tests.fault.business import Answers, Callers, business
from tests.fault.resources import all_held, let_go
from tests.fault.server_process import pass_by
from tests.fault.test_histories import IS_LONG
from tests.services.stores import connected

pytestmark = [pytest.mark.slow, pytest.mark.services]

_REFUSES_WITHIN_S = 2.0
# What a caller waits at most, and a little; a build shares its processors with other tests (test_bus_faults.py).
_GIVES_UP_WITHIN_S = 10.5 if IS_LONG else 12.0
_RECOVERS_WITHIN_S = 5.0
_ALIVE_WITHIN_S = 0.5
_SEED = 14
_AS_MANY_AS_CONNECTIONS = 40


async def _answers_again(callers):
    """Seconds until somebody was answered 200."""
    began_at = time.monotonic()
    while not (await callers.during(0.2)).counts[200]:
        assert time.monotonic() - began_at < 30, "it does not come back"
    return time.monotonic() - began_at


async def _alive_s(callers):
    """How long the process itself takes to answer, whatever it can do."""
    began_at = time.monotonic()
    assert (await callers.crowd.market.site.call("GET", "/api/catalog")).is_ok
    return time.monotonic() - began_at


async def _killed(cluster, proxy, callers):
    """F14: kill -9 and a start on the same data cost seconds and nothing else."""
    database = cluster.stores["database"]
    await database.kill()
    away = await callers.during(2.0)
    await database.start()
    back_s = await _answers_again(callers)
    await cluster.ready(within_s=_RECOVERS_WITHIN_S)
    assert set(away.counts) == {503}
    assert away.longest_s < _REFUSES_WITHIN_S
    return away, back_s


async def _hung(cluster, proxy, callers):
    """F15: it is given up in time, and what goes on afterwards happens once."""
    database = cluster.stores["database"]
    database.pause()
    try:
        hung = await callers.during(6.0)
    finally:
        database.resume()
    back_s = await _answers_again(callers)
    assert set(hung.counts) == {503}
    return hung, back_s


async def _cut(cluster, proxy, callers):
    """F14: connections are reset at any moment and taken anew."""
    answers = Answers()
    for _ in range(8):
        busy = asyncio.create_task(callers.during(0.4, answers))
        await pass_by(0.2)
        proxy.reset()
        await busy
    return answers, await _answers_again(callers)


async def _deaf(cluster, proxy, callers):
    """F15: what the database says is swallowed and the connection cut, so that nobody knows of commits."""
    answers = Answers()
    for _ in range(3):
        proxy.lose()
        deaf = asyncio.create_task(callers.during(0.3, answers))
        await pass_by(0.3)
        proxy.reset()
        proxy.heal()
        await deaf
    return answers, await _answers_again(callers)


async def _slow(cluster, proxy, callers):
    """F17: 200 ms for a question and its answer; callers wait and are then sent away, the loop does not wait."""
    proxy.delay(0.1)
    slow = await callers.during(5.0)
    assert await _alive_s(callers) < _ALIVE_WITHIN_S
    proxy.heal()
    return slow, await _answers_again(callers)


async def _crowded(cluster, proxy, callers):
    """F18: many more callers than connections, each of which is busy for long."""
    proxy.delay(0.05)
    crowded = await Callers(callers.crowd, count=120).during(3.0)
    assert await _alive_s(callers) < _ALIVE_WITHIN_S
    proxy.heal()
    return crowded, await _answers_again(callers)


async def _locked(cluster, proxy, callers):
    """F16: somebody else holds a lock for longer than one waits for it."""
    holding = asyncio.create_task(asyncio.to_thread(_hold, cluster.where, callers.crowd.visits[0][2], 5.0))
    await pass_by(0.3)
    waited = await callers.during(4.0)
    await holding
    return waited, await _answers_again(callers)


def _hold(url, order_id, seconds):
    """Somebody else's transaction keeps the head of an order's channel locked."""
    with connected(make_url(url)) as connection, connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT top FROM channel_head WHERE channel = %s FOR UPDATE", (f"order:{order_id}",))
        time.sleep(seconds)
        cursor.execute("ROLLBACK")


FAULTS = (_killed, _hung, _cut, _deaf, _slow, _crowded, _locked)


@pytest.mark.parametrize("faults", [[one] for one in FAULTS] if IS_LONG else [FAULTS])
async def test_whatever_befalls_the_database_is_survived(faults, on_mariadb, history, tmp_path):
    cluster, proxy = on_mariadb
    async with proxy, business(cluster, history, tmp_path, seed=_SEED) as crowd:
        await Callers(crowd, count=_AS_MANY_AS_CONNECTIONS).during(0.5)  # now every connection is open
        before = await all_held(cluster.instances)
        for fault in faults:
            answers, back_s = await fault(cluster, proxy, Callers(crowd))
            figures = f"{answers.longest_s:.1f} s at most, back after {back_s:.1f} s"
            print(f"{fault.__doc__[:3]} {fault.__name__}: {dict(answers.counts)}, {figures}")
            assert set(answers.counts) <= {200, 503}, fault
            assert answers.longest_s < _GIVES_UP_WITHIN_S, fault
            assert back_s < _RECOVERS_WITHIN_S, fault
        print(f"I9 {before} before, {await let_go(cluster.instances, before)} after")


@pytest.fixture
def snapshot_isolation(mariadb):
    """Writers of a row that changed since they began are refused with 1020, as MariaDB does from 11.6 on; MySQL never."""
    with connected(make_url(mariadb.server.url)) as connection, connection.cursor() as cursor:
        is_known = cursor.execute("SHOW VARIABLES LIKE 'innodb_snapshot_isolation'")
        if is_known:
            cursor.execute("SET GLOBAL innodb_snapshot_isolation = ON")
    yield
    if is_known:
        with connected(make_url(mariadb.server.url)) as connection, connection.cursor() as cursor:
            cursor.execute("SET GLOBAL innodb_snapshot_isolation = OFF")


async def test_writers_that_are_refused_for_a_newer_row_begin_anew(
    snapshot_isolation, on_mariadb, history, tmp_path
):
    cluster, proxy = on_mariadb
    async with proxy, business(cluster, history, tmp_path, seed=_SEED) as crowd:
        contended = await Callers(crowd).during(4.0)
    assert set(contended.counts) == {200}
