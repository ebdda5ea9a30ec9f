"""What every cache promises."""


import pytest

from server.storage.cache.in_process import MOST_BYTES_OF_ONE, InProcessCache
from server.storage.cache.layers import Layers
from server.storage.cache.redis_cache import RedisCache
from server.storage.sealed import FieldKeys
from tests.fault.server_process import until
from tests.redis_place import PATIENT_S
from tests.standstill import evenly_s

PAGE = {"名": "李秀兰", "prices": [{"price_fen": 7_000, "rate": 0.5}], "is_busy": False, "until": None}


def in_process(_request):
    return lambda lifetime_s=60.0: InProcessCache(lifetime_s=lifetime_s, most_bytes=1_000_000)


def in_redis(request, *, url=None):
    link, prefix = request.getfixturevalue("open_link"), request.getfixturevalue("key_prefix")
    url = url or request.getfixturevalue("redis_url")

    def opening(lifetime_s=60.0, secret="k" * 32):
        desk = link(url).desk("cache", within_s=PATIENT_S)
        return RedisCache(desk=desk, keys=FieldKeys(secret), lifetime_s=lifetime_s, prefix=prefix)

    return opening


def in_a_cluster(request):
    return in_redis(request, url=request.getfixturevalue("redis_cluster").url)


def in_both(request):
    near, far = in_process(request), in_redis(request)
    return lambda lifetime_s=60.0: Layers(near=near(lifetime_s), far=far(lifetime_s))


@pytest.fixture(
    params=[
        in_process,
        pytest.param(in_redis, marks=pytest.mark.services),
        pytest.param(in_a_cluster, marks=pytest.mark.services),
        pytest.param(in_both, marks=pytest.mark.services),
    ],
    ids=lambda means: means.__name__,
)
def open_cache(request):
    """Makes caches of one means; in Redis they share what they keep."""
    return request.param(request)


async def test_what_was_kept_is_found_as_it_was_and_nothing_else(open_cache):
    cache = open_cache()
    assert await cache.find("caregiver/1/a") is None
    await cache.keep("caregiver/1/a", PAGE)
    assert await cache.find("caregiver/1/a") == PAGE
    assert await cache.find("caregiver/1/b") is None
    assert cache.counts["found"] == 1 and cache.counts["missed"] >= 2 and cache.counts["kept"] >= 1


async def test_whoever_changes_what_he_found_changes_it_for_nobody(open_cache):
    cache = open_cache()
    await cache.keep("caregiver/1/a", PAGE)
    found = await cache.find("caregiver/1/a")
    found["prices"][0]["price_fen"] = 1
    assert await cache.find("caregiver/1/a") == PAGE


async def test_it_is_forgotten_when_its_time_is_over(open_cache):
    cache = open_cache(lifetime_s=0.2)
    await cache.keep("caregiver/1/a", PAGE)

    async def is_gone():
        return await cache.find("caregiver/1/a") is None

    assert not await is_gone()
    await until(is_gone, within_s=5, what="the end of its time")


async def test_what_is_too_large_is_not_kept_and_nobody_fails_for_it(open_cache):
    cache = open_cache()
    await cache.keep("caregiver/1/a", {"text": "护" * (MOST_BYTES_OF_ONE // 3)})
    assert await cache.find("caregiver/1/a") is None
    await cache.keep("caregiver/1/a", {"text": "护" * (MOST_BYTES_OF_ONE // 3 - 10)})
    assert await cache.find("caregiver/1/a") is not None
    assert cache.counts["too_large"] >= 1


async def test_what_is_no_json_is_a_bug_of_who_keeps_it(open_cache):
    with pytest.raises(TypeError):
        await open_cache().keep("caregiver/1/a", {"when": object()})


async def test_the_memory_of_a_process_is_bounded_and_what_is_read_stays():
    cache = InProcessCache(lifetime_s=60.0, most_bytes=10_000)
    for number in range(500):
        await cache.keep(f"caregiver/{number}/a", {"text": "x" * 980})
        assert await cache.find("caregiver/0/a") is not None, "it is read all the time"
        assert cache.size_bytes <= 10_000
    assert await cache.find("caregiver/499/a") is not None
    assert await cache.find("caregiver/1/a") is None


async def test_what_is_kept_anew_counts_once():
    cache = InProcessCache(lifetime_s=60.0, most_bytes=10_000)
    for _ in range(100):
        await cache.keep("caregiver/1/a", {"text": "x" * 980})
    assert cache.size_bytes == len('{"text":""}') + 980


@pytest.fixture
def raw(io_loop, open_link, redis_url):
    """Redis itself."""
    return open_link(redis_url).desk("test").client


@pytest.mark.services
async def test_in_redis_a_value_lies_sealed_and_only_for_its_time(request, raw, key_prefix):
    await in_redis(request)().keep("caregiver/1/a", PAGE)
    text = await raw.get(f"{key_prefix}cache:caregiver/1/a")
    assert "李秀兰".encode() not in text and b"price" not in text
    assert 50_000 < await raw.pttl(f"{key_prefix}cache:caregiver/1/a") <= 60_000


@pytest.mark.services
@pytest.mark.parametrize("damage", [b"", b"\xff\x00", b"nonsense", b"abc.def", "another name", "another key"])
async def test_in_redis_what_cannot_be_read_is_not_found_and_the_next_one_mends_it(request, raw, key_prefix, damage):
    cache, name = in_redis(request)(), f"{key_prefix}cache:caregiver/1/a"
    await cache.keep("caregiver/2/a", PAGE)
    if damage == "another name":
        damage = await raw.get(f"{key_prefix}cache:caregiver/2/a")
    if damage == "another key":
        await in_redis(request)(secret="z" * 32).keep("caregiver/1/a", PAGE)
    else:
        await raw.set(name, damage)
    assert await cache.find("caregiver/1/a") is None
    assert cache.counts["unreadable"] == 1
    await cache.keep("caregiver/1/a", PAGE)
    assert await cache.find("caregiver/1/a") == PAGE


@pytest.mark.services
async def test_what_one_instance_kept_another_finds_and_then_has_itself(request, raw, key_prefix):
    here, there = in_both(request)(), in_both(request)()
    await here.keep("caregiver/1/a", PAGE)
    assert await there.find("caregiver/1/a") == PAGE
    await raw.delete(f"{key_prefix}cache:caregiver/1/a")
    assert await there.find("caregiver/1/a") == PAGE


async def test_a_redis_that_is_away_costs_a_moment_and_is_nothing_found(open_link):
    desk = open_link("redis://127.0.0.1:1/0").desk("cache", failures=1)
    cache = RedisCache(desk=desk, keys=FieldKeys("k" * 32), lifetime_s=60.0)
    began_s = evenly_s()
    for _ in range(100):
        await cache.keep("caregiver/1/a", PAGE)
        assert await cache.find("caregiver/1/a") is None
    assert evenly_s() - began_s < 1.0
    assert cache.counts["away"] == 200 and desk.counts["asked"] <= 2
