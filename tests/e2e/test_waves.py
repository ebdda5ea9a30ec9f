"""How a paid order finds its caregiver, watched from outside.

contract.md §6, "Offers", over HTTP and sockets; business time is moved by the sandbox's clock.
"""
from datetime import timedelta

import pytest
from sqlalchemy import update

from server.core.ids import new_id
from server.storage.tables.roster import t_caregiver_info
from tests.cast import NEIGHBOUR
from tests.world import until


async def _asked(peihu, order_id):
    """Everybody who was ever offered the order, in the order of asking."""
    return [row["caregiver_id"] for row in await peihu.offers(order_id)]


async def _open(peihu, order_id):
    return {row["caregiver_id"]: row["offer_id"] for row in await peihu.offers(order_id) if row["state"] == "open"}


async def _states(peihu, order_id):
    return {row["caregiver_id"]: row["state"] for row in await peihu.offers(order_id)}


async def _refund(peihu, family, order_id):
    async def back():
        shown = (await peihu.get(family, "/api/order/detail", order_id=order_id)).data
        return shown["refund"] if shown["refund"] and shown["refund"]["status"] == "succeeded" else None

    return await until(back)


@pytest.fixture
def twelve(io_loop, peihu, bookings):
    """Twelve who listen; everybody else is off."""
    listening = peihu.caregivers[:12]
    io_loop.asyncio_loop.run_until_complete(bookings.listen_only(listening))
    return listening


async def test_five_are_asked_at_once_five_after_a_minute_and_all_after_two(peihu, bookings, twelve):
    order_id = await bookings.book_paid(peihu.families[0], bookings.slot())
    assert len(await _open(peihu, order_id)) == 5
    await peihu.advance(50)
    assert len(await _open(peihu, order_id)) == 5
    await peihu.advance(10)
    assert len(await _open(peihu, order_id)) == 10
    await peihu.advance(50)
    assert len(await _open(peihu, order_id)) == 10
    await peihu.advance(10)
    assert set(await _open(peihu, order_id)) == {one.caregiver_id for one in twelve}
    assert [row["wave"] for row in await peihu.offers(order_id)] == [1] * 5 + [2] * 5 + [3] * 2


async def test_a_jump_over_both_waves_asks_all_at_once(peihu, bookings, twelve):
    order_id = await bookings.book_paid(peihu.families[0], bookings.slot())
    assert (await peihu.post(None, "/sandbox/clock", {"advance_s": 120})).is_ok

    async def all_asked():
        return len(await _open(peihu, order_id)) == 12

    await until(all_asked, within_s=1.0)


async def test_the_first_wave_goes_to_the_best(peihu, bookings, twelve):
    table, best = t_caregiver_info, [one.caregiver_id for one in twelve[3:8]]
    await peihu.database.write(
        lambda tx: tx.run(
            update(table).where(table.c.caregiver_id.in_(best)).values(rating_milli=4_900, review_count=40)
        )
    )
    order_id = await bookings.book_paid(peihu.families[0], bookings.slot())
    assert set(await _asked(peihu, order_id)) == set(best)


async def test_who_is_off_or_asks_more_or_is_busy_is_not_asked(peihu, bookings, twelve):
    busy = await bookings.book_paid(peihu.families[1], bookings.slot(), named=twelve[0])
    assert set(await _open(peihu, busy)) == {twelve[0].caregiver_id}
    assert (await peihu.post(twelve[1], "/api/caregiver/online", {"online": False})).is_ok
    order_id = await bookings.book_paid(peihu.families[0], bookings.slot())
    await peihu.advance(120)
    expected = {one.caregiver_id for one in twelve[2:]}
    assert set(await _open(peihu, order_id)) == expected


async def test_an_offer_lives_a_quarter_of_an_hour(peihu, bookings, twelve):
    caregiver = twelve[0]
    heard = await peihu.socket(caregiver)
    await bookings.listen_only((caregiver,))
    order_id = await bookings.book_paid(peihu.families[0], bookings.slot())
    [row] = await peihu.offers(order_id)
    assert row["expires_at"] - row["opened_at"] == timedelta(minutes=15)
    card = await heard.hear("offer.opened", order_id=order_id)
    assert [one["offer_id"] for one in (await peihu.get(caregiver, "/api/order/offers")).data["items"]] == [
        card["offer_id"]
    ]
    await peihu.advance(15 * 60)
    assert (await heard.hear("offer.closed", order_id=order_id))["reason"] == "expired"
    late = await peihu.post(caregiver, "/api/order/accept", {"offer_id": card["offer_id"]})
    assert (late.status, late.code) == (409, "offer_expired")
    assert (await peihu.get(caregiver, "/api/order/offers")).data["items"] == []


