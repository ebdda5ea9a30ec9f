"""When what was queued leaves."""

import asyncio

from server.ws.channel import Channel
from server.ws.outbound import Turn
from server.ws.rules import ChannelRule
from server.ws.seat import Seat
from server.ws.wire.answers import Publication
from server.ws.wire.json_codec import JsonCodec

CODEC = JsonCodec(commands_per_frame=10)


class Receiver:
    """As much of `Outbound` as a turn touches."""

    def __init__(self, turn: Turn) -> None:
        self.queued: list[bytes] = []
        self.sends: list[int] = []
        self._turn = turn

    def put(self, frame: bytes) -> None:
        if not self.queued:
            self._turn.add(self)
        self.queued.append(frame)

    def put_now(self, data: bytes) -> None:
        if self.queued:
            self.queued.append(data)
        else:
            self.sends.append(data.count(b'"n"'))

    def flush(self) -> None:
        self.sends.append(b"".join(self.queued).count(b'"n"'))
        self.queued.clear()


class Room:
    """A channel with so many in it."""

    def __init__(self, receivers: int) -> None:
        self.turn = Turn()
        self.channel = Channel("order:1", rule=ChannelRule(recoverable=False), turn=self.turn)
        self.seats = [self.enter() for _ in range(receivers)]

    def enter(self) -> Seat:
        seat = Seat("order:1", None, Receiver(self.turn), CODEC)
        self.channel.begin(seat)
        self.channel.enter(seat, top=None)
        return seat

    def publish(self, number: int) -> None:
        assert self.channel.send(Publication(None, b'{"n":%d}' % number)) == len(self.channel.seats)

    def sends(self) -> set[tuple[int, ...]]:
        """How many publications each send of a receiver carried."""
        return {tuple(seat.outbound.sends) for seat in self.seats}


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_publications_of_different_steps_share_a_send_where_many_receive():
    room = Room(100)
    for number in range(3):
        room.publish(number)
        await turns(1)
    await turns(20)
    assert room.sends() == {(3,)}


async def test_where_few_receive_nothing_waits_for_more():
    room = Room(10)
    room.publish(1)
    await turns(1)
    assert room.sends() == {(1,)}


async def test_what_comes_after_a_send_leaves_with_the_next_one():
    room = Room(100)
    for number in range(2):
        room.publish(number)
        await turns(20)
    assert room.sends() == {(1, 1)}


async def test_who_enters_is_not_sent_what_was_gathered_before():
    room = Room(100)
    room.publish(1)
    late = room.enter()
    room.publish(2)
    await turns(20)
    assert late.outbound.sends == [1]
    assert room.sends() == {(2,)}


async def test_who_leaves_is_sent_what_was_gathered_before_and_nothing_later():
    room = Room(100)
    room.publish(1)
    leaving = room.seats.pop()
    room.channel.leave(leaving)
    room.publish(2)
    await turns(20)
    assert leaving.outbound.sends == [1]
    assert room.sends() == {(2,)}


async def test_one_who_is_sent_something_else_too_gets_both_in_one_send():
    room = Room(100)
    caller = room.seats[0].outbound
    room.publish(1)
    caller.put(b'{"n":"reply"}')
    await turns(20)
    assert caller.sends == [2]


async def test_two_busy_channels_share_the_sends_of_who_is_in_both():
    room, other = Room(50), Room(0)
    other.channel = Channel("order:2", rule=ChannelRule(recoverable=False), turn=room.turn)
    for seat in room.seats:
        second = Seat("order:2", None, seat.outbound, CODEC)
        other.channel.begin(second)
        other.channel.enter(second, top=None)
    room.publish(1)
    other.publish(2)
    await turns(20)
    assert room.sends() == {(2,)}
