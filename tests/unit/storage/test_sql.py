"""Transactions: whole or not at all, in order, bounded."""
import asyncio

import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import IntegrityError, OperationalError

from server.core.clock import server_now
from server.core.errors import Refused, Unavailable
from server.storage.sql import Database
from server.storage.tables.system import lease
from tests.stores import make_user

_NOW = server_now()


def _lease(name):
    row = {"name": name, "holder": "h", "fence": 1, "until": _NOW}
    return insert(lease).values(**row)


async def _count(database):
    async with database.read() as tx:
        return await tx.value(select(func.count()).select_from(lease))


async def test_what_a_body_wrote_is_there_afterwards_and_its_result_comes_back(database):
    assert await database.write(lambda tx: tx.run(_lease("a"))) == 1
    assert await _count(database) == 1


@pytest.mark.parametrize("problem", [Refused("wrong_state"), Unavailable()])
async def test_a_refused_body_leaves_nothing(database, problem):
    async def body(tx):
        await tx.run(_lease("a"))
        raise problem

    with pytest.raises(type(problem)) as raised:
        await database.write(body)
    assert raised.value is problem
    assert await _count(database) == 0


async def test_a_bug_in_a_body_leaves_nothing_and_is_its_callers_to_log(database, caplog):
    async def body(tx):
        await tx.run(_lease("a"))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await database.write(body)
    assert await database.write(lambda tx: tx.value(select(func.count()).select_from(lease))) == 0
    assert caplog.records == []  # each boundary logs once, and this is none


