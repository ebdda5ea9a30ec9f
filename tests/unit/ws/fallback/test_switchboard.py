"""Requests that reach another instance than the one that holds the connection."""

import asyncio
import json
from collections import Counter

import pytest

from server.core.errors import Refused, Unavailable
from server.core.ids import new_id
from server.core.tasks import Tasks
from server.storage.pubsub.in_process import Exchange, InProcessBus
from server.storage.pubsub.port import ControlMessage
from server.ws.fallback.switchboard import Switchboard
from server.ws.limits import Limits
from server.ws.wire.answers import Address
from tests.unit.ws.fallback.streams import listening
from tests.unit.ws.place import place


class Ear:
    """A connection that hears at once, or holds everything up."""

    def __init__(self):
        self.heard, self.gate = [], None

    def receive(self, message):
        self.heard.append(message)
        return None if self.gate is None else self.gate.wait()


class AwayBus(InProcessBus):
    is_away = False

    async def broadcast(self, message):
        if self.is_away:
            raise Unavailable
        await super().broadcast(message)


def instance(exchange, **limits):
    bus, counts = AwayBus(exchange=exchange), Counter()
    made = Switchboard(bus=bus, tasks=Tasks("test"), limits=Limits(**limits), counts=counts)
    bus.on_control(made.obey)
    return made, bus


@pytest.fixture
def exchange(io_loop):
    return Exchange()


async def refusal(board, address, message="x"):
    with pytest.raises(Refused) as refused:
        await board.deliver(address, message)
    return refused.value.code


async def test_any_instance_takes_a_message_for_any_other(exchange):
    (owner, _), (other, _), (third, _) = (instance(exchange) for _ in range(3))
    ear, address = Ear(), owner.address()
    owner.enter(address, ear)
    await other.deliver(address, "over the bus")
    await owner.deliver(address, "directly")
    await other.deliver(address, b"\x00\xff bytes")
    assert ear.heard == ["over the bus", "directly", b"\x00\xff bytes"]
    assert not other._asked and not third._asked


async def test_unknown_sessions_and_nodes_are_not_found(exchange):
    (owner, _), (other, _) = instance(exchange), instance(exchange, emulation_answer_s=0.05)
    address = owner.address()
    for board in (owner, other):
        assert await refusal(board, address) == "not_found"
    assert await refusal(other, Address(address.session, new_id())) == "not_found"
    for nonsense in ("", "x" * 26_000, "no id"):
        assert await refusal(other, Address(address.session, nonsense)) == "not_found"
    owner.enter(address, Ear())
    owner.leave(address)
    assert await refusal(owner, address) == "not_found"


async def test_a_connection_that_is_busy_is_told_as_such_across_instances(exchange):
    (owner, _), (other, _) = instance(exchange, emulated_waiting_bytes=4), instance(exchange)
    ear, address = Ear(), owner.address()
    ear.gate = asyncio.Event()
    owner.enter(address, ear)
    await other.deliver(address, "slow")
    await other.deliver(address, "wait")
    assert await refusal(other, address, "more") == "too_many_requests"
    ear.gate.set()


async def test_questions_are_bounded_and_a_lost_bus_is_unavailable(exchange):
    (owner, _), (other, bus) = instance(exchange), instance(exchange, emulation_answer_s=0.2, emulations_asked=2)
    nowhere = Address("s", new_id())
    asking = [asyncio.ensure_future(refusal(other, nowhere)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await other.deliver(nowhere, "one too many")
    assert await asyncio.gather(*asking) == ["not_found", "not_found"]
    bus.is_away = True
    with pytest.raises(Unavailable):
        await other.deliver(owner.address(), "x")
    assert not other._asked


async def test_nonsense_on_the_bus_changes_nothing(exchange):
    board, bus = instance(exchange)
    for body in ({}, {"node": board.node}, {"node": board.node, "base64": "!"}):
        for kind in ("emulation", "emulation_answer"):
            await bus.broadcast(ControlMessage(kind, body))
    assert board._counts["poison_messages"] == 2 and not bus.counts["receiver_failed"]


async def test_over_http_unknown_nodes_and_sessions_are_404_and_oversize_413(database, outbox):
    async with place(database, outbox, emulation_answer_s=0.05) as here:
        client = await listening(here)
        ping = json.dumps({"id": 9, "ping": {}})
        assert await client.post(here.port, ping) == 204
        assert "ping" in await client.next()
        assert await client.post(here.port, ping, session="nobody") == 404
        assert await client.post(here.port, ping, node=new_id()) == 404
        assert await client.post(here.port, "x" * 65_537) == 413
        assert await client.post(here.port, 5) == 400
        assert await client.post(here.port, ping, headers={"Content-Type": "text/plain"}) == 415
        assert await client.post(here.port, "not json") == 204
        assert await client.ending() == (3501, "bad request")
        assert await client.post(here.port, ping) == 404
