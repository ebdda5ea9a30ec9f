"""Asking Redis: within the deadline, never twice, and never for another's answer."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from server.core.errors import Unavailable
from server.storage.redis.address import parse_address
from server.storage.redis.link import RedisLink
from tests.fakes.redis import ScriptedRedis, bulk
from tests.fault.server_process import until
from tests.standstill import evenly_s

SOON_S = 0.1


@asynccontextmanager
async def asking(*, url=None, **words):
    """A scripted server that echoes keys, and a desk at it."""
    async with ScriptedRedis() as server:
        server.answer = lambda command: bulk(b"value of " + command[1]) if command[0] == b"GET" else b"+OK\r\n"
        link = RedisLink(parse_address(url(server) if url else server.url))
        yield link.desk("test", **({"within_s": SOON_S, "pause_s": 60.0} | words)), server
        await link.close()


def get(key):
    return lambda redis: redis.get(key)


async def test_an_answer_comes_back():
    async with asking() as (desk, server):
        assert await desk.ask(get("a")) == b"value of a"
        assert (desk.is_away, dict(desk.counts)) == (False, {"asked": 1})


async def test_a_server_that_hangs_costs_the_deadline_and_then_nothing():
    async with asking() as (desk, server):
        await desk.ask(get("a"))
        server.hold()
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        for _ in range(3):
            with pytest.raises(Unavailable):
                await desk.ask(get("b"))
        assert desk.is_away and 3 * SOON_S <= loop.time() - began_s < 2.0
        began_s = evenly_s()
        for _ in range(500):
            with pytest.raises(Unavailable):
                await desk.ask(get("c"))
        assert evenly_s() - began_s < SOON_S
        assert desk.counts == {"asked": 4, "failed": 3, "refused": 500}


async def test_nothing_is_sent_twice():
    async with asking() as (desk, server):
        await desk.ask(get("a"))
        server.hold()
        with pytest.raises(Unavailable):
            await desk.ask(lambda redis: redis.incr("counter"))
        server.let_go()
        await desk.ask(get("a"))
        assert server.words().count(b"INCRBY") == 1


async def test_a_connection_that_ends_in_the_middle_is_not_asked_again_by_itself():
    async with asking() as (desk, server):
        await desk.ask(get("a"))

        def cut(command):
            server.cut()

        server.answer = cut
        with pytest.raises(Unavailable):
            await desk.ask(lambda redis: redis.incr("counter"))
        assert server.words().count(b"INCRBY") == 1


async def test_after_the_pause_one_asks_and_the_desk_is_open_again():
    async with asking(pause_s=0.05) as (desk, server):
        server.cut()
        server.hold()
        for _ in range(3):
            with pytest.raises(Unavailable):
                await desk.ask(get("a"))
        server.let_go()

        async def answers():
            try:
                return await desk.ask(get("a")) == b"value of a"
            except Unavailable:
                return False

        await until(answers, within_s=5, what="an answer")
        assert not desk.is_away


async def test_a_greeting_that_was_cut_off_poisons_no_later_answer():
    def with_password(server):
        return f"redis://:secret@127.0.0.1:{server.port}/0"

    async with asking(url=with_password, within_s=5.0) as (desk, server):
        server.hold()
        gone = asyncio.ensure_future(desk.ask(get("a")))
        await until(lambda: server.words() == [b"AUTH"], within_s=5, what="the greeting")
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        asked = asyncio.ensure_future(desk.ask(get("b")))  # before the greeting is answered
        await until(lambda: len(server.asked) > 1, within_s=5, what="the next question")
        server.let_go()
        assert await asked == b"value of b"
        assert await desk.ask(get("c")) == b"value of c"


async def test_who_goes_away_while_asking_leaves_no_answer_for_the_next():
    async with asking(connections=1, within_s=5.0) as (desk, server):
        await desk.ask(get("a"))
        server.hold()
        gone = asyncio.ensure_future(desk.ask(get("b")))
        await until(lambda: server.asked[-1][1] == b"b", within_s=5, what="the question")
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        server.let_go()
        assert await desk.ask(get("c")) == b"value of c"
        assert not desk.is_away


async def test_many_at_once_share_a_few_connections():
    async with asking(connections=2, within_s=5.0) as (desk, server):
        answers = await asyncio.gather(*(desk.ask(get(f"k{number}")) for number in range(200)))
        assert answers == [b"value of k%d" % number for number in range(200)]
        assert len(server.connections) == 2


@pytest.mark.parametrize(
    "refusal", [b"-READONLY not here\r\n", b"-OOM too full\r\n", b"-LOADING not yet\r\n", b"-NOAUTH who are you\r\n", b"!?\r\n"]
)
async def test_whatever_redis_does_not_do_is_unavailable_and_the_next_question_goes_over_a_new_connection(refusal):
    async with asking() as (desk, server):
        await desk.ask(get("a"))
        answering, server.answer = server.answer, lambda _command: refusal
        with pytest.raises(Unavailable):
            await desk.ask(get("b"))
        server.answer = answering
        assert await desk.ask(get("c")) == b"value of c"
        assert len(server.connections) == 2


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1", "redis+sentinel://127.0.0.1:1/main", "redis+cluster://127.0.0.1:1"])
async def test_nobody_there_is_unavailable(url):
    link = RedisLink(parse_address(url))
    with pytest.raises(Unavailable):
        await link.desk("test").ask(get("a"))
    await link.close()


async def test_a_server_that_is_no_cluster_is_unavailable_as_one():
    async with asking(url=lambda server: f"redis+cluster://127.0.0.1:{server.port}") as (desk, server):
        server.answer = lambda _command: b"-ERR This instance has cluster support disabled\r\n"
        with pytest.raises(Unavailable):
            await desk.ask(get("a"))


async def test_a_dead_sentinel_and_one_that_hangs_are_passed_over():
    async with ScriptedRedis() as server, ScriptedRedis() as hanging, ScriptedRedis() as sentinel:
        hanging.answer = lambda _command: None
        server.answer = lambda command: bulk(b"found") if command[0] == b"GET" else b"+OK\r\n"
        names = [b"name", b"main", b"ip", b"127.0.0.1", b"port", b"%d" % server.port, b"flags", b"master"]
        rest = [b"num-other-sentinels", b"2"]
        main = b"*1\r\n*10\r\n" + b"".join(bulk(word) for word in names + rest)
        sentinel.answer = lambda command: main if command[0] == b"SENTINEL" else b"+OK\r\n"
        hosts = f"127.0.0.1:1,127.0.0.1:{hanging.port},127.0.0.1:{sentinel.port}"
        link = RedisLink(parse_address(f"redis+sentinel://{hosts}/main/0"))
        assert await link.desk("test").ask(get("a")) == b"found"
        await link.close()
