"""What every bus promises, on two instances of each."""

import asyncio

import pytest

from server.storage.pubsub.in_process import Exchange, InProcessBus
from server.storage.pubsub.port import ChannelMessage, ControlMessage
from tests.buses import Instance, event, heard, joined, started
from tests.fault.server_process import until

EVENT = event()


def in_process(_request):
    exchange = Exchange()
    return Instance(InProcessBus(exchange=exchange)), Instance(InProcessBus(exchange=exchange))


def over_redis(request):
    url = request.getfixturevalue("redis_url")
    return joined(url), joined(url)


def watched_by_sentinels(request):
    url = request.getfixturevalue("watched_redis").url
    return joined(url), joined(url)


def over_a_cluster(request):
    url = request.getfixturevalue("redis_cluster").url
    return joined(url), joined(url)


@pytest.fixture(
    params=[
        in_process,
        pytest.param(over_redis, marks=pytest.mark.services),
        pytest.param(watched_by_sentinels, marks=pytest.mark.services),
        pytest.param(over_a_cluster, marks=pytest.mark.services),
    ]
)
def two(request, io_loop):
    instances = request.param(request)
    io_loop.run_sync(lambda: started(*instances))
    yield instances
    for instance in instances:
        io_loop.run_sync(instance.close)


async def test_a_message_reaches_every_instance_that_follows_its_channel_and_no_other(two):
    here, there = two
    await here.bus.follow("order:1")
    await there.bus.follow("order:2")
    await here.bus.publish(EVENT)
    await there.bus.publish(EVENT)
    await heard(here, there)
    assert here.messages == [EVENT, EVENT]
    assert there.messages == []


async def test_following_twice_delivers_once(two):
    here, there = two
    await here.bus.follow("order:1")
    await here.bus.follow("order:1")
    await there.bus.publish(EVENT)
    await heard(here, there)
    assert here.messages == [EVENT]


async def test_after_unfollow_nothing_of_the_channel_arrives(two):
    here, there = two
    await here.bus.follow("order:1")
    await here.bus.unfollow("order:1")
    await here.bus.unfollow("order:never-followed")
    await there.bus.publish(EVENT)
    await heard(here, there)
    assert here.messages == []


async def test_messages_of_one_channel_arrive_in_the_order_of_their_publishing(two):
    here, there = two
    await here.bus.follow("order:1")
    sent = [ChannelMessage("order:1", "epoch", offset, b"{}") for offset in range(1, 50)]
    for message in sent:
        await there.bus.publish(message)
    await heard(here, there)
    assert here.messages == sent


async def test_what_is_never_stored_travels_without_an_offset(two):
    here, there = two
    await here.bus.follow("order:1")
    await there.bus.publish(ChannelMessage("order:1", "", None, '{"名":"陪护"}'.encode()))
    await heard(here, there)
    assert here.messages[0].offset is None
    assert here.messages[0].data.decode() == '{"名":"陪护"}'


async def test_a_control_message_reaches_every_instance_the_sender_included(two):
    here, there = two
    order = ControlMessage("revoke", {"user_id": "u1", "code": 3503})
    await here.bus.broadcast(order)
    await heard(here, there)
    assert here.orders == [order]
    assert there.orders == [order]


@pytest.mark.expects_warnings
async def test_a_receiver_that_raises_hurts_neither_the_publisher_nor_other_receivers(two):
    here, there = two

    def broken(message):
        if message == EVENT:
            raise RuntimeError("a bug in a receiver")
        here.received.append(message)

    await here.bus.follow("order:1")
    await there.bus.follow("order:1")
    here.bus.on_channel(broken)
    await here.bus.publish(EVENT)
    await here.bus.publish(EVENT)
    await heard(here, there)
    assert there.messages == [EVENT, EVENT]


async def test_a_closed_bus_receives_nothing(two):
    here, there = two
    await here.bus.follow("order:1")
    await here.bus.close()
    await there.bus.publish(EVENT)
    await there.bus.broadcast(ControlMessage("revoke", {}))
    assert here.messages == []
    assert here.orders == []


async def test_a_channel_that_is_left_and_joined_at_once_is_heard(two):
    here, there = two
    for _ in range(20):
        await here.bus.follow("order:1")
        await here.bus.unfollow("order:1")
    await here.bus.follow("order:1")
    await there.bus.publish(EVENT)
    await heard(here, there)
    assert here.messages == [EVENT]


async def test_very_many_channels_are_followed_at_once_and_each_is_heard(two):
    here, there = two
    names = [f"user:{number}" for number in range(1_500)]
    await asyncio.gather(*(here.bus.follow(name) for name in names))
    for name in names:
        await there.bus.publish(event(channel=name))
    await until(lambda: len(here.messages) == len(names), within_s=20, what="all of them")
    assert sorted(one.channel for one in here.messages) == sorted(names)


async def test_the_largest_event_travels(two):
    here, there = two
    await here.bus.follow("order:1")
    large = event(data=b"x" * 1_048_576)
    await there.bus.publish(large)
    await there.bus.publish(EVENT)
    await heard(here, there)
    assert here.messages == [large, EVENT]
