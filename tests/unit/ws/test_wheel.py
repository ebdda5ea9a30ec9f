"""One timer for many deadlines; time is a number here."""

from server.ws.wheel import Wheel


class Alarm:
    def __init__(self, *following):
        self.rang, self.following = [], list(following)

    def tick(self, now):
        self.rang.append(now)
        return self.following.pop(0) if self.following else None


async def test_a_deadline_is_kept_within_half_a_second_and_never_early():
    wheel, alarm = Wheel(), Alarm()
    wheel.set(alarm, 10.1)
    wheel.turn(10.1)
    assert alarm.rang == []
    wheel.turn(10.6)
    assert alarm.rang == [10.6]
    wheel.turn(99.0)
    assert alarm.rang == [10.6]


async def test_a_deadline_can_be_moved_and_removed():
    wheel, moved, removed = Wheel(), Alarm(), Alarm()
    wheel.set(moved, 5.0)
    wheel.set(moved, 50.0)
    wheel.set(removed, 5.0)
    wheel.remove(removed)
    wheel.remove(removed)
    wheel.turn(20.0)
    assert moved.rang == removed.rang == []
    wheel.turn(51.0)
    assert moved.rang == [51.0]


async def test_an_alarm_names_its_next_deadline_and_a_loop_that_stood_still_rings_all():
    wheel, alarm = Wheel(), Alarm(20.0, 30.0)
    wheel.set(alarm, 10.0)
    wheel.turn(11.0)
    wheel.turn(100.0)
    assert alarm.rang == [11.0, 100.0, 100.0]


async def test_who_is_removed_by_another_alarm_of_the_same_slot_does_not_ring():
    wheel, victim = Wheel(), Alarm()

    class Remover(Alarm):
        def tick(self, now):
            wheel.remove(victim)

    wheel.set(Remover(), 10.0)
    wheel.set(victim, 10.0)
    wheel.turn(11.0)
    assert victim.rang == []


async def test_a_deadline_of_the_past_rings_at_the_next_turn():
    wheel, alarm = Wheel(), Alarm()
    wheel.turn(100.0)
    wheel.set(alarm, 1.0)
    wheel.turn(100.5)
    assert alarm.rang == [100.5]