async def test_close_to_the_start_an_offer_lives_half_of_what_is_left(peihu, bookings, twelve):
    slot = bookings.slot(lead=timedelta(minutes=61))
    order_id = await bookings.book_paid(peihu.families[0], slot)
    await peihu.advance(50 * 60)
    order = await peihu.order(order_id)
    for row in await peihu.offers(order_id):
        half = (order["start_at"] - row["opened_at"]) / 2
        life = min(half, timedelta(minutes=15))
        assert abs(row["expires_at"] - row["opened_at"] - life) < timedelta(milliseconds=2)
    await bookings.listen_only(peihu.caregivers[:20])
    before = await peihu.offers(order_id)
    await peihu.advance(60)
    new = [row for row in await peihu.offers(order_id) if row["offer_id"] not in {one["offer_id"] for one in before}]
    assert len(new) == 8
    assert all(row["expires_at"] - row["opened_at"] < timedelta(minutes=15) for row in new)


async def test_a_later_wave_does_not_shorten_an_offer(peihu, bookings, twelve):
    order_id = await bookings.book_paid(peihu.families[0], bookings.slot())
    first = {row["offer_id"]: row["expires_at"] for row in await peihu.offers(order_id)}
    await peihu.advance(60)
    await peihu.advance(60)
    after = {row["offer_id"]: (row["expires_at"], row["state"]) for row in await peihu.offers(order_id)}
    assert {offer_id: after[offer_id] for offer_id in first} == {
        offer_id: (expires_at, "open") for offer_id, expires_at in first.items()
    }


async def test_a_named_caregiver_alone_is_asked_and_his_time_is_held(peihu, bookings, twelve):
    named, slot = twelve[0], bookings.slot()
    order_id = await bookings.book_paid(peihu.families[0], slot, named=named)
    await peihu.advance(14 * 60)
    assert set(await _asked(peihu, order_id)) == {named.caregiver_id}
    other = bookings.wish(peihu.families[1], slot, named=named)
    refused = await peihu.post(peihu.families[1], "/api/order/create", other, key=new_id())
    assert (refused.status, refused.code) == (409, "caregiver_busy")
    assert (await peihu.get(named, "/api/order/detail", order_id=order_id)).status == 404
    assert (await peihu.get(named, "/api/order/status", order_id=order_id)).status == 404
    assert await (await peihu.socket(named)).subscribe(f"order:{order_id}") == 103


async def test_a_named_caregivers_refusal_starts_the_waves_at_the_same_price(peihu, bookings, twelve):
    named, slot = twelve[0], bookings.slot()
    order_id = await bookings.book_paid(peihu.families[0], slot, named=named)
    before = await peihu.order(order_id)
    [offer_id] = (await _open(peihu, order_id)).values()
    assert (await peihu.post(named, "/api/order/reject", {"offer_id": offer_id, "reason": "有事"})).is_ok
    order = await peihu.order(order_id)
    assert (order["status"], order["version"]) == ("paid", before["version"])
    assert (order["amount_fen"], order["income_fen"]) == (before["amount_fen"], before["income_fen"])
    asked = await _open(peihu, order_id)
    assert len(asked) == 5
    assert named.caregiver_id not in asked
    freed = bookings.wish(peihu.families[1], slot, named=named)
    assert (await peihu.post(peihu.families[1], "/api/order/create", freed, key=new_id())).status == 201
    await peihu.advance(120)
    assert named.caregiver_id not in await _open(peihu, order_id)


