"""Parcels leave after the commit, whoever dies meanwhile."""
import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from server.core.clock import server_now
from server.core.errors import Refused, Unavailable
from server.storage import outbox as module
from server.storage.outbox import Outbox
from server.storage.sql import Database
from server.storage.tables.system import outbox as table
from tests.world import until


class Receiver:
    """Takes parcels; `trouble` is raised as often as it is long."""

    def __init__(self, *trouble):
        self.got = []
        self.enclosed = []
        self.trouble = list(trouble)

    async def __call__(self, payload, enclosed):
        if self.trouble:
            raise self.trouble.pop(0)
        self.got.append(payload["n"])
        self.enclosed.append(enclosed)


@pytest.fixture
def instance(io_loop, database):
    """`instance(receiver)`: an outbox of its own on the same store, stopped at the end."""
    made = []

    def build(receiver, *, on=None, name=None):
        box = Outbox(database=on or database, instance_id=name or f"i{len(made)}", claim_s=30.0, sweep_every_s=0.02)
        box.deliver("news", receiver)
        made.append(box)
        return box

    yield build
    for box in made:
        io_loop.asyncio_loop.run_until_complete(box.stop(within_s=1.0))


async def _put(database, box, *numbers, committed=None):
    async def body(tx):
        if committed is not None:
            tx.after_commit(lambda: committed.extend(numbers))
        for n in numbers:
            await box.put(tx, "news", {"n": n}, enclosed=f"for {n}")

    await database.write(body)


async def _rows(database):
    async with database.read() as tx:
        return await tx.all(select(table).order_by(table.c.outbox_id))


async def _empty(database):
    async def nothing_left():
        return not await _rows(database)

    await until(nothing_left)


async def _let_claims_run_out(database):
    past = server_now() - timedelta(seconds=1)
    await database.write(lambda tx: tx.run(update(table).values(due_at=past)))


async def test_a_parcel_is_delivered_once_with_what_was_enclosed_and_deleted(database, instance):
    receiver = Receiver()
    box = instance(receiver)
    box.start()
    await _put(database, box, 1, 2, 3)
    await _empty(database)
    assert (receiver.got, receiver.enclosed) == ([1, 2, 3], ["for 1", "for 2", "for 3"])
    assert (box.delivered, box.failed) == (3, 0)


async def test_parcels_of_a_topic_leave_in_the_order_of_the_commits(database, instance):
    receiver = Receiver()
    box = instance(receiver)
    box.start()
    committed = []
    await asyncio.gather(*(_put(database, box, n, committed=committed) for n in range(50)))
    await _empty(database)
    assert receiver.got == committed
    assert sorted(committed) == list(range(50))


async def test_what_was_rolled_back_never_leaves(database, instance):
    receiver = Receiver()
    box = instance(receiver)
    box.start()

    async def body(tx):
        await box.put(tx, "news", {"n": 1})
        raise Refused("wrong_state")

    with pytest.raises(Refused):
        await database.write(body)
    await _put(database, box, 2)
    await _empty(database)
    assert receiver.got == [2]


async def test_a_refused_part_of_a_transaction_does_not_leave(database, instance):
    receiver = Receiver()
    box = instance(receiver)
    box.start()

    async def body(tx):
        try:
            async with tx.savepoint():
                await box.put(tx, "news", {"n": 1})
                raise Refused("wrong_state")
        except Refused:
            await box.put(tx, "news", {"n": 2})

    await database.write(body)
    await _empty(database)
    assert receiver.got == [2]


async def test_nothing_leaves_before_the_commit(database, instance):
    receiver = Receiver()
    box = instance(receiver)
    box.start()
    put, may_commit = asyncio.Event(), asyncio.Event()

    async def body(tx):
        await box.put(tx, "news", {"n": 1})
        put.set()
        await may_commit.wait()

    writing = asyncio.create_task(database.write(body))
    await put.wait()
    assert receiver.got == []
    may_commit.set()
    await writing
    await _empty(database)
    assert receiver.got == [1]


@pytest.mark.expects_warnings
@pytest.mark.parametrize("trouble", [Unavailable(), ZeroDivisionError()])
async def test_a_failed_delivery_is_tried_again(database, instance, monkeypatch, trouble):
    monkeypatch.setattr(module, "_BACKOFF_S", (0,))
    receiver = Receiver(trouble, trouble)
    box = instance(receiver)
    box.start()
    await _put(database, box, 1)
    await _empty(database)
    assert (receiver.got, box.delivered, box.failed) == ([1], 1, 2)
    assert receiver.enclosed == [None]  # the second time it comes from the store


