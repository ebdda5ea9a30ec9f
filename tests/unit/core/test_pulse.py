"""The longest turn of the loop is felt and told once."""

import asyncio
import time

from server.core.pulse import Pulse


async def beats(pulse, count=2):
    for _ in range(count):
        before = pulse._due_at
        while pulse._due_at == before:
            await asyncio.sleep(0.005)


async def test_a_long_turn_is_told_once():
    pulse = Pulse()
    pulse.start()
    await beats(pulse)
    pulse.take_longest_s()
    until = time.monotonic() + 0.3
    while time.monotonic() < until:
        pass  # the loop stands still
    await beats(pulse)
    assert 0.25 < pulse.take_longest_s() < 5
    pulse.stop()
    assert pulse.take_longest_s() == 0.0


async def test_it_ends_and_may_be_ended_twice():
    pulse = Pulse()
    pulse.start()
    pulse.stop()
    pulse.stop()
    assert pulse._timer is None
