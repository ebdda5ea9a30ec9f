"""Everybody does everything six times at once, over two instances: one change, no answer that is a fault.

Two thumbs, a phone that sends again, a tablet and a phone. The order of the copies is the servers' affair; that one of
them is done, that the others hear why not, and that none ends in 500 is ours.
"""
import asyncio
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from server.core.clock import shanghai_text
from server.core.ids import new_id
from server.demo.numbers import id_number
from server.storage.tables.care import chat_message, service_note
from server.storage.tables.roster import t_patient_info
from tests.race.rivals import Rivals, at_once, two_instances
from tests.race.test_accept import ForgetfulClaims
from tests.race.unguarded import UnguardedOrders
from tests.unit.roster.stage import PROFILE, SERVICE

COPIES = 6


@pytest.fixture
def rivals(io_loop, open_world):
    return io_loop.run_sync(lambda: _rivals(open_world))


async def _rivals(open_world, **guards):
    rivals = Rivals(await open_world(*two_instances(**guards)))
    world = rivals.world
    await rivals.join(world.families[0], world.families[1], world.caregivers[0], sockets=2)
    return rivals


async def _same(rivals, person, verb, body, *, refused=(), by_rpc=True, key=None):
    """The data of the copies that were done; the others may only have been refused for one of these."""
    asked = (rivals.ask(person, verb, body, by_rpc=by_rpc and copy % 2 == 1, key=key) for copy in range(COPIES))
    replies = await at_once(*asked)
    done = [reply.data for reply in replies if reply.is_ok]
    codes = {reply.code for reply in replies if not reply.is_ok}
    assert codes <= set(refused), f"{verb}: {codes}"
    assert done, f"{verb}: nobody was let through"
    return done


async def _booked(rivals):
    """A paid order that waits for the first caregiver."""
    world, bookings = rivals.world, rivals.bookings
    await bookings.listen_only(())
    family, caregiver = world.families[0], world.caregivers[0]
    made = await _same(
        rivals, family, "order.create", bookings.wish(family, bookings.slot()), key=new_id(),
        refused=["idempotency_in_progress"],
    )  # fmt: skip
    order = made[0]
    assert {one["order_id"] for one in made} == {order["order_id"]}
    paying = {"order_id": order["order_id"], "method": "sandbox", "amount_fen": order["amount_fen"]}
    refused = ["payment_in_progress", "wrong_state"]
    asked = (rivals.ask(family, "order.pay", paying, by_rpc=copy % 2 == 1, key=new_id()) for copy in range(COPIES))
    replies = await at_once(*asked)
    assert sum(reply.is_ok for reply in replies) == 1
    assert {reply.code for reply in replies} <= {"ok", *refused}
    await bookings.await_status(order["order_id"], "paid")
    return order["order_id"], (await bookings.offer_to(order["order_id"], [caregiver]))[caregiver.caregiver_id]


async def _accept(rivals, order_id, offer_id):
    caregiver = rivals.world.caregivers[0]
    assert len(await _same(rivals, caregiver, "order.accept", {"offer_id": offer_id})) == COPIES
    version = (await rivals.world.order(order_id))["version"]
    assert version == 3, f"version {version} after one accept"


async def test_an_order_goes_its_way_one_step_at_a_time(rivals):
    world = rivals.world
    family, caregiver = world.families[0], world.caregivers[0]
    order_id, offer_id = await _booked(rivals)
    await _accept(rivals, order_id, offer_id)
    await world.advance(timedelta(hours=26).total_seconds())
    code = (await world.get(family, "/api/order/detail", order_id=order_id)).data["start_code"]
    here = {"order_id": order_id}
    await _same(rivals, caregiver, "order.start", here | {"start_code": code})
    at = shanghai_text(world.clock.now())
    note = here | {"msg_id": new_id(), "kind": "vital", "vitals": {"pulse_bpm": 72}, "recorded_at": at}
    message = here | {"msg_id": new_id(), "kind": "text", "text": "在门诊大厅等您"}
    noted, said = await asyncio.gather(
        _same(rivals, caregiver, "note.append", note), _same(rivals, family, "chat.send", message)
    )
    assert {len(noted), len(said)} == {COPIES} and noted == noted[:1] * COPIES and said == said[:1] * COPIES
    assert await _count(world, chat_message) == 1 and await _count(world, service_note) == 1
    await _same(rivals, caregiver, "chat.read", here | {"offset": said[0]["offset"]})
    await _same(rivals, caregiver, "order.finish", here | {"summary": "已送回家"})
    await _same(rivals, family, "order.confirm", here)
    review = here | {"score": 5, "content": "很好"}
    assert len(await _same(rivals, family, "order.review", review, refused=["already_reviewed"])) == 1
    [case] = await _same(
        rivals, caregiver, "caregiver.case", here | {"summary": "术后陪护一天"}, by_rpc=False, refused=["wrong_state"]
    )
    await _same(
        rivals, family, "order.case_consent", {"case_id": case["case_id"], "agree": True}, by_rpc=False,
        refused=["wrong_state"],
    )  # fmt: skip
    await _same(rivals, family, "message.read", {"all": True}, by_rpc=False)
    order = await world.order(order_id)
    assert (order["status"], order["version"]) == ("completed", 6)


