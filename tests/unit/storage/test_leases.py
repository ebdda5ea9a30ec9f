"""One holder at a time, and whoever lost a lease changes nothing any more."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import insert, select, update

from server.core.errors import Unavailable
from server.jobs.loops import Job, Jobs
from server.storage.database_time import database_now, skew_s
from server.storage.fencing import Lease, LostLease, under
from server.storage.leases import Leases
from server.storage.tables.system import business_clock, lease
from tests.world import until

_MOMENT_S = 0.0003


@pytest.fixture
def instances(database):
    """Two that never renew by themselves: their tasks are not started."""
    return [Leases(database=database, holder=name, lasts_s=60.0) for name in ("one", "two")]


async def run_out(database):
    """The end of every lease is past by the database's clock, as after a pause of its holder."""

    async def body(tx):
        past = await database_now(tx) - timedelta(seconds=1)
        await tx.run(update(lease).values(until=past))

    await database.write(body)


async def offsets(database):
    async with database.read() as tx:
        return [row["offset_s"] for row in await tx.all(select(business_clock.c.offset_s))]


def work(clock_id):
    """A change that anybody can look for afterwards."""
    return lambda tx: tx.run(insert(business_clock).values(clock_id=clock_id, offset_s=float(clock_id)))


async def test_one_holds_the_lease_and_the_other_waits_for_its_end(database, instances):
    one, two = instances
    assert await one.hold("orders") == Lease("orders", 1)
    assert await one.hold("orders") == Lease("orders", 1)
    assert await two.hold("orders") is None
    assert one.held == ["orders"] and two.held == []
    await run_out(database)
    assert await two.hold("orders") is None, "it was asked a moment ago and is asked again later"
    two._ask_at_s.clear()
    assert await two.hold("orders") == Lease("orders", 2)


async def test_many_who_ask_at_once_get_it_once(database):
    crowd = [Leases(database=database, holder=f"no-{number}", lasts_s=60.0) for number in range(20)]
    for fence in (1, 2):
        taken = await asyncio.gather(*(each.hold("orders") for each in crowd))
        assert [one for one in taken if one is not None] == [Lease("orders", fence)]
        await run_out(database)
        for each in crowd:
            each._held.clear()
            each._ask_at_s.clear()


async def test_what_is_given_back_is_free_at_once(instances):
    one, two = instances
    await one.hold("orders")
    await one.stop()
    assert await two.hold("orders") == Lease("orders", 2)


async def test_what_is_being_taken_when_it_stops_is_given_back_too(database):
    """Cut off at many moments of the taking: the database goes on with what has begun."""
    one, two = (Leases(database=database, holder=name, lasts_s=60.0) for name in ("one", "two"))
    for moment in range(60):
        one._ask_at_s.clear()
        two._ask_at_s.clear()
        taking = asyncio.create_task(one.hold("orders"))
        await asyncio.sleep(moment * _MOMENT_S)
        taking.cancel()
        await asyncio.gather(taking, return_exceptions=True)
        await one.stop()
        assert await two.hold("orders") is not None, f"cut off after {moment * _MOMENT_S:g} s, it is nobody's"
        await two.stop()


async def test_whoever_lost_the_lease_changes_nothing(database, instances):
    one, two = instances
    old = await one.hold("orders")
    await run_out(database)
    new = await two.hold("orders")
    with under(old), pytest.raises(LostLease):
        await database.write(work(1))
    with under(new):
        await database.write(work(2))
    assert await offsets(database) == [2.0]
    assert issubclass(LostLease, Unavailable), "a round that lost its lease ends as one that cannot be done now"


async def test_without_the_fence_the_one_that_woke_up_would_do_harm(database, instances):
    one, two = instances
    await one.hold("orders")
    await run_out(database)
    with under(await two.hold("orders")):
        await database.write(work(2))
    await database.write(work(1))  # the twin: the same change, under no lease
    assert sorted(await offsets(database)) == [1.0, 2.0]


async def test_a_lease_that_ran_out_and_nobody_took_still_stands(database, instances):
    mine = await instances[0].hold("orders")
    await run_out(database)
    with under(mine):
        await database.write(work(1))
    assert await offsets(database) == [1.0]


