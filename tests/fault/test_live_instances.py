"""Two instances on one bus: any of them takes what is for the other."""

import asyncio
import json
import time

import pytest

from server.app import Parts
from server.storage.pubsub.in_process import Exchange, InProcessBus
from tests.live import Socket
from tests.unit.ws.fallback.streams import HttpClient, connect_command

ENDS_WITHIN_S = 2.0


@pytest.fixture
def two(io_loop, open_world):
    exchange = Exchange()
    parts = [Parts(bus=InProcessBus(exchange=exchange)) for _ in range(2)]
    yield io_loop.asyncio_loop.run_until_complete(open_world(*parts))
    for client in HttpClient.opened:
        client.writer.transport.abort()
    HttpClient.opened.clear()


async def stream(world, person, *, at):
    client = await HttpClient.open(world.instances[at].port, connect_command(world.token(person)))
    assert client.status == 200
    return await client.connected()


async def socket(world, person, *, at):
    url = f"ws://127.0.0.1:{world.instances[at].port}/connection/websocket"
    world._sockets.append(await Socket.open(url, token=world.token(person)))
    return world._sockets[-1]


async def test_commands_of_a_stream_may_reach_any_instance(two):
    family = two.families[0]
    client = await stream(two, family, at=0)
    for at in (1, 0, 1):
        assert "ping" in await client.ask(two.instances[at].port, ping={})
    reply = await client.ask(two.instances[1].port, rpc={"method": "order.vanish", "data": {}})
    assert reply["error"]["code"] == 104
    client.hang_up()


async def test_a_stream_whose_instance_is_gone_is_not_found_by_the_other(two):
    client = await stream(two, two.families[0], at=0)
    await two.instances[0].product.live.drain(within_s=1.0)
    assert await client.ending() == (3001, "shutdown")
    assert await client.post(two.instances[1].port, json.dumps({"id": 9, "ping": {}})) == 404


async def test_a_logout_at_one_instance_ends_sockets_and_streams_at_the_other_in_time(two):
    family = two.families[0]
    there, here = await socket(two, family, at=1), await stream(two, family, at=0)
    begun = time.monotonic()
    assert (await two.post(family, "/api/user/logout", {})).is_ok
    code, reason = await here.ending()
    assert code == 3503 and reason
    async with asyncio.timeout(ENDS_WITHIN_S):
        await asyncio.gather(there.reading, return_exceptions=True)
    assert time.monotonic() - begun < ENDS_WITHIN_S