async def test_a_named_caregivers_silence_starts_the_waves_and_frees_him(peihu, bookings, twelve):
    named, slot = twelve[0], bookings.slot()
    order_id = await bookings.book_paid(peihu.families[0], slot, named=named)
    await peihu.advance(15 * 60)
    states = await _states(peihu, order_id)
    assert states.pop(named.caregiver_id) == "expired"
    assert list(states.values()) == ["open"] * 5
    freed = bookings.wish(peihu.families[1], slot, named=named)
    assert (await peihu.post(peihu.families[1], "/api/order/create", freed, key=new_id())).status == 201


async def test_whoever_refused_or_was_silent_is_not_asked_again(peihu, bookings, twelve):
    order_id = await bookings.book_paid(peihu.families[0], bookings.slot())
    asked = await _open(peihu, order_id)
    refused_by = next(one for one in twelve if one.caregiver_id in asked)
    offer_id = asked[refused_by.caregiver_id]
    again = [await peihu.post(refused_by, "/api/order/reject", {"offer_id": offer_id, "reason": ""}) for _ in "12"]
    assert [(answer.status, answer.data) for answer in again] == [(200, again[0].data)] * 2
    await peihu.advance(120)
    await peihu.advance(16 * 60)
    await peihu.advance(120)
    asked = await _asked(peihu, order_id)
    assert len(asked) == len(set(asked)) == 12


async def test_nobody_until_the_start_cancels_with_a_full_refund(peihu, bookings, twelve):
    family, slot = peihu.families[0], bookings.slot(lead=timedelta(hours=3))
    heard = await peihu.socket(family)
    order_id = await bookings.book_paid(family, slot)
    await peihu.advance((slot[0] - peihu.clock.now()).total_seconds() - 60)
    assert (await peihu.order(order_id))["status"] == "paid"
    await peihu.advance(60)
    order = await peihu.order(order_id)
    assert (order["status"], order["cancelled_by"]) == ("cancelled", "system")
    assert (await heard.hear("order.status", status="cancelled"))["order_id"] == order_id
    refund = await _refund(peihu, family, order_id)
    assert refund["amount_fen"] == order["amount_fen"]
    assert "open" not in (await _states(peihu, order_id)).values()


async def test_nobody_for_a_day_after_payment_cancels_with_a_full_refund(peihu, bookings, twelve):
    family = peihu.families[0]
    order_id = await bookings.book_paid(family, bookings.slot(lead=timedelta(hours=72)))
    await peihu.advance(24 * 3600 - 60)
    assert (await peihu.order(order_id))["status"] == "paid"
    await peihu.advance(60)
    assert (await peihu.order(order_id))["status"] == "cancelled"
    assert (await _refund(peihu, family, order_id))["amount_fen"] == (await peihu.order(order_id))["amount_fen"]


async def test_the_siblings_of_an_accepted_offer_end_taken(peihu, bookings, twelve):
    order_id = await bookings.book_paid(peihu.families[0], bookings.slot())
    asked = await _open(peihu, order_id)
    winner, loser = [one for one in twelve if one.caregiver_id in asked][:2]
    heard = await peihu.socket(loser)
    accepted = await peihu.post(winner, "/api/order/accept", {"offer_id": asked[winner.caregiver_id]})
    assert (accepted.data["order_id"], accepted.data["status"]) == (order_id, "awaiting_service")
    closed = await heard.hear("offer.closed", offer_id=asked[loser.caregiver_id])
    assert closed == {"offer_id": asked[loser.caregiver_id], "order_id": order_id, "reason": "taken"}
    states = await _states(peihu, order_id)
    assert states.pop(winner.caregiver_id) == "accepted"
    assert set(states.values()) == {"taken"}
    late = await peihu.post(loser, "/api/order/accept", {"offer_id": asked[loser.caregiver_id]})
    assert (late.status, late.code) == (409, "offer_taken")
    await peihu.advance(120)
    assert len(await _asked(peihu, order_id)) == 5


async def test_cancelling_withdraws_every_open_offer(peihu, bookings, twelve):
    family = peihu.families[0]
    order_id = await bookings.book_paid(family, bookings.slot())
    asked = await _open(peihu, order_id)
    caregiver = next(one for one in twelve if one.caregiver_id in asked)
    heard = await peihu.socket(caregiver)
    cancelled = await peihu.post(family, "/api/order/cancel", {"order_id": order_id, "reason": "改期"})
    assert (cancelled.data["status"], cancelled.data["fee_fen"]) == ("cancelled", 0)
    closed = await heard.hear("offer.closed", offer_id=asked[caregiver.caregiver_id])
    assert closed["reason"] == "withdrawn"
    assert set((await _states(peihu, order_id)).values()) == {"withdrawn"}
    late = await peihu.post(caregiver, "/api/order/accept", {"offer_id": asked[caregiver.caregiver_id]})
    assert (late.status, late.code) == (409, "offer_withdrawn")


