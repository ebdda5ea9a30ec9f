"""Parcels for somebody outside: who is away is named, and nobody asks him twice."""
import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from server.core.clock import server_now
from server.core.errors import Unavailable
from server.storage.outbox import Outbox
from server.storage.tables.system import outbox as rows


def box(database, name="one"):
    return Outbox(database=database, instance_id=name, claim_s=0.2, sweep_every_s=0.02)


async def away(payload, enclosed):
    raise Unavailable()


async def grow_old(database, topic, by_s):
    older = update(rows).where(rows.c.topic == topic).values(created_at=server_now() - timedelta(seconds=by_s))
    await database.write(lambda tx: tx.run(older))


async def test_who_keeps_parcels_waiting_is_named_and_it_is_not_we_who_are_stuck(database):
    outbox = box(database)
    outbox.deliver("push", away, waits_for="carriers")
    outbox.deliver("sms", away, waits_for="carriers")
    outbox.deliver("refund", away, waits_for="payment")
    outbox.deliver("event", away)
    for topic in ("push", "sms", "refund"):
        await database.write(lambda tx, topic=topic: outbox.put(tx, topic, {}))
        await grow_old(database, topic, 90)
    assert await outbox.oldest_age_s() == 0.0
    assert await outbox.waiting_for(longer_than_s=60) == ["carriers", "payment"]
    assert await outbox.waiting_for(longer_than_s=100) == []
    await database.write(lambda tx: outbox.put(tx, "event", {}))
    await grow_old(database, "event", 30)
    assert 29 < await outbox.oldest_age_s() < 40


@pytest.mark.parametrize("claim_s", [30.0, 0.0], ids=["claimed for long", "twin with the short claim"])
async def test_a_slow_carrier_is_not_asked_by_a_second_instance(database, claim_s):
    first, second = box(database), box(database, "two")
    asked, answered = [], asyncio.Event()

    async def slowly(payload, enclosed):
        asked.append(payload)
        await answered.wait()

    for instance in (first, second):
        instance.deliver("sms", slowly, claim_s=claim_s)
        instance.start()
    await database.write(lambda tx: first.put(tx, "sms", {"n": 1}))
    try:
        async with asyncio.timeout(1.0):
            while len(asked) < 2:
                await asyncio.sleep(0.01)
    except TimeoutError:
        pass
    answered.set()
    await asyncio.gather(first.stop(), second.stop())
    assert (len(asked) == 1) is (claim_s > 0)


async def test_a_parcel_that_an_heir_takes_is_his_for_as_long(database):
    dead, heir = box(database), box(database, "heir")
    for instance in (dead, heir):
        instance.deliver("sms", away, claim_s=30.0)
        instance.deliver("event", away)
    for topic in ("sms", "event"):
        await database.write(lambda tx, topic=topic: dead.put(tx, topic, {}))
    past = server_now() - timedelta(seconds=1)
    await database.write(lambda tx: tx.run(update(rows).values(due_at=past)))
    assert len(await heir._claim_due()) == 2
    async with database.read() as tx:
        due = {row["topic"]: (row["due_at"] - server_now()).total_seconds() for row in await tx.all(select(rows))}
    assert 25 < due["sms"] <= 30 and due["event"] <= 0.2
