"""What is gathered is written once, with the commit, or never."""
import asyncio

import pytest
from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from server.core.clock import server_now
from server.core.errors import Refused
from server.storage.tables.system import lease

_ADD = insert(lease)


def _lease(name):
    return {"name": name, "holder": "h", "fence": 1, "until": server_now()}


class Writer:
    """Writes names as leases and remembers in which portions they came."""

    def __init__(self):
        self.portions = []

    async def __call__(self, tx, names):
        self.portions.append(names)
        await tx.run(_ADD, [_lease(name) for name in names])


async def _names(database):
    async with database.read() as tx:
        return {row["name"] for row in await tx.all(select(lease.c.name))}


def _write(database, writer, name, *, trouble=None):
    async def body(tx):
        tx.gather(writer, name)
        if trouble is not None:
            raise trouble

    return database.write(body)


async def test_bodies_that_commit_together_write_what_they_gathered_in_one_go(embedded):
    writer = Writer()
    await asyncio.gather(*(_write(embedded, writer, f"{n}") for n in range(40)))
    assert await _names(embedded) == {f"{n}" for n in range(40)}
    assert [name for portion in writer.portions for name in portion] == [f"{n}" for n in range(40)]
    assert len(writer.portions) < 40


async def test_what_a_refused_body_gathered_is_not_written(database):
    writer = Writer()
    refused = Refused("wrong_state")
    bodies = [_write(database, writer, f"{n}", trouble=refused if n % 2 else None) for n in range(20)]
    await asyncio.gather(*bodies, return_exceptions=True)
    assert await _names(database) == {f"{n}" for n in range(0, 20, 2)}


async def test_a_body_refused_alone_writes_nothing_at_all(database):
    writer = Writer()
    with pytest.raises(Refused):
        await _write(database, writer, "refused", trouble=Refused("wrong_state"))
    assert writer.portions == []


async def test_what_a_savepoint_undid_is_neither_written_nor_known(database):
    writer = Writer()

    async def body(tx):
        tx.learn("top", 1)
        tx.gather(writer, "kept")
        with pytest.raises(Refused):
            async with tx.savepoint():
                tx.learn("top", 2)
                tx.learn("new", 3)
                tx.gather(writer, "undone")
                raise Refused("wrong_state")
        return tx.known("top"), tx.known("new")

    assert await database.write(body) == (1, None)
    assert await _names(database) == {"kept"}


async def test_what_was_learned_is_forgotten_after_the_commit(database):
    async def learn(tx):
        before = tx.known("top")
        tx.learn("top", 1)
        return before

    assert await database.write(learn) is None
    assert await database.write(learn) is None


async def test_what_cannot_be_written_fails_everybody_who_would_have_committed_with_it(database):
    writer, answered = Writer(), []

    async def plain(tx):
        await tx.run(_ADD, _lease("beside"))
        tx.after_commit(lambda: answered.append("beside"))

    twice = (_write(database, writer, "twice"), _write(database, writer, "twice"))
    outcomes = await asyncio.gather(*twice, database.write(plain), return_exceptions=True)
    failed = [outcome for outcome in outcomes if isinstance(outcome, IntegrityError)]
    assert failed and len(answered) == len(await _names(database) & {"beside"})


async def test_writing_may_gather_more(database):
    writer = Writer()

    async def first(tx, names):
        for name in names:
            tx.gather(writer, f"{name}, later")

    async def body(tx):
        tx.gather(first, "a")
        tx.gather(first, "b")

    await database.write(body)
    assert writer.portions == [["a, later", "b, later"]]


async def test_effects_of_what_was_gathered_come_after_those_of_the_bodies(database):
    told = []

    async def closing(tx, names):
        tx.after_commit(lambda: told.append(names))

    async def body(tx):
        tx.gather(closing, "gathered")
        tx.after_commit(lambda: told.append("body"))

    await database.write(body)
    assert told == ["body", ["gathered"]]


async def test_many_rows_are_written_off_the_loops_thread_and_all_of_them(database):
    rows = [_lease(f"{n}") for n in range(300)]
    assert await database.write(lambda tx: tx.run(_ADD, rows)) == 300
    raised = update(lease).where(lease.c.name == bindparam("of_name")).values(fence=bindparam("to_fence"))
    assert await database.write(lambda tx: tx.run(raised, [{"of_name": f"{n}", "to_fence": n} for n in (1, 2)])) == 2
    async with database.read() as tx:
        assert await tx.value(select(func.sum(lease.c.fence))) == 298 + 1 + 2
