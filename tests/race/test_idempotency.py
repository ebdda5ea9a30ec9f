"""One key, twenty requests at once: one execution, one answer.

contract.md §2 and reliability.md P9, over both edges and two instances on one store.
"""
import pytest
from sqlalchemy import func, select

from server.core.ids import new_id
from server.storage.tables.booking import t_order
from tests.race.rivals import Rivals, at_once, two_instances
from tests.race.unguarded import UnguardedCalendar, UnguardedUnits

CALLERS = 20


async def _rivals(open_world, **guards):
    rivals = Rivals(await open_world(*two_instances(**guards)))
    await rivals.join(*rivals.world.families, sockets=2)
    return rivals


async def _orders_of(rivals, family):
    mine = select(func.count().label("n")).where(t_order.c.user_id == family.user_id)
    return (await rivals.world.one(mine))["n"]


async def _one_key(rivals, number):
    families = rivals.world.families
    family, key = families[number % len(families)], new_id()
    wish = rivals.bookings.wish(family, rivals.bookings.slot(number))

    async def create(body, *, by_rpc):
        return await rivals.ask(family, "order.create", body, by_rpc=by_rpc, key=key)

    before = await _orders_of(rivals, family)
    replies = await at_once(*(create(wish, by_rpc=(tap + number) % 2 == 0) for tap in range(CALLERS)))
    made = await _orders_of(rivals, family) - before
    assert made == 1, f"round {number}: {made} orders"
    codes = {reply.code for reply in replies}
    assert codes <= {"ok", "idempotency_in_progress"}, f"round {number}: {codes}"
    assert {reply.status for reply in replies} <= {200, 201, 409}
    data = [reply.data for reply in replies if reply.is_ok]
    assert data and all(one == data[0] for one in data), f"round {number}: different answers"
    again = [await create(wish, by_rpc=False) for _ in "12"]
    assert {reply.status for reply in again} == {201}
    assert len({reply.body for reply in again} | {reply.body for reply in replies if reply.body and reply.is_ok}) == 1
    assert (await create(wish, by_rpc=True)).data == data[0]
    other = [await create(wish | {"requirements": "轮椅"}, by_rpc=by_rpc) for by_rpc in (False, True)]
    assert [(reply.status, reply.code) for reply in other] == [(422, "idempotency_mismatch")] * 2


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_twenty_requests_with_one_key_are_one_order_and_one_answer(open_world, rounds):
    rivals = await _rivals(open_world)
    for number in range(rounds):
        await _one_key(rivals, number)


async def test_the_race_is_real_without_the_key_there_are_twenty_orders(open_world):
    rivals = await _rivals(open_world, units=UnguardedUnits, calendar=UnguardedCalendar)
    rivals.world.is_sound = False
    for number in range(2):
        with pytest.raises(AssertionError, match=f"round {number}: {CALLERS} orders"):
            await _one_key(rivals, number)


async def test_a_key_belongs_to_a_user_and_a_route(open_world):
    rivals = await _rivals(open_world)
    [one, other], key = rivals.world.families[:2], new_id()
    mine, theirs = (rivals.bookings.wish(family, rivals.bookings.slot()) for family in (one, other))
    first = await rivals.ask(one, "order.create", mine, by_rpc=False, key=key)
    second = await rivals.ask(other, "order.create", theirs, by_rpc=True, key=key)
    assert first.data["order_id"] != second.data["order_id"]
    body = {"order_id": first.data["order_id"], "reason": "改期"}
    cancelled = await rivals.ask(one, "order.cancel", body, by_rpc=True, key=key)
    assert cancelled.data["status"] == "cancelled"
    assert (await rivals.ask(one, "order.cancel", body, by_rpc=False, key=key)).data == cancelled.data


async def test_a_kept_refusal_is_repeated_also_when_it_would_succeed_now(open_world):
    rivals = await _rivals(open_world)
    family, key = rivals.world.families[0], new_id()
    wish = rivals.bookings.wish(family, rivals.bookings.slot())
    held = await rivals.ask(family, "order.create", wish, by_rpc=False, key=new_id())
    refused = [await rivals.ask(family, "order.create", wish, by_rpc=False, key=key) for _ in "12"]
    assert [(reply.status, reply.code) for reply in refused] == [(409, "patient_busy")] * 2
    body = {"order_id": held.data["order_id"], "reason": "改期"}
    assert (await rivals.ask(family, "order.cancel", body, by_rpc=False)).is_ok
    again = await rivals.ask(family, "order.create", wish, by_rpc=False, key=key)
    assert again.body == refused[0].body == refused[1].body
    assert (await rivals.ask(family, "order.create", wish, by_rpc=False, key=new_id())).status == 201


async def test_what_is_not_kept_may_be_asked_again_with_the_same_key(open_world):
    rivals = await _rivals(open_world)
    family, stranger, key = *rivals.world.families[:2], new_id()
    wish = rivals.bookings.wish(family, rivals.bookings.slot())
    foreign = wish | {"patient_id": stranger.patient_ids[0]}
    assert (await rivals.ask(family, "order.create", foreign, by_rpc=False, key=key)).status == 404
    malformed = wish | {"surprise": 1}
    assert (await rivals.ask(family, "order.create", malformed, by_rpc=False, key=key)).code == "unknown_field"
    assert (await rivals.ask(family, "order.create", wish, by_rpc=False, key=key)).status == 201


async def test_a_refusal_with_a_field_tells_it_over_a_socket_also_when_it_is_repeated(open_world):
    rivals = await _rivals(open_world)
    family, key = rivals.world.families[0], new_id()
    wish = rivals.bookings.wish(family, rivals.bookings.slot()) | {"service_type": "no_such_type"}
    told = [await rivals.ask(family, "order.create", wish, by_rpc=True, key=key) for _ in "12"]
    assert [(reply.status, reply.code) for reply in told] == [(422, "invalid:service_type")] * 2