async def test_a_failed_delivery_waits_longer_every_time(database, instance):
    receiver = Receiver(*[Unavailable()] * 3)
    box = instance(receiver)
    box.start()
    await _put(database, box, 1)
    pauses = []
    for attempt in (1, 2, 3):

        async def tried(attempt=attempt):
            rows = await _rows(database)
            return rows and rows[0]["attempts"] == attempt and rows

        [row] = await until(tried)
        pauses.append(round((row["due_at"] - server_now()).total_seconds()))
        await _let_claims_run_out(database)
    assert pauses == [1, 2, 5]
    await _empty(database)
    assert receiver.got == [1]


async def test_one_parcels_trouble_does_not_hold_up_the_others(database, instance):
    receiver = Receiver(Unavailable())
    box = instance(receiver)
    box.start()
    await _put(database, box, 1, 2, 3)

    async def others_came():
        return receiver.got == [2, 3]

    await until(others_came)
    await _let_claims_run_out(database)
    await _empty(database)
    assert receiver.got == [2, 3, 1]


async def test_another_instance_takes_what_a_dead_one_has_left_when_its_claim_has_run_out(database, instance):
    dead, receiver = instance(Receiver()), Receiver()
    await _put(database, dead, 1, 2)
    dead._in_hand.clear()  # it died
    heir = instance(receiver)
    heir.start()
    await _put(database, heir, 3)

    async def own_came():
        return receiver.got == [3] and len(await _rows(database)) == 2

    await until(own_came)
    await _let_claims_run_out(database)
    await _empty(database)
    assert receiver.got == [3, 1, 2]
    assert receiver.enclosed == ["for 3", None, None]


async def test_two_heirs_share_without_taking_anything_twice(database, instance, keys):
    dead = instance(Receiver())
    await _put(database, dead, *range(300))
    dead._in_hand.clear()
    await _let_claims_run_out(database)
    receivers = [Receiver(), Receiver()]
    second = Database(database.url.render_as_string(hide_password=False), keys=keys, readers=1, acquire_timeout_s=10.0)
    heirs = [instance(receivers[0]), instance(receivers[1], on=second)]
    for heir in heirs:
        heir.start()
    await _empty(database)
    assert sorted(receivers[0].got + receivers[1].got) == list(range(300))
    for heir in heirs:
        await heir.stop()
    await second.close()


async def test_what_this_instance_has_in_hand_is_not_taken_again_by_itself(database, instance):
    arrived, may_go = asyncio.Event(), asyncio.Event()
    got = []

    async def slow(payload, _enclosed):
        got.append(payload["n"])
        arrived.set()
        await may_go.wait()

    box = instance(slow)
    box.start()
    await _put(database, box, 1)
    await arrived.wait()
    await _let_claims_run_out(database)
    assert await box._claim_due() == []
    may_go.set()
    await _empty(database)
    assert got == [1]


async def test_a_topic_without_a_deliverer_is_left_for_whoever_knows_it(database, instance):
    newer = Outbox(database=database, instance_id="newer", claim_s=30.0, sweep_every_s=0.02)
    newer.deliver("novelty", Receiver())
    await database.write(lambda tx: newer.put(tx, "novelty", {"n": 1}))
    await _let_claims_run_out(database)
    box = instance(Receiver())
    assert await box._claim_due() == []
    assert len(await _rows(database)) == 1


async def test_stopping_delivers_what_is_in_hand_first(database, instance):
    receiver = Receiver()
    box = instance(receiver)
    box.start()
    await _put(database, box, *range(20))
    await box.stop()
    assert receiver.got == list(range(20))
    assert await _rows(database) == []


class Moody(Database):
    """Unavailable to readers or writers as often as said."""

    refusals = 0

    def _refuse(self):
        if self.refusals:
            self.refusals -= 1
            raise Unavailable()

    def read(self):
        self._refuse()
        return super().read()

    async def write(self, body):
        self._refuse()
        return await super().write(body)


async def test_a_store_that_is_gone_for_a_moment_ends_nothing(database, instance, keys):
    moody = Moody(database.url.render_as_string(hide_password=False), keys=keys, readers=1, acquire_timeout_s=5.0)
    receiver = Receiver()
    box = instance(receiver, on=moody)
    box.start()
    await _put(database, box, 1, 2)
    moody.refusals = 5
    await _empty(database)
    await _put(database, box, 3)
    moody.refusals = 1
    await _empty(database)
    assert receiver.got == [1, 2, 3]
    assert box._tasks.died == {}
    await box.stop()
    await moody.close()


async def test_the_age_of_the_oldest_parcel_is_told(database, instance):
    box = instance(Receiver())
    assert await box.oldest_age_s() == 0.0
    await _put(database, box, 1, 2)
    before = server_now() - timedelta(seconds=90)
    async with database.read() as tx:
        first = await tx.value(select(func.min(table.c.outbox_id)))
    await database.write(lambda tx: tx.run(update(table).where(table.c.outbox_id == first).values(created_at=before)))
    assert 89 < await box.oldest_age_s() < 100
    box._in_hand.clear()
