"""Redis under Sentinels and as a Cluster loses a server: nothing of the bus is doubled, and it goes on by itself."""

import time

import pytest
import redis as redis_py

from server.storage.pubsub.topics import Topics
from tests.buses import joined, started
from tests.fault.bus_talk import CHANNELS, Talk
from tests.fault.server_process import pass_by, until
from tests.services.demand import everything_must_run, leave_out
from tests.services.redis_groups import RedisCluster, WatchedRedis

pytestmark = [pytest.mark.services, pytest.mark.slow]

_CHOSEN_WITHIN_S = 30.0
_BACK_WITHIN_S = 5.0
_TOPICS = Topics(prefix="peihu:", database=0, is_cluster=True)


@pytest.fixture
def started_group(request):
    """A group of the test's own: it breaks it."""
    if not everything_must_run():
        leave_out("needs servers of its own to break: python3 run.py test --services")
    group = request.param()
    try:
        group.start()
        yield group
    finally:
        group.remove()


@pytest.fixture
def talk(started_group, io_loop):
    """Two instances that speak through the group."""
    talk = Talk(joined(started_group.url), joined(started_group.url))
    run = io_loop.asyncio_loop.run_until_complete
    run(started(talk.speaker, talk.listener))
    run(talk.begin())
    yield talk
    for instance in (talk.speaker, talk.listener):
        run(instance.close())


watched = pytest.mark.parametrize("started_group", [WatchedRedis], indirect=True)
clustered = pytest.mark.parametrize("started_group", [RedisCluster], indirect=True)


async def _settled(talk):
    await until(lambda: {one.bus.state for one in (talk.speaker, talk.listener)} == {"ok"}, within_s=20, what="the bus")
    await talk.keep_talking(0.5)
    await talk.check(within_s=_BACK_WITHIN_S)


@watched
@pytest.mark.parametrize("how", ["is killed", "hangs"])
async def test_when_the_primary_fails_the_bus_follows_the_sentinels_to_the_next(started_group, talk, how):
    await talk.keep_talking(0.5)
    old = started_group.primary
    (old.kill if how == "is killed" else old.pause)()
    began_s = time.monotonic()
    while started_group.primary is old:
        await talk.keep_talking(0.2)
        assert time.monotonic() - began_s < _CHOSEN_WITHIN_S
    chosen_s = time.monotonic() - began_s
    back_s = await talk.is_heard_again(within_s=_BACK_WITHIN_S)
    if how == "hangs":
        old.resume()  # believes that it leads still, until the Sentinels tell it otherwise
        await talk.keep_talking(3.0)
    await _settled(talk)
    print(f"Sentinel: {how}, another chosen after {chosen_s:.1f} s, delivered {back_s:.2f} s later, {talk.lost} lost")


@clustered
async def test_when_a_node_of_a_cluster_dies_its_replica_takes_its_lanes_over_and_the_others_go_on(started_group, talk):
    await talk.keep_talking(0.5)
    dead = started_group.nodes[0]
    theirs = {one for one in CHANNELS if _holder(started_group, one) is not dead}
    assert 0 < len(theirs) < len(CHANNELS)
    dead.kill()
    await talk.keep_talking(1.0)
    for channel in theirs:
        latest = talk.say(channel)
        await until(lambda c=channel, n=latest: n in talk.heard(c), within_s=_BACK_WITHIN_S, what="other lanes go on")
    await until(
        lambda: _role(started_group.replica) == "master", within_s=_CHOSEN_WITHIN_S, what="the replica takes over"
    )
    back_s = await talk.is_heard_again(within_s=_BACK_WITHIN_S)
    await _settled(talk)
    print(f"Cluster: delivered {back_s:.2f} s after the replica took over, {talk.lost} lost")


@clustered
async def test_a_lane_that_moves_to_another_node_is_followed_there(started_group, talk):
    await talk.keep_talking(0.3)
    channel = next(one for one in CHANNELS if _holder(started_group, one) is started_group.nodes[0])
    slot = _slot(channel)
    with redis_py.Redis(port=started_group.nodes[1].port) as new_holder:
        name = new_holder.execute_command("CLUSTER MYID").decode()
    for node in reversed(started_group.nodes):
        with redis_py.Redis(port=node.port) as client:
            client.execute_command("CLUSTER SETSLOT", slot, "NODE", name)
    await talk.keep_talking(1.0)
    await talk.is_heard_again(within_s=_BACK_WITHIN_S)
    await _settled(talk)
    assert _holder(started_group, channel) is started_group.nodes[1]


@clustered
async def test_hundreds_of_channels_are_followed_and_let_go_of_over_all_nodes(started_group, talk):
    names = [f"user:{number}" for number in range(600)]
    for _ in range(3):
        for name in names:
            await talk.listener.bus.follow(name)
        for name in names:
            await talk.listener.bus.unfollow(name)
    with redis_py.Redis(port=started_group.nodes[0].port) as client:

        def followed():
            told = client.execute_command("PUBSUB SHARDCHANNELS", "peihu:*channel:user:*")
            return len(told)

        await until(lambda: followed() == 0, within_s=10, what="Redis forgets them too")
    await pass_by(0.1)
    await _settled(talk)


def _slot(channel):
    return redis_py.cluster.key_slot(_TOPICS.channel(channel))


def _holder(group, channel):
    with redis_py.Redis(port=group.nodes[1].port) as client:
        slots = client.execute_command("CLUSTER SLOTS")
    slot = _slot(channel)
    for begin, end, (_host, port, *_), *_ in slots:
        if begin <= slot <= end:
            return next(node for node in group.nodes if node.port == port)
    raise AssertionError(f"nobody holds {slot}")


def _role(server):
    with redis_py.Redis(port=server.port) as client:
        return client.role()[0].decode()