async def test_accepting_withdraws_the_caregivers_other_offers_of_that_time_only(peihu, bookings, twelve):
    caregiver = twelve[0]
    await bookings.listen_only((caregiver,))
    slot, later = bookings.slot(), bookings.slot(1)
    chosen = await bookings.book_paid(peihu.families[0], slot)
    overlapping = await bookings.book_paid(peihu.families[1], slot, hospital_id=NEIGHBOUR)
    apart = await bookings.book_paid(peihu.families[2], later)
    [offer_id] = (await _open(peihu, chosen)).values()
    heard = await peihu.socket(caregiver)
    assert (await peihu.post(caregiver, "/api/order/accept", {"offer_id": offer_id})).is_ok
    assert (await heard.hear("offer.closed", order_id=overlapping))["reason"] == "withdrawn"
    assert await _states(peihu, overlapping) == {caregiver.caregiver_id: "withdrawn"}
    assert await _states(peihu, apart) == {caregiver.caregiver_id: "open"}
    [other] = await peihu.offers(overlapping)
    late = await peihu.post(caregiver, "/api/order/accept", {"offer_id": other["offer_id"]})
    assert (late.status, late.code) == (409, "offer_withdrawn")


async def test_a_caregivers_withdrawal_asks_others_and_ends_his_access_at_once(peihu, bookings, twelve):
    caregiver, family = twelve[0], peihu.families[0]
    order_id = await bookings.book_paid(family, bookings.slot(), named=caregiver)
    [offer_id] = (await _open(peihu, order_id)).values()
    assert (await peihu.post(caregiver, "/api/order/accept", {"offer_id": offer_id})).is_ok
    channel = f"order:{order_id}"
    heard = await peihu.socket(caregiver)
    others = {one.caregiver_id: await peihu.socket(one) for one in twelve[1:]}
    assert await heard.subscribe(channel) == 0
    assert (await peihu.get(caregiver, "/api/order/detail", order_id=order_id)).is_ok
    gone = await peihu.post(caregiver, "/api/order/cancel", {"order_id": order_id, "reason": "生病"})
    told = {name: gone.data[name] for name in ("order_id", "status", "refund_fen", "fee_fen")}
    assert told == {"order_id": order_id, "status": "paid", "refund_fen": 0, "fee_fen": 0}
    assert (await peihu.get(caregiver, "/api/order/detail", order_id=order_id)).status == 404
    assert (await peihu.get(caregiver, "/api/order/status", order_id=order_id)).status == 404
    assert (await heard.hear_unsubscribed(channel))["code"] < 2500
    assert await heard.subscribe(channel) == 103
    asked = await _open(peihu, order_id)
    assert len(asked) == 5
    assert caregiver.caregiver_id not in asked
    for caregiver_id in asked:
        await others[caregiver_id].hear("offer.opened", order_id=order_id)
    shown = (await peihu.get(family, "/api/order/detail", order_id=order_id)).data
    assert (shown["status"], shown["caregiver"], shown["caregiver_id"]) == ("paid", None, None)
    assert "start_code" not in shown
    await peihu.advance(120)
    assert caregiver.caregiver_id not in await _open(peihu, order_id)
    again = await peihu.post(caregiver, "/api/order/cancel", {"order_id": order_id, "reason": "生病"})
    assert (again.status, again.data) == (200, gone.data)


async def test_another_caregivers_offer_does_not_exist(peihu, bookings, twelve):
    order_id = await bookings.book_paid(peihu.families[0], bookings.slot(), named=twelve[0])
    [offer_id] = (await _open(peihu, order_id)).values()
    for path, more in (("accept", {}), ("reject", {"reason": ""})):
        refused = await peihu.post(twelve[1], f"/api/order/{path}", {"offer_id": offer_id} | more)
        assert (refused.status, refused.code) == (404, "not_found")
