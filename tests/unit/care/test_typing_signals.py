"""Typing is told at once and kept nowhere."""
import json

import pytest

from server.care.commands import SignalTyping
from server.care.typing_signals import TypingSignals
from server.core.channels import order_channel
from server.core.errors import Refused
from tests.unit.care.visits import call_of


class Ticks:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def ticks():
    return Ticks()


@pytest.fixture
def signals(database, orders, bus, clock, ticks):
    return TypingSignals(
        database=database, orders=orders, bus=bus, clock=clock, trusted_for_s=1.0, remembered=2, monotonic=ticks
    )


@pytest.fixture
def heard(bus, io_loop, visit):
    messages = []
    bus.on_channel(messages.append)
    io_loop.asyncio_loop.run_until_complete(bus.follow(order_channel(visit.order_id)))
    return messages


async def test_typing_is_told_without_a_position(signals, heard, log, visit):
    assert await signals.typing(call_of(visit.booker), SignalTyping(order_id=visit.order_id)) == {}
    (message,) = heard
    event = json.loads(message.data)
    assert (message.offset, event["type"], event["data"]) == (None, "chat.typing", {"user_id": visit.booker.user_id})
    assert (await log.top(order_channel(visit.order_id))).offset == 0


async def test_those_who_may_not_chat_may_not_type(signals, heard, visit):
    for actor, code in (
        (visit.silent_viewer, "forbidden"), (visit.admin, "forbidden"),
        (visit.stranger, "not_found"), (visit.other_caregiver, "not_found"),
    ):
        with pytest.raises(Refused) as caught:
            await signals.typing(call_of(actor), SignalTyping(order_id=visit.order_id))
        assert caught.value.code == code
    await visit.change(status="cancelled")
    with pytest.raises(Refused) as caught:
        await signals.typing(call_of(visit.booker), SignalTyping(order_id=visit.order_id))
    assert caught.value.code == "chat_closed"
    assert heard == []


async def test_a_replaced_caregiver_is_silent_when_the_trust_has_run_out(signals, heard, visit, ticks):
    command = SignalTyping(order_id=visit.order_id)
    await signals.typing(call_of(visit.caregiver), command)
    await visit.change(caregiver_id=None, status="paid")
    ticks.now += 1.0
    with pytest.raises(Refused):
        await signals.typing(call_of(visit.caregiver), command)
    assert len(heard) == 1


async def test_what_is_remembered_is_bounded(signals, heard, visit):
    for actor in (visit.booker, visit.viewer, visit.caregiver):
        await signals.typing(call_of(actor), SignalTyping(order_id=visit.order_id))
    assert len(heard) == 3
    assert len(signals._allowed_until) <= 2