async def _count(world, table):
    return (await world.one(select(func.count().label("n")).select_from(table)))["n"]


async def test_the_race_is_real_without_conditions_one_accept_changes_an_order_again_and_again(open_world):
    rivals = await _rivals(open_world, claims=ForgetfulClaims(), orders=UnguardedOrders)
    rivals.world.is_sound = False
    with pytest.raises(AssertionError, match="after one accept"):
        await _accept(rivals, *await _booked(rivals))


async def test_an_order_is_cancelled_once(rivals):
    world = rivals.world
    order_id, offer_id = await _booked(rivals)
    await _accept(rivals, order_id, offer_id)
    cancelled = await _same(rivals, world.families[0], "order.cancel", {"order_id": order_id, "reason": "改期"})
    assert cancelled == cancelled[:1] * COPIES
    assert (await world.order(order_id))["version"] == 4


async def test_what_a_caregiver_says_of_himself_is_saved_whole(rivals):
    world, caregiver = rivals.world, rivals.world.caregivers[0]
    shown = (await world.get(caregiver, "/api/caregiver/profile")).data
    profile = PROFILE | {name: shown[name] for name in ("name", "gender", "birth_date")}
    await asyncio.gather(
        _same(rivals, caregiver, "caregiver.profile", profile, by_rpc=False),
        _same(rivals, caregiver, "caregiver.service", SERVICE, by_rpc=False),
        _same(rivals, caregiver, "caregiver.online", {"online": True}, by_rpc=False),
    )
    shown = (await world.get(caregiver, "/api/caregiver/profile")).data
    assert sorted(shown["districts"]) == sorted(PROFILE["districts"])
    saved = (await world.get(caregiver, "/api/caregiver/service")).data
    assert len(saved["weekly_hours"]) == len(SERVICE["weekly_hours"])


async def test_a_patient_is_entered_once_and_joined_once(rivals):
    world = rivals.world
    family, relative = world.families[:2]
    patient = {
        "name": "王桂芬", "birth_date": "1948-05-06", "gender": "female", "relation": "parent",
        "id_number": id_number(7, birth_date=date(1948, 5, 6), gender="female"), "health_consent": True,
    }  # fmt: skip
    [made] = await _same(rivals, family, "patient.create", patient, by_rpc=False, refused=["duplicate", "invalid"])
    mine = select(func.count().label("n")).where(t_patient_info.c.user_id == family.user_id)
    assert (await world.one(mine))["n"] == len(family.patient_ids) + 1
    here = {"patient_id": made["patient_id"]}
    await _same(rivals, family, "patient.update", here | {"bed_no": "12 床"}, by_rpc=False)
    code = (await _same(rivals, family, "patient.invite", here, by_rpc=False))[0]["invite_code"]
    await _same(rivals, relative, "patient.join", {"invite_code": code}, by_rpc=False, refused=["not_found"])


async def test_what_administrators_decide_is_decided_once(rivals):
    world = rivals.world
    [someone] = world.families[5:6]
    about = {"user_id": someone.user_id, "reason": "核对权限"}
    for verb in ("admin.user.warn", "admin.user.ban", "admin.user.unban"):
        await _same(rivals, world.admin, verb, about, by_rpc=False, refused=["wrong_state"])
    consent = {"purpose": "behaviour", "agree": True}
    await _same(rivals, world.families[0], "user.consent", consent, by_rpc=False)
