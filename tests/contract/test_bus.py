"""What every bus promises, on two instances of each."""

import pytest

from server.storage.pubsub.in_process import Exchange, InProcessBus
from server.storage.pubsub.port import ChannelMessage, ControlMessage

EVENT = ChannelMessage("order:1", "epoch", 1, b'{"type":"chat.message"}')


class Instance:
    """A bus and what its receivers were given."""

    def __init__(self, bus):
        self.bus = bus
        self.messages = []
        self.orders = []
        bus.on_channel(self.messages.append)
        bus.on_control(self.orders.append)


def in_process():
    exchange = Exchange()
    return Instance(InProcessBus(exchange=exchange)), Instance(InProcessBus(exchange=exchange))


@pytest.fixture(params=[in_process])
def two(request, io_loop):
    instances = request.param()
    yield instances
    for instance in instances:
        io_loop.run_sync(instance.bus.close)


async def test_a_message_reaches_every_instance_that_follows_its_channel_and_no_other(two):
    here, there = two
    await here.bus.follow("order:1")
    await there.bus.follow("order:2")
    await here.bus.publish(EVENT)
    await there.bus.publish(EVENT)
    assert here.messages == [EVENT, EVENT]
    assert there.messages == []


async def test_following_twice_delivers_once(two):
    here, there = two
    await here.bus.follow("order:1")
    await here.bus.follow("order:1")
    await there.bus.publish(EVENT)
    assert here.messages == [EVENT]


async def test_after_unfollow_nothing_of_the_channel_arrives(two):
    here, there = two
    await here.bus.follow("order:1")
    await here.bus.unfollow("order:1")
    await here.bus.unfollow("order:never-followed")
    await there.bus.publish(EVENT)
    assert here.messages == []


async def test_messages_of_one_channel_arrive_in_the_order_of_their_publishing(two):
    here, there = two
    await here.bus.follow("order:1")
    sent = [ChannelMessage("order:1", "epoch", offset, b"{}") for offset in range(1, 50)]
    for message in sent:
        await there.bus.publish(message)
    assert here.messages == sent


async def test_what_is_never_stored_travels_without_an_offset(two):
    here, there = two
    await here.bus.follow("order:1")
    await there.bus.publish(ChannelMessage("order:1", "", None, '{"名":"陪护"}'.encode()))
    assert here.messages[0].offset is None
    assert here.messages[0].data.decode() == '{"名":"陪护"}'


async def test_a_control_message_reaches_every_instance_the_sender_included(two):
    here, there = two
    order = ControlMessage("revoke", {"user_id": "u1", "code": 3503})
    await here.bus.broadcast(order)
    assert here.orders == [order]
    assert there.orders == [order]


@pytest.mark.expects_warnings
async def test_a_receiver_that_raises_hurts_neither_the_publisher_nor_other_receivers(two):
    here, there = two

    def broken(_message):
        raise RuntimeError("a bug in a receiver")

    await here.bus.follow("order:1")
    await there.bus.follow("order:1")
    here.bus.on_channel(broken)
    await here.bus.publish(EVENT)
    await here.bus.publish(EVENT)
    assert there.messages == [EVENT, EVENT]


async def test_a_closed_bus_receives_nothing(two):
    here, there = two
    await here.bus.follow("order:1")
    await here.bus.close()
    await there.bus.publish(EVENT)
    await there.bus.broadcast(ControlMessage("revoke", {}))
    assert here.messages == []
    assert here.orders == []
