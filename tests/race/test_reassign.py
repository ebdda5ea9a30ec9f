"""A reassignment against whoever else wants the order, the caregiver or an end.

Each race has a twin without the guard, which must show the fault.
"""
import asyncio

import pytest
from sqlalchemy import literal, select

from server.roster import queries_fitness
from server.storage.tables.booking import order_event
from tests.cast import NEIGHBOUR
from tests.invariants import check_invariants
from tests.race.rivals import Rivals, at_once, two_instances
from tests.race.unguarded import UnguardedCalendar, UnguardedClaims, UnguardedOrders

_A_FEW_TURNS = 40


async def _rivals(open_world, **guards):
    rivals = Rivals(await open_world(*two_instances(**guards)))
    await rivals.join(*rivals.world.caregivers[:6], *rivals.world.families)
    return rivals


async def _turned(first, second, number):
    """Both at once, now one and now the other a little later."""

    async def later(asking):
        for _ in range(_A_FEW_TURNS * (number % 8)):
            await asyncio.sleep(0)
        return await asking

    return await at_once(*((first, later(second)) if number % 2 else (later(first), second)))


def _reassign(rivals, order_id, person):
    """Whoever is asked has agreed on the phone: nobody listens in these races."""
    body = {"order_id": order_id, "caregiver_id": person.caregiver_id, "reason": "人工调配", "consented": True}
    return rivals.world.post(rivals.world.admin, "/api/admin/order/reassign", body)


async def _history(rivals, order_id):
    moves = select(order_event.c.event).where(order_event.c.order_id == order_id).order_by(order_event.c.version)
    return [row["event"] for row in await rivals.world.rows(moves)]


async def _accepted(rivals, number, caregiver):
    """An order that `caregiver` has accepted; its id."""
    order_id = await rivals.bookings.book_round(number)
    offers = await rivals.bookings.offer_to(order_id, [caregiver])
    body = {"offer_id": offers[caregiver.caregiver_id]}
    assert (await rivals.ask(caregiver, "order.accept", body, by_rpc=True)).is_ok
    return order_id


async def _against_accept(rivals, number):
    first, second = rivals.world.caregivers[number % 6], rivals.world.caregivers[(number + 1) % 6]
    order_id = await rivals.bookings.book_round(number)
    offers = await rivals.bookings.offer_to(order_id, [first])
    body = {"offer_id": offers[first.caregiver_id]}
    accept = rivals.ask(first, "order.accept", body, by_rpc=number % 4 < 2)
    accepted, reassigned = await _turned(accept, _reassign(rivals, order_id, second), number)
    assert reassigned.is_ok, f"round {number}: {reassigned}"
    order, history = await rivals.world.order(order_id), await _history(rivals, order_id)
    assert order["caregiver_id"] == second.caregiver_id, f"round {number}: {history}"
    if accepted.is_ok:
        assert history == ["create", "pay", "accept", "reassign"], f"round {number}: {history}"
    else:
        assert (accepted.status, accepted.code) == (409, "offer_taken"), f"round {number}: {accepted}"
        assert history == ["create", "pay", "reassign"], f"round {number}: {history}"
    states = {row["caregiver_id"]: row["state"] for row in await rivals.world.offers(order_id)}
    assert states[first.caregiver_id] == ("withdrawn" if accepted.is_ok else "taken"), f"round {number}: {states}"
    return accepted.is_ok


async def _against_cancel(rivals, number):
    family, taker = rivals.world.families[number % 24], rivals.world.caregivers[number % 6]
    order_id = await rivals.bookings.book_round(number)
    cancel = rivals.ask(family, "order.cancel", {"order_id": order_id, "reason": "改期"}, by_rpc=number % 4 < 2)
    cancelled, reassigned = await _turned(cancel, _reassign(rivals, order_id, taker), number)
    assert cancelled.is_ok, f"round {number}: {cancelled}"
    history = await _history(rivals, order_id)
    if reassigned.is_ok:
        assert history == ["create", "pay", "reassign", "cancel"], f"round {number}: {history}"
    else:
        assert reassigned.code == "wrong_state", f"round {number}: {reassigned}"
        assert history == ["create", "pay", "cancel"], f"round {number}: {history}"
    assert (await rivals.world.order(order_id))["status"] == "cancelled", f"round {number}"


async def _against_withdraw(rivals, number):
    first, second = rivals.world.caregivers[number % 6], rivals.world.caregivers[(number + 1) % 6]
    order_id = await _accepted(rivals, number, first)
    give_back = rivals.ask(first, "order.cancel", {"order_id": order_id, "reason": "生病"}, by_rpc=number % 4 < 2)
    given, reassigned = await _turned(give_back, _reassign(rivals, order_id, second), number)
    assert reassigned.is_ok, f"round {number}: {reassigned}"
    history = await _history(rivals, order_id)
    if given.is_ok:
        assert history[2:] == ["accept", "withdraw", "reassign"], f"round {number}: {history}"
    else:
        assert given.code == "not_found", f"round {number}: {given}"
        assert history[2:] == ["accept", "reassign"], f"round {number}: {history}"
    order = await rivals.world.order(order_id)
    assert (order["status"], order["caregiver_id"]) == ("awaiting_service", second.caregiver_id), f"round {number}"


async def _two_orders_to_one(rivals, number):
    taker, families = rivals.world.caregivers[number % 6], rivals.world.families
    first = await rivals.bookings.book_round(number)
    other = families[(number + 12) % len(families)]
    second = await rivals.bookings.book_paid(other, rivals.bookings.slot(3 * number), hospital_id=NEIGHBOUR)
    replies = await _turned(_reassign(rivals, first, taker), _reassign(rivals, second, taker), number)
    codes = sorted(reply.code for reply in replies)
    assert codes == ["caregiver_busy", "ok"], f"round {number}: {codes}"


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "race",
    [_against_accept, _against_cancel, _against_withdraw, _two_orders_to_one],
    ids=["accept", "cancel", "withdraw", "two orders"],
)
async def test_a_reassignment_leaves_one_caregiver_and_one_story_whatever_happens_meanwhile(open_world, rounds, race):
    rivals = await _rivals(open_world)
    for number in range(rounds):
        await race(rivals, number)
        if number % 10 == 9:
            await check_invariants(rivals.world.database)


async def _broken(rivals, race, rounds):
    rivals.world.is_sound = False
    broken = 0
    for number in range(rounds):
        try:
            await race(rivals, number)
        except AssertionError as fault:
            assert f"round {number}" in str(fault)
            broken += 1
    return broken


async def test_the_race_is_real_without_the_calendars_condition_one_is_sent_to_two_places(open_world, monkeypatch):
    """Both guards are taken out: the look before, which suffices where one writes at a time, and the taking."""
    monkeypatch.setattr(queries_fitness, "busy_during", lambda visit: literal(False))
    rivals = await _rivals(open_world, calendar=UnguardedCalendar)
    assert await _broken(rivals, _two_orders_to_one, 3) == 3
    with pytest.raises(AssertionError, match="nobody_is_in_two_places"):
        await check_invariants(rivals.world.database)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("race", [_against_accept, _against_cancel], ids=["accept", "cancel"])
async def test_the_race_is_real_without_conditional_moves_an_order_has_two_stories(open_world, race):
    rivals = await _rivals(open_world, claims=UnguardedClaims(), orders=UnguardedOrders)
    assert await _broken(rivals, race, 16) > 0
