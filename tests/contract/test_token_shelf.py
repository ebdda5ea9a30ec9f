"""Where WeChat's tokens lie: in the process, or in Redis for all instances; nobody ever fails for the shelf."""
import asyncio
import secrets

import pytest
from redis.asyncio import Redis

from server.storage.redis.address import parse_address
from server.storage.redis.link import RedisLink
from server.storage.sealed import FieldKeys
from server.storage.shared_tokens import RedisTokenShelf
from server.wechat.tokens import InProcessShelf
from tests.fakes.wechat import FakeWeChat
from tests.standstill import evenly_s
from tests.unit.push.carriers import a_message, equip_wechat, mini_messages, wechat_app

KEYS = FieldKeys("k" * 32)


def redis_shelf(link, prefix, *, keys=KEYS):
    return RedisTokenShelf(desk=link.desk("tokens"), keys=keys, beside=InProcessShelf(), prefix=prefix)


@pytest.fixture
def shelves(io_loop, request):
    """Makes shelves on one Redis (another when `url` says so) with keys of this test alone; closed at its end."""
    opened, prefix = [], f"test:{secrets.token_hex(8)}:"

    def opening(url=None, **more):
        opened.append(RedisLink(parse_address(url or request.getfixturevalue("redis_url"))))
        return redis_shelf(opened[-1], prefix, **more)

    opening.prefix = prefix
    yield opening
    for link in opened:
        io_loop.asyncio_loop.run_until_complete(link.close())


@pytest.fixture(params=["in the process", "in Redis", "Redis is away"])
def shelf(request, shelves):
    match request.param:
        case "in the process":
            return InProcessShelf()
        case "in Redis":
            return shelves()
    return shelves("redis://127.0.0.1:1/0")


async def test_what_is_kept_is_found_until_it_runs_out(shelf):
    assert await shelf.find("wx1") is None
    await shelf.keep("wx1", "t1", lifetime_s=0.3)
    assert await shelf.find("wx1") == "t1" and await shelf.find("wx2") is None
    async with asyncio.timeout(5):
        while await shelf.find("wx1") is not None:
            await asyncio.sleep(0.02)


async def test_only_the_token_that_was_meant_is_forgotten(shelf):
    await shelf.keep("wx1", "t2", lifetime_s=60)
    await shelf.forget("wx1", "t1")
    assert await shelf.find("wx1") == "t2"
    await shelf.forget("wx1", "t2")
    assert await shelf.find("wx1") is None
    await shelf.forget("wx1", "t2")


async def test_one_at_a_time_has_the_turn(shelf):
    inside = most = 0

    async def take_it():
        nonlocal inside, most
        async with shelf.turn("wx1"):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.01)
            inside -= 1

    await asyncio.gather(*(take_it() for _ in range(8)))
    assert (inside, most) == (0, 1)


async def test_a_turn_whose_holder_died_ends_the_waiting(shelves):
    dead, next_one = shelves(), shelves()
    holding = dead.turn("wx1")
    await holding.__aenter__()
    began_s = evenly_s()
    async with next_one.turn("wx1"):
        pass
    assert evenly_s() - began_s < 2.0
    await holding.__aexit__(None, None, None)


async def test_another_takes_the_turn_away_from_nobody(shelves, redis_url):
    first, late = shelves(), shelves()
    async with first.turn("wx1"):
        async with late.turn("wx1"):  # waited its second, and goes on without the turn
            pass
        redis = Redis.from_url(redis_url)
        assert await redis.exists(f"{shelves.prefix}token:wx1:turn")
        await redis.aclose()


async def test_many_instances_ask_wechat_once(shelves):
    with FakeWeChat() as fake:
        equip_wechat(fake)
        apps = [wechat_app(fake, shelf=shelves()) for _ in range(4)]
        await asyncio.gather(*(mini_messages(app).send("oA", **a_message()) for app in apps for _ in range(5)))
        fake.end_tokens()
        await asyncio.gather(*(mini_messages(app).send("oA", **a_message()) for app in apps))
        assert len(fake.messages) == 24
        assert fake.count("/cgi-bin/stable_token") <= 1 + len(apps)  # who was refused at once asks at once
        for app in apps:
            app.close()


async def test_a_token_lies_in_redis_sealed(shelves, redis_url):
    await shelves().keep("wx1", "theToken", lifetime_s=60)
    redis = Redis.from_url(redis_url)
    raw = await redis.get(f"{shelves.prefix}token:wx1")
    assert b"theToken" not in raw and 50_000 < await redis.pttl(f"{shelves.prefix}token:wx1") <= 60_000
    await redis.aclose()
    assert await shelves(keys=FieldKeys("z" * 32)).find("wx1") is None


async def test_a_redis_that_is_away_costs_a_moment_and_no_message():
    with FakeWeChat() as fake:
        equip_wechat(fake)
        link = RedisLink(parse_address("redis://127.0.0.1:1/0"))
        shelf = redis_shelf(link, "x:")
        app = wechat_app(fake, shelf=shelf)
        began_s = evenly_s()
        for _ in range(5):
            await mini_messages(app).send("oA", **a_message())
        assert evenly_s() - began_s < 2.0
        assert len(fake.messages) == 5 and fake.count("/cgi-bin/stable_token") == 1
        app.close()
        await link.close()
