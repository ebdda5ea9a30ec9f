"""Twenty caregivers want one order; exactly one gets it.

reliability.md P1: HTTP and sockets mixed, over two instances on one store.
"""
import pytest

from server.booking.offers.store import OfferClaims
from tests.invariants import check_invariants
from tests.race.rivals import Rivals, at_once, two_instances
from tests.race.unguarded import UnguardedClaims, UnguardedOrders

CALLERS = 20


async def _contest(open_world, **guards):
    rivals = Rivals(await open_world(*two_instances(**guards)))
    await rivals.join(*rivals.world.caregivers[:CALLERS])
    return rivals


async def _one_wins(rivals, number):
    """Everybody accepts an offer of his own for the same order at once."""
    callers = rivals.world.caregivers[:CALLERS]
    order_id = await rivals.bookings.book_round(number)
    offers = await rivals.bookings.offer_to(order_id, callers)
    await rivals.forget_news()
    bodies = [{"offer_id": offers[one.caregiver_id]} for one in callers]
    replies = await at_once(
        *(
            rivals.ask(one, "order.accept", body, by_rpc=(place + number) % 2 == 0)
            for place, (one, body) in enumerate(zip(callers, bodies, strict=True))
        )
    )
    won = [one for one, reply in zip(callers, replies, strict=True) if reply.is_ok]
    assert len(won) == 1, f"round {number}: {len(won)} winners"
    lost = {(reply.status, reply.code) for reply in replies if not reply.is_ok}
    assert lost == {(409, "offer_taken")}, f"round {number}: {lost}"
    order = await rivals.world.order(order_id)
    assert (order["status"], order["caregiver_id"], order["version"]) == ("awaiting_service", won[0].caregiver_id, 3)
    for one in callers:
        closed = await rivals.socket(one).hear("offer.closed", offer_id=offers[one.caregiver_id])
        assert closed["reason"] == ("accepted" if one is won[0] else "taken")


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_of_twenty_who_accept_exactly_one_wins_and_the_others_hear_that_it_is_taken(open_world, rounds):
    rivals = await _contest(open_world)
    for number in range(rounds):
        await _one_wins(rivals, number)


async def test_the_race_is_real_without_the_claims_condition_losers_hear_something_else(open_world):
    """The twin: the order's own compare-and-set still holds, but nobody can tell the losers why."""
    rivals = await _contest(open_world, claims=UnguardedClaims())
    for number in range(3):
        with pytest.raises(AssertionError, match="round .*wrong_state"):
            await _one_wins(rivals, number)


async def test_the_race_is_real_without_both_conditions_it_has_many_winners(open_world):
    rivals = await _contest(open_world, claims=UnguardedClaims(), orders=UnguardedOrders)
    rivals.world.is_sound = False
    for number in range(3):
        with pytest.raises(AssertionError, match=rf"round {number}: ([2-9]|1\d|20) winners"):  # whoever looked in time
            await _one_wins(rivals, number)
    with pytest.raises(AssertionError, match="accepted offers"):
        await check_invariants(rivals.world.database)


class ForgetfulClaims(OfferClaims):
    """Says yes and writes nothing."""

    async def claim(self, tx, offer_row, *, at):
        return True


async def _accept_again_and_again(rivals, number):
    """One caregiver taps twenty times."""
    caregiver = rivals.world.caregivers[number % CALLERS]
    order_id = await rivals.bookings.book_round(number)
    offers = await rivals.bookings.offer_to(order_id, [caregiver])
    body = {"offer_id": offers[caregiver.caregiver_id]}
    replies = await at_once(
        *(rivals.ask(caregiver, "order.accept", body, by_rpc=tap % 2 == 0) for tap in range(CALLERS))
    )
    answers = [(reply.status, reply.code, reply.data) for reply in replies]
    assert answers == [(200, "ok", replies[0].data)] * CALLERS
    assert (replies[0].data["order_id"], replies[0].data["status"]) == (order_id, "awaiting_service")
    version = (await rivals.world.order(order_id))["version"]
    assert version == 3, f"round {number}: version {version}"


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_twenty_taps_on_one_offer_are_one_change_and_twenty_equal_answers(open_world, rounds):
    rivals = await _contest(open_world)
    for number in range(rounds):
        await _accept_again_and_again(rivals, number)


async def test_the_race_is_real_with_a_forgetful_claim_every_tap_changes_the_order(open_world):
    rivals = await _contest(open_world, claims=ForgetfulClaims(), orders=UnguardedOrders)
    rivals.world.is_sound = False
    for number in range(3):
        with pytest.raises(AssertionError, match=f"round {number}: version"):
            await _accept_again_and_again(rivals, number)