async def test_of_many_at_once_each_is_undone_alone(database):
    async def write(number):
        async def body(tx):
            await tx.run(_lease(f"{number}"))
            if number % 3 == 1:
                raise Refused("wrong_state")
            if number % 3 == 2:
                await tx.run(_lease(f"{number}"))  # breaks the primary key

        await database.write(body)

    outcomes = await asyncio.gather(*(write(number) for number in range(60)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [type(None), Refused, IntegrityError] * 20
    async with database.read() as tx:
        names = {row["name"] for row in await tx.all(select(lease.c.name))}
    assert names == {f"{number}" for number in range(0, 60, 3)}


def _locked():
    return OperationalError("UPDATE", {}, Exception("database is locked"))


async def test_a_body_runs_again_after_what_passes(database):
    runs = []

    async def body(tx):
        await tx.run(_lease(f"run{len(runs)}"))
        runs.append(1)
        if len(runs) < 3:
            raise _locked()

    await database.write(body)
    assert len(runs) == 3
    assert await _count(database) == 1


async def test_what_does_not_pass_is_unavailable_in_the_end(database):
    runs = []

    async def body(tx):
        runs.append(1)
        raise _locked()

    with pytest.raises(Unavailable):
        await database.write(body)
    assert len(runs) == 4


@pytest.mark.expects_warnings
async def test_a_broken_constraint_is_not_tried_again(database):
    await database.write(lambda tx: tx.run(_lease("a")))
    with pytest.raises(IntegrityError):
        await database.write(lambda tx: tx.run(_lease("a")))


async def test_a_savepoint_is_undone_alone(database):
    async def body(tx):
        await tx.run(_lease("kept"))
        with pytest.raises(Refused):
            async with tx.savepoint():
                await tx.run(_lease("undone"))
                raise Refused("wrong_state")

    await database.write(body)
    async with database.read() as tx:
        assert await tx.value(select(lease.c.name)) == "kept"


async def test_savepoints_within_and_beside_each_other_are_undone_alone(database):
    async def refused(tx, name):
        async with tx.savepoint():
            async with tx.savepoint():
                await tx.run(_lease(f"within {name}"))
            await tx.run(_lease(name))
            raise Refused("wrong_state")

    async def body(tx):
        async with tx.savepoint():
            await tx.run(_lease("outer"))
            for name in ("first", "second"):
                with pytest.raises(Refused):
                    await refused(tx, name)
            async with tx.savepoint():
                await tx.run(_lease("third"))
        with pytest.raises(Refused):
            await refused(tx, "fourth")

    await database.write(body)
    async with database.read() as tx:
        assert {row["name"] for row in await tx.all(select(lease.c.name))} == {"outer", "third"}


async def test_what_waits_for_the_commit_runs_once_in_order_and_not_for_what_was_undone(database):
    told, runs = [], []

    async def body(tx):
        tx.after_commit(lambda: told.append("first"))
        try:
            async with tx.savepoint():
                tx.after_commit(lambda: told.append("undone"))
                raise Refused("wrong_state")
        except Refused:
            pass
        tx.after_commit(lambda: told.append("second"))
        runs.append(1)
        assert told == []
        if len(runs) == 1:
            raise _locked()

    await database.write(body)
    assert told == ["first", "second"]


async def test_effects_leave_in_the_order_of_the_commits(database):
    committed, told = [], []

    async def write(number):
        async def body(tx):
            committed.append(number)
            tx.after_commit(lambda: told.append(number))

        await database.write(body)

    await asyncio.gather(*(write(number) for number in range(30)))
    assert told == committed
    assert sorted(told) == list(range(30))


async def test_writers_take_turns(embedded):
    inside = []

    async def body(tx):
        inside.append(1)
        await tx.value(text("SELECT 1"))
        assert len(inside) == 1
        inside.pop()

    await asyncio.gather(*(embedded.write(body) for _ in range(20)))


async def test_a_reader_sees_one_snapshot_whatever_is_written_meanwhile(database):
    async with database.read() as tx:
        before = await tx.value(select(func.count()).select_from(lease))
        await database.write(lambda other: other.run(_lease("a")))
        assert await tx.value(select(func.count()).select_from(lease)) == before == 0
    assert await _count(database) == 1


async def test_a_caller_who_leaves_does_not_stop_the_change(embedded):
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def body(tx):
        begun.set()
        await may_end.wait()
        await tx.run(_lease("a"))

    caller = asyncio.create_task(embedded.write(body))
    await begun.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    may_end.set()
    await embedded.write(lambda tx: tx.value(text("SELECT 1")))  # the next turn comes after it
    assert await _count(embedded) == 1


async def test_whoever_waits_too_long_for_a_turn_is_told_so(embedded, keys):
    hasty = Database(embedded.url.render_as_string(hide_password=False), keys=keys, readers=1, acquire_timeout_s=0.05)
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def body(tx):
        begun.set()
        await may_end.wait()

    first = asyncio.create_task(hasty.write(body))
    await begun.wait()
    try:
        with pytest.raises(Unavailable):
            await hasty.write(lambda tx: tx.run(_lease("a")))
    finally:
        may_end.set()
        await first
        await hasty.close()


async def test_too_many_readers_are_told_to_wait(database, keys):
    hasty = Database(database.url.render_as_string(hide_password=False), keys=keys, readers=1, acquire_timeout_s=0.05)
    try:
        async with hasty.read() as tx:
            await tx.value(text("SELECT 1"))
            with pytest.raises(Unavailable):
                await hasty.ping()
        await hasty.ping()
    finally:
        await hasty.close()


async def test_an_acknowledged_change_survives_a_power_cut(embedded):
    async def pragmas(tx):
        names = ("journal_mode", "synchronous", "foreign_keys")
        return [await tx.value(text(f"PRAGMA {name}")) for name in names]

    assert await embedded.write(pragmas) == ["wal", 2, 1]


async def test_rows_are_told_as_they_were_touched(database):
    assert await database.write(lambda tx: tx.run(lease.delete())) == 0
    assert await database.write(lambda tx: tx.run(_lease("a").values(name="b"), [])) == 0
    rows = [{"name": name, "holder": "h", "fence": 1, "until": _NOW} for name in "xyz"]
    assert await database.write(lambda tx: tx.run(insert(lease), rows)) == 3
    assert await database.write(lambda tx: tx.run(lease.delete())) == 3


async def test_instants_come_back_aware_and_to_the_millisecond(database):
    await make_user(database, registered_at=_NOW)
    await database.write(lambda tx: tx.run(_lease("a")))
    async with database.read() as tx:
        until = await tx.value(select(lease.c.until))
    assert until == _NOW
    assert until.tzinfo is not None
    with pytest.raises(Exception, match="naive"):
        async with database.read() as tx:
            await tx.value(select(lease.c.name).where(lease.c.until == _NOW.replace(tzinfo=None)))