async def test_tasks_begun_under_a_lease_are_fenced_too(database, instances):
    one, two = instances
    old = await one.hold("orders")
    await run_out(database)
    await two.hold("orders")
    with under(old):
        later = asyncio.ensure_future(database.write(work(1)))
    with pytest.raises(LostLease):
        await later
    await database.write(work(3))
    assert await offsets(database) == [3.0]


async def test_renewing_keeps_what_is_held_and_forgets_what_was_taken(database, instances):
    one, two = instances
    await one.hold("orders")
    await one.hold("refunds")
    await run_out(database)
    await two.hold("orders")
    await one.renew()
    assert one.held == ["refunds"] and one.counts["lost"] == 1
    two._ask_at_s.clear()
    assert await two.hold("refunds") is None
    async with database.read() as tx:
        assert (await tx.one(select(lease.c.until).where(lease.c.name == "refunds")))["until"] > await database_now(tx)


async def test_a_started_holder_keeps_its_lease_for_longer_than_it_lasts(database):
    one, two = (Leases(database=database, holder=name, lasts_s=0.6) for name in ("one", "two"))
    one.start()
    assert await one.hold("orders") is not None
    loop = asyncio.get_running_loop()
    enough = loop.time() + 1.5

    async def over():
        assert await two.hold("orders") is None
        return loop.time() > enough

    await until(over)
    assert one.held == ["orders"]
    await one.stop()


async def test_a_job_runs_in_one_instance_and_goes_on_in_the_other(database):
    rounds, jobs = {"one": 0, "two": 0}, {}

    def counting(name):
        async def run_once():
            rounds[name] += 1

        return run_once

    for name in rounds:
        leases = Leases(database=database, holder=name, lasts_s=0.6)
        jobs[name] = Jobs([Job("orders", counting(name), 0.01)], leases=leases)
        jobs[name].start()
    await until(lambda: _is(sum(rounds.values()) > 10))
    [busy] = [name for name, number in rounds.items() if number]
    [idle] = set(rounds) - {busy}
    await jobs[busy].stop()
    await until(lambda: _is(rounds[idle] > 3))
    await jobs[idle].stop()


async def test_what_concerns_the_instance_itself_runs_in_each(database):
    rounds = []
    made = [
        Jobs(
            [Job("clock", _noting(rounds, name), 0.01, in_each=True)],
            leases=Leases(database=database, holder=name, lasts_s=60.0),
        )
        for name in ("one", "two")
    ]
    for jobs in made:
        jobs.start()
    await until(lambda: _is(set(rounds) == {"one", "two"}))
    for jobs in made:
        await jobs.stop()


async def test_the_clocks_of_one_machine_agree(database):
    assert abs(await skew_s(database)) < 1.0


def _noting(rounds, name):
    async def run_once():
        rounds.append(name)

    return run_once


async def _is(condition):
    return condition


async def test_whoever_takes_over_waits_for_a_commit_that_is_under_way(database):
    """Between the look at the number and the commit nobody can become the holder."""
    one, two = (Leases(database=database, holder=name, lasts_s=0.3) for name in ("one", "two"))
    held = await one.hold("orders")
    looked, may_go_on, order = asyncio.Event(), asyncio.Event(), []

    async def slow(tx):
        looked.set()
        await may_go_on.wait()
        await work(1)(tx)
        order.append("written")

    with under(held):
        writing = asyncio.ensure_future(database.write(slow))
    await looked.wait()

    async def has_run_out():
        async with database.read() as tx:
            row = await tx.one(select(lease.c.until))
            return row["until"] < await database_now(tx)

    await until(has_run_out)

    async def take_over():
        taken = await two.hold("orders")
        order.append("taken over")
        return taken

    taking = asyncio.ensure_future(take_over())
    await asyncio.wait({taking}, timeout=0.3)
    assert not taking.done()
    may_go_on.set()
    await writing
    assert (await taking).fence == 2
    assert order == ["written", "taken over"]
    assert await offsets(database) == [1.0]
