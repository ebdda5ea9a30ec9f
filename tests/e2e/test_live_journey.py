"""A live connection from connect to logout, with the official Python client."""
import asyncio

import pytest
from centrifuge import ClientState
from centrifuge.exceptions import ReplyError

from server.demo.tale.wire import Wire
from tests.e2e.live import ARRIVES_WITHIN_S, Live
from tests.e2e.people import log_in
from tests.e2e.ward import PASSWORD


async def test_the_own_channel_is_there_at_connect_and_brings_what_happens(served, ward):
    async with Live(served.port, ward.family.token) as family:
        subscribed = await family.told.hear("subscribed")
        assert (subscribed.channel, subscribed.recoverable) == (f"user:{ward.family.user_id}", True)
        order = await asyncio.to_thread(ward.visits.book, hours_ahead=30)
        payment_id = await asyncio.to_thread(ward.visits.pay, order)
        paid = await family.inbox.await_event(
            "payment.status", where=lambda e: e.data["payment_id"] == payment_id, within_s=ARRIVES_WITHIN_S
        )
        assert paid.channel == f"user:{ward.family.user_id}"
        assert paid.data["order_id"] == order["order_id"] and paid.data["status"] == "succeeded"
        notice = await family.inbox.await_event(
            "notice", where=lambda e: e.data["order_id"] == order["order_id"], within_s=ARRIVES_WITHIN_S
        )
        assert notice.data["template"] == "booking_succeeded"


async def test_what_was_missed_while_the_wire_was_cut_comes_once_and_in_order(served, ward):
    wire = Wire(host="127.0.0.1", port=served.port)
    through = await wire.open()
    async with Live(served.port, ward.carer.token) as carer, Live(through, ward.family.token) as family:
        follows = await family.follow(ward.channel)
        sent = [await carer.client.rpc("chat.send", ward.message("线断之前"))]
        assert await family.inbox.await_position(ward.channel, sent[0].data["offset"], within_s=ARRIVES_WITHIN_S)
        wire.cut()
        sent += [await carer.client.rpc("chat.send", ward.message(f"第{number}句")) for number in range(5)]
        await family.told.hear("connecting", times=2)
        assert max(family.inbox.offsets(ward.channel)) == sent[0].data["offset"]
        wire.mend()
        assert await follows.settled(times=2, within_s=ARRIVES_WITHIN_S)
        assert follows.subscribed[-1].was_recovering and follows.subscribed[-1].recovered
        last = sent[-1].data["offset"]
        assert await family.inbox.await_position(ward.channel, last, within_s=ARRIVES_WITHIN_S)
        assert family.inbox.offsets(ward.channel) == [one.data["offset"] for one in sent]
    await wire.close()


async def test_a_refused_call_carries_the_status_and_the_stable_code(served, ward):
    async with Live(served.port, ward.family.token) as family:
        unknown = ward.message("你好") | {"order_id": "nobody"}
        assert await family.refusal("chat.send", unknown) == (404, "not_found", False)
        assert await family.refusal("chat.send", ward.message("")) == (422, "invalid:text", False)
        surplus = ward.message("你好") | {"to": "all"}
        assert await family.refusal("chat.send", surplus) == (422, "unknown_field:to", False)
        assert await family.refusal("order.accept", {"offer_id": "x"}) == (403, "forbidden", False)
        assert await family.refusal("order.confirm", {"order_id": ward.order_id}) == (409, "wrong_state", False)
        assert await family.refusal("order.pay", {"order_id": ward.order_id}) == (
            400, "idempotency_key_required", False,
        )
        assert await family.refusal("order.vanish", {}) == (104, "method not found", False)


async def test_nobody_publishes_and_nobody_follows_what_is_not_theirs(served, ward):
    async with Live(served.port, ward.stranger.token) as stranger:
        for channel in (ward.channel, "order:nobody", f"user:{ward.family.user_id}", "ops", "news"):
            follows = await stranger.follow(channel)
            assert follows.refusal is not None and follows.refusal.code == 103, channel
            with pytest.raises(ReplyError) as refused:
                await stranger.client.publish(channel, {"text": "x"})
            assert refused.value.code == 103
    async with Live(served.port, ward.family.token) as family:
        assert (await family.follow(ward.channel)).subscribed
        with pytest.raises(ReplyError) as refused:
            await family.client.publish(ward.channel, {"text": "x"})
        assert refused.value.code == 103


async def test_an_expired_token_is_renewed_at_connect_and_a_dying_one_while_connected(served, ward):
    person, asked = log_in(ward.family.caller, ward.family.phone, PASSWORD), asyncio.Event()
    async def renew() -> str:
        renewed = person.caller.post("/api/user/refresh", {"refresh_token": person.refresh_token})
        person.token, person.refresh_token = renewed["token"], renewed["refresh_token"]
        asked.set()
        return person.token

    async with Live(served.port, ward.aged(person, left_s=-30), get_token=renew) as live:
        assert asked.is_set() and live.client.state is ClientState.CONNECTED
    asked.clear()
    async with Live(served.port, ward.aged(person, left_s=2), get_token=renew) as live:
        await asyncio.wait_for(asked.wait(), ARRIVES_WITHIN_S)
        assert (await live.client.rpc("chat.typing", {"order_id": ward.order_id})) is not None
        assert live.told.count("connected") == 1, "the connection went on"


async def test_a_logout_closes_the_socket_for_good(served, ward):
    person = log_in(ward.family.caller, ward.family.phone, PASSWORD)
    async with Live(served.port, person.token) as live:
        await asyncio.to_thread(person.post, "/api/user/logout")
        gone = await live.told.hear("disconnected")
        assert (gone.code, bool(gone.reason)) == (3503, True)
        assert live.client.state is ClientState.DISCONNECTED
        assert person.ask("GET", "/api/user/me").status == 401


async def test_a_token_that_is_none_is_refused_for_good(served, ward):
    async with Live(served.port, "abc.def.ghi", ready=False) as live:
        gone = await live.told.hear("disconnected")
        assert gone.code == 3500
