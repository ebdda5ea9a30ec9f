"""Who does not answer is left alone for a while."""
import pytest

from server.core.breaker import Breaker
from server.core.errors import Unavailable


class _Clock:
    now_s = 100.0

    def __call__(self):
        return self.now_s


def attempt(breaker, *, answers):
    breaker.enter()
    (breaker.answered if answers else breaker.failed)()


def test_three_silences_close_the_door_and_one_may_try_after_the_pause():
    clock = _Clock()
    breaker = Breaker(failures=3, pause_s=5.0, now_s=clock)
    for _ in range(3):
        attempt(breaker, answers=False)
    with pytest.raises(Unavailable) as unavailable:
        breaker.enter()
    assert breaker.is_open and unavailable.value.retry_after_s == 5
    clock.now_s += 5.0
    breaker.enter()
    with pytest.raises(Unavailable):
        breaker.enter()  # the first is still out
    breaker.answered()
    assert not breaker.is_open
    attempt(breaker, answers=True)


def test_one_more_silence_after_the_pause_closes_it_again():
    clock = _Clock()
    breaker = Breaker(failures=2, pause_s=5.0, now_s=clock)
    for _ in range(2):
        attempt(breaker, answers=False)
    clock.now_s += 6.0
    attempt(breaker, answers=False)
    with pytest.raises(Unavailable):
        breaker.enter()


def test_an_answer_between_silences_keeps_it_open():
    breaker = Breaker(failures=2)
    for _ in range(10):
        attempt(breaker, answers=False)
        attempt(breaker, answers=True)
    assert not breaker.is_open
