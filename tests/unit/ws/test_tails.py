"""A tail answers what the log would answer, or nothing."""

import random

import pytest

from server.storage.channel_log.port import LoggedEvent, Position
from server.ws.recovery import missed_since
from server.ws.tails import Tails
from server.ws.wire.commands import Resume


def event(offset, *, channel="order:1", epoch="e", size=2):
    return LoggedEvent(channel, epoch, offset, b"x" * size)


class Clock:
    at = 0.0

    def __call__(self):
        return self.at


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def tails(clock):
    made = Tails(most_events=10, most_bytes=5_000, bytes_together=6_000, trusted_for_s=60.0, now=clock)
    made.learn("order:1", "e", [event(5), event(6), event(7)])
    return made


def offsets(tails, top, since, *, epoch="e"):
    missed = tails.missed("order:1", Position("e", top), Resume(since, epoch))
    return None if missed is None else [one.offset for one in missed]


async def test_it_tells_what_came_after_a_position_that_it_reaches_back_to(tails):
    assert offsets(tails, 7, 4) == [5, 6, 7]
    assert offsets(tails, 7, 6) == [7]
    assert offsets(tails, 7, 7) == []


async def test_it_says_nothing_of_what_it_does_not_know(tails):
    assert offsets(tails, 7, 3) is None, "the event 4 is not in it"
    assert offsets(tails, 8, 6) is None, "the channel is further than it"
    assert offsets(tails, 6, 5) is None, "the channel is behind it"
    assert offsets(tails, 7, 8) is None, "a client from the future"
    assert offsets(tails, 7, 6, epoch="_") is None
    assert offsets(tails, 7, 6, epoch="") is None
    assert tails.missed("order:2", Position("e", 7), Resume(6, "e")) is None


async def test_it_grows_with_the_channel_and_a_gap_ends_it(tails):
    tails.add(event(8), begin=False)
    assert offsets(tails, 8, 6) == [7, 8]
    tails.add(event(10), begin=False)
    assert offsets(tails, 10, 9) is None


async def test_a_channel_that_began_anew_begins_a_new_tail(tails):
    tails.add(event(8, epoch="f"), begin=True)
    assert tails.missed("order:1", Position("f", 8), Resume(7, "e")) is None
    assert [one.offset for one in tails.missed("order:1", Position("f", 8), Resume(7, "f"))] == [8]


async def test_quiet_channels_are_not_remembered(tails):
    tails.add(event(1, channel="user:1"), begin=False)
    assert tails.missed("user:1", Position("e", 1), Resume(0, "e")) is None


async def test_it_is_trusted_for_a_while_only(tails, clock):
    clock.at = 61.0
    assert offsets(tails, 7, 6) is None


async def test_a_read_that_knows_less_does_not_replace_more(tails):
    tails.learn("order:1", "e", [event(7)])
    assert offsets(tails, 7, 4) == [5, 6, 7]
    tails.learn("order:1", "e", [event(number) for number in range(2, 8)])
    assert offsets(tails, 7, 1) == [2, 3, 4, 5, 6, 7]


async def test_a_channel_and_all_of_them_are_bounded(tails):
    for offset in range(8, 30):
        tails.add(event(offset), begin=False)
    assert offsets(tails, 29, 19) == list(range(20, 30))
    assert offsets(tails, 29, 18) is None
    tails.add(event(30, size=4_000), begin=False)
    assert offsets(tails, 30, 29) == [30]
    tails.add(event(1, channel="order:2", size=4_000), begin=True)
    assert offsets(tails, 30, 29) is None, "dropped, because it grew longest ago"
    assert tails.size_bytes <= 6_000
    tails.add(event(2, channel="order:2", size=5_000), begin=True)
    assert tails.missed("order:2", Position("e", 2), Resume(1, "e")) is None, "larger than any tail"
    tails.forget("order:2")
    tails.forget("order:2")
    assert tails.size_bytes == 0


async def test_whatever_happened_it_says_what_the_log_says():
    chance, answered = random.Random(3), 0
    for _ in range(300):
        tails, log, epoch = Tails(most_events=8, most_bytes=4_000, bytes_together=9_000), [], "e0"
        for _ in range(60):
            what = chance.random()
            if what < 0.02:
                epoch, log = epoch + "'", []
            if what < 0.5:
                log.append(event(len(log) + 1, epoch=epoch, size=chance.randrange(2, 900)))
                if chance.random() < 0.9:  # else the bus lost it
                    tails.add(log[-1], begin=chance.random() < 0.3)
            since, top = Resume(chance.randint(0, len(log)), chance.choice([epoch, "e0"])), Position(epoch, len(log))
            wanted = missed_since(since, tuple(log[since.offset :]), top)
            said = tails.missed("order:1", top, since)
            assert said is None or said == wanted
            answered += said is not None
            if what > 0.8 and wanted:
                tails.learn("order:1", epoch, log[since.offset :])
    assert answered > 1_000
