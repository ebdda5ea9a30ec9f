"""A cable that is pulled: the kernel notices before any ping of ours does."""

import asyncio
import json
import time

import pytest
from tornado.netutil import bind_sockets

from tests.fault.netns import Cable
from tests.unit.ws.place import place

WITHIN_S = 25.0  # reliability.md P6, where the socket is direct


def first_words(token):
    connect = {"id": 1, "connect": {"token": token}}
    return [json.dumps(each) for each in (connect, {"id": 2, "subscribe": {"channel": f"order:{token}"}})]


async def by(deadline, condition):
    while not condition():
        assert time.monotonic() < deadline, "not noticed in time"
        await asyncio.sleep(0.05)


@pytest.mark.slow
async def test_a_peer_whose_cable_is_pulled_is_gone_and_offline_in_time_idle_or_not(database, outbox):
    """Two peers, one of which is sent something that it never acknowledges. No ping helps: there is none."""
    async with place(database, outbox, ping_interval_s=600) as here, Cable() as cable:
        [listening] = bind_sockets(0, cable.ours)
        here.server.add_socket(listening)
        for token in ("alice", "bob"):
            await cable.open(listening.getsockname()[1], *first_words(token))
        roll = here.live._roll
        await by(time.monotonic() + 8, lambda: {key[0] for key in roll._own} == {"order:alice", "order:bob"})
        cable.pull()
        pulled_at = time.monotonic()
        await here.publish("order:bob", "never read")
        await by(pulled_at + WITHIN_S, lambda: not here.live.connections)
        await by(pulled_at + WITHIN_S, lambda: not roll._own)
        assert not any(name.startswith("closed_") for name in here.live.counts), "the kernel said so, not we"


@pytest.mark.slow
async def test_a_ping_that_is_under_way_does_not_keep_a_dead_peer_alive(database, outbox):
    """Linux probes only while nothing is under way: then the missing pong decides, or the kernel's own time is up."""
    await asyncio.gather(*(_one_dies(database, outbox, ping_after_s) for ping_after_s in (12.0, 18.0)))


async def _one_dies(database, outbox, ping_after_s):
    async with place(database, outbox, ping_interval_s=24) as here, Cable() as cable:
        [listening] = bind_sockets(0, cable.ours)
        here.server.add_socket(listening)
        await cable.open(listening.getsockname()[1], *first_words("alice"))
        await by(time.monotonic() + 8, lambda: here.live._roll._own)
        [connection] = here.live.connections
        lifeline, now = connection.session.lifeline, asyncio.get_running_loop().time()
        lifeline.ping_at = now + ping_after_s
        connection.set_deadline()
        cable.pull()
        pulled_at = time.monotonic()
        await by(pulled_at + WITHIN_S, lambda: not here.live.connections)
