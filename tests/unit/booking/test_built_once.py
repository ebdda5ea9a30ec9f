"""Statements that get their values at their execution are built once (`Transaction.run`): each is compiled once.

One that is built anew each time would be compiled each time, and drive the others out of what is kept.
"""
from datetime import timedelta

from server.core.ids import new_id
from server.storage.prepared import prepared
from server.storage.tables.care import chat_message
from tests.unit.booking.visits import Visit

_DAYS = (1, 3)


async def _live_through(stage, days):
    visit = await Visit.in_state(stage, "in_service", lead=timedelta(days=days, hours=3))
    order = {"order_id": visit.order_id}
    for who in (visit.booker, visit.caregiver):
        await stage.must(who, "chat.send", **order, msg_id=new_id(), kind="text", text="在门诊大厅等您")
    note = {"msg_id": new_id(), "kind": "measure", "text": "协助饮水", "recorded_at": stage.clock.now().isoformat()}
    await stage.must(visit.caregiver, "note.append", **order, **note)
    await visit.complete()
    await stage.must(visit.booker, "order.review", **order, score=5, content="很好")


async def test_a_second_visit_compiles_nothing(stage):
    await _live_through(stage, _DAYS[0])
    compiled = prepared.cache_info().misses
    await _live_through(stage, _DAYS[1])
    assert prepared.cache_info().misses == compiled


async def test_one_that_is_built_each_time_is_seen(stage):
    async def body(tx):
        await tx.all(chat_message.select().where(chat_message.c.order_id == "x"), {})

    compiled = prepared.cache_info().misses
    for _ in range(2):
        await stage.database.write(body)
    assert prepared.cache_info().misses == compiled + 2
