"""An accept against whatever else happens meanwhile."""
import asyncio

import pytest
from sqlalchemy import select

from server.storage.tables.booking import order_event
from tests.cast import NEIGHBOUR
from tests.invariants import check_invariants
from tests.race.rivals import Rivals, at_once, two_instances
from tests.race.unguarded import UnguardedCalendar, UnguardedClaims, UnguardedOrders

_A_FEW_TURNS = 80


async def _rivals(open_world, **guards):
    rivals = Rivals(await open_world(*two_instances(**guards)))
    await rivals.join(*rivals.world.caregivers[:6], *rivals.world.families)
    return rivals


async def _two_visits_of_one_time(rivals, number, *, apart):
    """Order ids of two visits that no one person can do: the same hours, or no time to travel between."""
    bookings, families = rivals.bookings, rivals.world.families
    first = await bookings.book_round(number)
    other = families[(number + 12) % len(families)]
    slot = bookings.slot(3 * number + 1 if apart else 3 * number)
    return first, await bookings.book_paid(other, slot, hospital_id=NEIGHBOUR)


async def _accept_both(rivals, number, *, apart):
    caregiver = rivals.world.caregivers[number % 6]
    orders = await _two_visits_of_one_time(rivals, number, apart=apart)
    bodies = []
    for order_id in orders:
        offers = await rivals.bookings.offer_to(order_id, [caregiver])
        bodies.append({"offer_id": offers[caregiver.caregiver_id]})
    replies = await at_once(
        *(rivals.ask(caregiver, "order.accept", body, by_rpc=place == number % 2) for place, body in enumerate(bodies))
    )
    codes = sorted(reply.code for reply in replies)
    refusal = "caregiver_busy" if apart else "offer_withdrawn"
    assert codes == sorted(["ok", refusal]), f"round {number}: {codes}"
    statuses = sorted([(await rivals.world.order(order_id))["status"] for order_id in orders])
    assert statuses == ["awaiting_service", "paid"]


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("apart", [False, True], ids=["overlapping", "no_time_to_travel"])
async def test_of_two_visits_at_one_time_a_caregiver_gets_one(open_world, rounds, apart):
    rivals = await _rivals(open_world)
    for number in range(rounds):
        await _accept_both(rivals, number, apart=apart)


async def test_the_race_is_real_without_the_calendars_condition_a_caregiver_is_sent_to_two_places(open_world):
    rivals = await _rivals(open_world, calendar=UnguardedCalendar, claims=UnguardedClaims())
    rivals.world.is_sound = False
    for number in range(3):
        with pytest.raises(AssertionError, match=rf"round {number}: \['ok', 'ok'\]"):
            await _accept_both(rivals, number, apart=number % 2 == 0)
    with pytest.raises(AssertionError, match="nobody_is_in_two_places"):
        await check_invariants(rivals.world.database)


async def _later(asking, *, turns):
    """A cancellation has more to read before it writes; asked at once the accept would always be first."""
    for _ in range(turns):
        await asyncio.sleep(0)
    return await asking


async def _cancel_against_accept(rivals, number):
    family = rivals.world.families[number % len(rivals.world.families)]
    caregiver = rivals.world.caregivers[number % 6]
    order_id = await rivals.bookings.book_round(number)
    offers = await rivals.bookings.offer_to(order_id, [caregiver])
    accept = rivals.ask(
        caregiver, "order.accept", {"offer_id": offers[caregiver.caregiver_id]}, by_rpc=number % 2 == 0
    )
    cancel = rivals.ask(family, "order.cancel", {"order_id": order_id, "reason": "改期"}, by_rpc=number % 4 < 2)
    if number % 3 == 0:
        accepted, cancelled = await at_once(accept, cancel)
    else:
        cancelled, accepted = await at_once(cancel, _later(accept, turns=_A_FEW_TURNS * (number % 16)))
    moves = select(order_event.c.event).where(order_event.c.order_id == order_id).order_by(order_event.c.version)
    history = [row["event"] for row in await rivals.world.rows(moves)]
    order = await rivals.world.order(order_id)
    assert cancelled.is_ok, f"round {number}: {cancelled}"
    assert (order["status"], cancelled.data["refund_fen"]) == ("cancelled", order["amount_fen"]), f"round {number}"
    if accepted.is_ok:
        assert history == ["create", "pay", "accept", "cancel"], f"round {number}: {history}"
    else:
        assert (accepted.status, accepted.code) == (409, "offer_withdrawn"), f"round {number}: {accepted}"
        assert history == ["create", "pay", "cancel"], f"round {number}: {history}"
    [row] = [row for row in await rivals.world.offers(order_id) if row["caregiver_id"] == caregiver.caregiver_id]
    assert row["state"] == ("accepted" if accepted.is_ok else "withdrawn")
    return accepted.is_ok


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_a_cancellation_against_an_accept_ends_cancelled_and_refunded_whoever_was_first(open_world, rounds):
    rivals = await _rivals(open_world)
    for number in range(rounds):
        await _cancel_against_accept(rivals, number)
        if number % 10 == 9:
            await check_invariants(rivals.world.database)


@pytest.mark.timeout(300)
async def test_the_race_is_real_without_conditions_a_cancelled_order_is_accepted(open_world):
    rivals = await _rivals(open_world, claims=UnguardedClaims(), orders=UnguardedOrders)
    rivals.world.is_sound = False
    broken = 0
    for number in range(16):
        try:
            await _cancel_against_accept(rivals, number)
        except AssertionError as fault:
            assert f"round {number}" in str(fault)
            broken += 1
    assert broken > 0
