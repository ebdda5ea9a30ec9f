"""Handshakes come in as fast as they can be served, in order; who would wait too long is refused."""

import asyncio
import time

from server.ws.gate import Gate
from tests.standstill import evenly_s
from tests.unit.ws.place import until


async def test_a_few_enter_at_once_and_the_rest_at_the_pace():
    gate, began = Gate(per_s=100.0, waits_s=5.0), time.monotonic()
    assert await asyncio.gather(*(gate.enters() for _ in range(72))) == [True] * 72
    assert time.monotonic() - began > 0.35
    assert len(gate) == 0 and gate.pace_per_s == 100.0


async def test_they_enter_in_the_order_in_which_they_came():
    gate, entered = Gate(per_s=1_000.0, waits_s=5.0), []

    async def one(number):
        await gate.enters()
        entered.append(number)

    await asyncio.gather(*(one(number) for number in range(100)))
    assert entered == list(range(100))


async def test_who_would_wait_too_long_is_refused():
    gate = Gate(per_s=10.0, waits_s=0.5)
    answers = await asyncio.gather(*(gate.enters() for _ in range(20)))
    assert answers == [True] * 15 + [False] * 5, "10 at once and 5 within half a second"


async def test_nobody_overtakes_who_waits():
    gate = Gate(per_s=1.0, waits_s=5.0)
    assert gate.enters_at_once()
    waits = asyncio.ensure_future(gate.enters())
    await until(lambda: len(gate) == 1)
    gate._left = 1.0
    assert not gate.enters_at_once()
    gate.close()
    assert await waits is False


async def test_who_leaves_takes_nobodys_turn():
    gate = Gate(per_s=5.0, waits_s=5.0)
    while gate.enters_at_once():
        pass
    leaves, stays = asyncio.ensure_future(gate.enters()), asyncio.ensure_future(gate.enters())
    await until(lambda: len(gate) == 2)
    leaves.cancel()
    began = evenly_s()
    assert await stays
    assert evenly_s() - began < 0.38, "one fifth of a second, not two"


async def test_while_the_loop_is_late_fewer_enter_and_afterwards_as_many_as_before():
    gate = Gate(per_s=200.0, waits_s=60.0)
    herd = [asyncio.ensure_future(gate.enters()) for _ in range(300)]
    await until(lambda: len(gate) > 0)
    for _ in range(5):
        entered = len(gate)
        stands_still_until = time.monotonic() + 0.15
        while time.monotonic() < stands_still_until:
            pass
        await until(lambda entered=entered: len(gate) < entered)
    assert gate.pace_per_s < 150
    await asyncio.gather(*herd)
    assert gate.pace_per_s == 200.0


async def test_a_closed_gate_lets_nobody_in():
    gate = Gate(per_s=1.0, waits_s=5.0)
    gate.close()
    assert not gate.enters_at_once() and not await gate.enters()
