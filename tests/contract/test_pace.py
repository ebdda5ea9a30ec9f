"""What every pace promises."""

import time

import pytest

from server.storage.pacing.in_process import InProcessPace
from server.storage.pacing.port import Bucket, Rate
from server.storage.pacing.redis_pace import RedisPace
from server.storage.sealed import FieldKeys
from tests.fault.server_process import until
from tests.redis_place import PATIENT_S
from tests.standstill import evenly_s

SLOW = Rate(0.01, 5)  # nothing drains while a test runs
QUICK = Rate(10.0, 3)


class Unlimited:
    """Implements `Pace`: this instance has seen nothing yet."""

    async def wait_s(self, buckets):
        return 0.0


def in_process(_request):
    pace = InProcessPace()
    return lambda: pace


def in_redis(request, *, url=None, one_by_one=False, beside=Unlimited):
    link, prefix = request.getfixturevalue("open_link"), request.getfixturevalue("key_prefix")
    url = url or request.getfixturevalue("redis_url")

    def opening():
        desk = link(url).desk("pace", within_s=PATIENT_S)
        return RedisPace(
            desk=desk, keys=FieldKeys("k" * 32), beside=beside(), one_by_one=one_by_one, prefix=prefix
        )

    return opening


def in_a_cluster(request):
    return in_redis(request, url=request.getfixturevalue("redis_cluster").url, one_by_one=True)


def in_redis_and_here(request):
    return in_redis(request, beside=InProcessPace)


@pytest.fixture(
    params=[
        in_process,
        pytest.param(in_redis, marks=pytest.mark.services),
        pytest.param(in_a_cluster, marks=pytest.mark.services),
        pytest.param(in_redis_and_here, marks=pytest.mark.services),
    ],
    ids=lambda means: means.__name__,
)
def open_pace(request):
    """Makes paces of one means that share their buckets."""
    return request.param(request)


async def passed(pace, *buckets, times):
    """How many of so many went through."""
    return sum([await pace.wait_s(buckets) == 0 for _ in range(times)])


async def test_a_burst_passes_and_then_the_wait_is_told(open_pace):
    pace = open_pace()
    assert await passed(pace, Bucket("user/1", SLOW), times=8) == 5
    assert 90 < await pace.wait_s([Bucket("user/1", SLOW)]) <= 100
    assert await pace.wait_s([Bucket("user/2", SLOW)]) == 0


async def test_who_waits_as_long_as_he_is_told_passes(open_pace):
    """Give or take the moment by which two clocks differ."""
    pace, mine = open_pace(), Bucket("user/1", QUICK)
    assert await passed(pace, mine, times=3) == 3
    began_s, told_s = time.monotonic(), await pace.wait_s([mine])
    assert 0 < told_s <= 0.1
    await until(lambda: time.monotonic() - began_s >= told_s + 0.02, within_s=2, what="the clock")
    assert await pace.wait_s([mine]) == 0


async def test_who_is_held_up_is_not_counted(open_pace):
    """Otherwise a script that never stops would never be let through again, and its owner neither."""
    pace, mine = open_pace(), Bucket("user/1", QUICK)
    began_s = time.monotonic()
    passed_by = 0
    while time.monotonic() - began_s < 1.0:
        passed_by += await pace.wait_s([mine]) == 0
    assert 6 <= passed_by <= 14, "a burst of 3 and 10 a second; 3 in all if every question counted"


async def test_one_full_bucket_holds_up_and_the_one_behind_it_does_not_pay_for_it(open_pace):
    pace, wild, shared = open_pace(), Bucket("user/1", SLOW), Bucket("address/1", Rate(0.01, 8))
    assert await passed(pace, wild, shared, times=100) == 5
    assert await passed(pace, Bucket("user/2", SLOW), shared, times=100) == 3


async def test_all_who_share_the_store_fill_the_same_bucket(open_pace):
    paces, mine = [open_pace() for _ in range(4)], Bucket("user/1", SLOW)
    assert sum([await passed(pace, mine, times=5) for pace in paces]) == 5


async def test_what_is_remembered_in_the_process_is_bounded_and_hot_buckets_are_not_forgotten():
    pace = InProcessPace(most_buckets=100, now_s=lambda: 1000.0)
    for number in range(1_000):
        await pace.wait_s([Bucket(f"user/{number}", Rate(1, 1))])
        assert len(pace._full_at) <= 100
    assert await pace.wait_s([Bucket("user/999", Rate(1, 1))]) > 0


@pytest.fixture
def raw(io_loop, open_link, redis_url):
    """Redis itself."""
    return open_link(redis_url).desk("test").client


@pytest.mark.services
async def test_in_redis_no_address_is_written_and_nothing_stays(request, raw, key_prefix):
    pace = in_redis(request)()
    await pace.wait_s([Bucket("address/203.0.113.7", QUICK), Bucket("user/1", SLOW)])
    keys = [key async for key in raw.scan_iter(f"{key_prefix}*")]
    assert len(keys) == 2 and not any(b"203" in key for key in keys)
    lives_ms = sorted([await raw.pttl(key) for key in keys])
    assert 0 < lives_ms[0] <= 100 and 90_000 < lives_ms[1] <= 100_000


@pytest.mark.services
@pytest.mark.parametrize("stored", ["nonsense", "", "9999999999999999", "-5"])
async def test_in_redis_a_bucket_that_makes_no_sense_locks_nobody_out(request, raw, key_prefix, stored):
    """A clock that went back after a failover is among them."""
    pace, mine = in_redis(request)(), Bucket("user/1", QUICK)
    await pace.wait_s([mine])
    (key,) = [key async for key in raw.scan_iter(f"{key_prefix}*")]
    await raw.set(key, stored)
    assert await pace.wait_s([mine]) <= 0.1


async def test_while_redis_is_away_each_instance_goes_by_what_it_has_seen(open_link):
    desk = open_link("redis://127.0.0.1:1/0").desk("pace", failures=1)
    pace = RedisPace(desk=desk, keys=FieldKeys("k" * 32), beside=InProcessPace())
    began_s = evenly_s()
    assert await passed(pace, Bucket("user/1", SLOW), times=100) == 5
    assert evenly_s() - began_s < 1.0
    assert desk.counts["asked"] <= 2
