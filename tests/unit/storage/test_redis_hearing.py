"""How an instance hears one Redis server: what is confirmed, what is late, when a connection is given up."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from server.core.tasks import Tasks
from server.storage.pubsub.redis_hearing import Hearing
from server.storage.pubsub.subscriptions import PLAIN, SHARDED
from server.storage.redis.address import parse_address
from server.storage.redis.desk import LOST
from server.storage.redis.link import RedisLink
from tests.fakes.redis import ScriptedRedis, confirmed
from tests.fault.server_process import until
from tests.standstill import evenly_s

FIRST = b"first"


class Ear:
    """A hearing on a scripted server, and what came of it."""

    def __init__(self, server, *, topics=(FIRST,), patience_s=30.0, words=PLAIN, together=lambda _topic: b""):
        self.server = server
        self.link = RedisLink(parse_address(server.url))
        self.messages, self.late, self.opened, self.end = [], 0, 0, None
        self.tasks = Tasks("test")
        self.topics = topics
        self.hearing = Hearing(
            self.link.desk("bus").connection(), words=words, together=together, tasks=self.tasks,
            patience_s=patience_s, on_message=self.messages.append, on_late=self._is_late,
        )  # fmt: skip

    def _is_late(self):
        self.late += 1

    def _is_open(self):
        self.opened += 1

    async def listen(self):
        try:
            await self.hearing.listen(lambda: self.topics, on_open=self._is_open)
        except LOST as problem:
            self.end = problem
        finally:
            await self.hearing.close()

    async def close(self):
        await self.tasks.stop()
        await self.hearing.close()
        await self.link.close()


@asynccontextmanager
async def listening(*, is_open=True, server=None, **words):
    async with server or ScriptedRedis() as server:
        ear = Ear(server, **words)
        ear.tasks.start("listen", ear.listen())
        if is_open:
            await until(lambda: ear.opened, within_s=5, what="the hearing to open")
        yield ear, server
        await ear.close()


async def test_it_is_open_when_everything_is_confirmed_and_says_so_once():
    topics = [b"t%d" % number for number in range(1_200)]
    async with listening(topics=topics) as (ear, server):
        asked = [command for command in server.asked if command[0] == b"SUBSCRIBE"]
        assert [topic for command in asked for topic in command[1:]] == topics
        assert len(asked) == 3
        assert await ear.hearing.subscribe(b"more") and ear.opened == 1


async def test_it_is_not_open_while_one_confirmation_is_missing():
    async with ScriptedRedis() as server:
        server.answer = lambda command: confirmed(command[:-1]) if b"SUBSCRIBE" in command else b"+OK\r\n"
        async with listening(server=_as_is(server), topics=[b"a", b"b"], is_open=False) as (ear, _server):
            await until(lambda: b"SUBSCRIBE" in server.words(), within_s=5, what="the subscription")
            server.push(b"message", b"a", b"one")
            await until(lambda: ear.messages == [b"one"], within_s=5, what="the message")
            assert ear.opened == 0
            server.push(b"subscribe", b"b", 2)
            await until(lambda: ear.opened == 1, within_s=5, what="the last confirmation")


@asynccontextmanager
async def _as_is(server):
    yield server


async def test_many_wishes_in_one_turn_leave_in_one_command():
    async with listening() as (ear, server):
        topics = [b"t%d" % number for number in range(400)]
        assert all(await asyncio.gather(*(ear.hearing.subscribe(topic) for topic in topics)))
        assert server.asked[-1] == [b"SUBSCRIBE", *topics]
        for topic in topics:
            ear.hearing.unsubscribe(topic)
        await until(lambda: server.asked[-1] == [b"UNSUBSCRIBE", *topics], within_s=5, what="the end of them")


async def test_topics_of_different_places_leave_in_different_commands():
    together = lambda topic: topic[:1]  # noqa: E731
    topics = [b"a1", b"b1", b"a2"]
    async with listening(words=SHARDED, together=together, topics=topics) as (ear, server):
        asked = [command for command in server.asked if command[0] == b"SSUBSCRIBE"]
        assert asked == [[b"SSUBSCRIBE", b"a1", b"a2"], [b"SSUBSCRIBE", b"b1"]]
        server.push(b"smessage", b"a1", b"one")
        await until(lambda: ear.messages == [b"one"], within_s=5, what="the message")


async def test_of_several_wishes_for_one_topic_in_one_turn_the_last_counts():
    async with listening() as (ear, server):
        wishing = asyncio.ensure_future(ear.hearing.subscribe(b"t"))
        asyncio.get_running_loop().call_soon(ear.hearing.unsubscribe, b"t")
        assert not await wishing
        assert await ear.hearing.subscribe(b"last")
        assert server.asked[-2:] == [[b"UNSUBSCRIBE", b"t"], [b"SUBSCRIBE", b"last"]]
        assert server.words().count(b"SUBSCRIBE") == 2


async def test_a_confirmation_of_an_older_wish_is_not_taken_for_that_of_a_newer_one():
    async with listening() as (ear, server):
        server.answer = lambda _command: None
        assert not await ear.hearing.subscribe(b"t")
        ear.hearing.unsubscribe(b"t")
        await until(lambda: server.asked[-1][0] == b"UNSUBSCRIBE", within_s=5, what="the end of it")
        server.push(b"subscribe", b"t", 2)  # the first wish; Redis has not read the second yet
        server.push(b"message", FIRST, b"then")
        await until(lambda: ear.messages, within_s=5, what="what follows it")
        again = asyncio.ensure_future(ear.hearing.subscribe(b"t"))
        await until(lambda: server.asked[-1] == [b"SUBSCRIBE", b"t"], within_s=5, what="the new wish")
        server.push(b"unsubscribe", b"t", 1)
        server.push(b"message", FIRST, b"and then")
        await until(lambda: len(ear.messages) == 2, within_s=5, what="what follows the end of it")
        assert not again.done()
        server.push(b"subscribe", b"t", 2)
        assert await again


async def test_who_is_not_confirmed_in_time_goes_on_and_the_confirmation_counts_as_a_gap():
    async with listening() as (ear, server):
        server.hold()
        assert not await ear.hearing.subscribe(b"t")
        assert ear.late == 0
        server.let_go()
        await until(lambda: ear.late == 1, within_s=5, what="the late confirmation")
        assert await ear.hearing.subscribe(b"u") and ear.late == 1


async def test_while_redis_is_slow_only_the_first_waits():
    async with listening() as (ear, server):
        server.hold()
        assert not await ear.hearing.subscribe(b"t")
        began_s = evenly_s()
        for number in range(200):
            assert not await ear.hearing.subscribe(b"t%d" % number)
        assert evenly_s() - began_s < 0.4  # one alone would wait for 0.5 s
        server.let_go()
        await until(lambda: ear.late == 201, within_s=5, what="all the late confirmations")


async def test_what_was_let_go_of_meanwhile_is_no_gap():
    async with listening() as (ear, server):
        server.hold()
        assert not await ear.hearing.subscribe(b"t")
        ear.hearing.unsubscribe(b"t")
        server.let_go()
        await until(lambda: server.asked[-1][0] == b"UNSUBSCRIBE", within_s=5, what="the end of it")
        server.push(b"message", FIRST, b"after it")
        await until(lambda: ear.messages, within_s=5, what="what follows it")
        assert ear.late == 0 and await ear.hearing.subscribe(b"u")


async def test_without_a_sign_of_life_it_gives_up():
    async with listening(patience_s=0.3) as (ear, server):
        await until(lambda: ear.end is not None, within_s=5, what="the end of patience")
        assert isinstance(ear.end, TimeoutError)


async def test_a_sign_of_life_prolongs_patience_and_other_messages_do_not():
    async with listening(patience_s=0.5) as (ear, server):
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        while loop.time() - began_s < 1.0:
            ear.hearing.is_alive()
            await asyncio.wait([ear.tasks.start("pause", asyncio.sleep(0.05))])
        assert ear.end is None
        while ear.end is None and loop.time() - began_s < 5:
            server.push(b"message", FIRST, b"chat")
            await asyncio.wait([ear.tasks.start("pause", asyncio.sleep(0.05))])
        assert isinstance(ear.end, TimeoutError)


async def test_signs_of_life_do_not_help_who_never_gets_its_confirmations():
    async with ScriptedRedis() as server:
        server.answer = lambda command: None if command[0] == b"SUBSCRIBE" else b"+OK\r\n"
        async with listening(server=_as_is(server), patience_s=0.5, is_open=False) as (ear, _):
            await until(lambda: ear.hearing.is_alive() or ear.end, within_s=5, what="the end of patience")


async def test_patience_lasts_while_confirmations_of_the_beginning_come():
    async with ScriptedRedis() as server:
        server.answer = lambda command: None if command[0] == b"SUBSCRIBE" else b"+OK\r\n"
        async with listening(server=_as_is(server), patience_s=0.4, topics=[b"a", b"b", b"c", b"d"], is_open=False) as (ear, _):
            await until(lambda: b"SUBSCRIBE" in server.words(), within_s=5, what="the subscription")
            for number, topic in enumerate([b"a", b"b", b"c", b"d"], 1):
                await asyncio.wait([ear.tasks.start("pause", asyncio.sleep(0.2))])
                server.push(b"subscribe", topic, number)
            await until(lambda: ear.opened == 1, within_s=5, what="the hearing to open")


@pytest.mark.parametrize(
    "pushed",
    [
        [b"sunsubscribe", FIRST, 0],  # a Cluster moved it
        [b"subscribe", b"another", 1],
        [b"message", FIRST],
        [b"pong", b"", b"", b""],
    ],
)
async def test_what_nobody_asked_for_ends_the_connection(pushed):
    async with listening() as (ear, server):
        server.push(*pushed)
        await until(lambda: ear.end is not None, within_s=5, what="the end")


@pytest.mark.parametrize(
    "said", [b"-NOPERM no channels for you\r\n", b"-MOVED 1 127.0.0.1:1\r\n", b"HTTP/1.1 400 Bad Request\r\n", b"*3\r\n"]
)
async def test_a_refusal_and_garbage_end_the_connection(said):
    async with listening() as (ear, server):
        server.answer = lambda _command: said
        if said == b"*3\r\n":
            server.answer = lambda _command: _cut(server)
        assert not await ear.hearing.subscribe(b"t")
        await until(lambda: ear.end is not None, within_s=5, what="the end")


def _cut(server):
    """In the middle of an answer."""
    for writer in server.connections:
        writer.write(b"*3\r\n$9\r\nsubsc")
        writer.close()


async def test_whoever_waits_when_the_connection_ends_is_told_at_once():
    async with listening() as (ear, server):
        server.hold()
        waiting = [asyncio.ensure_future(ear.hearing.subscribe(b"t%d" % number)) for number in range(3)]
        await until(lambda: len(server.asked) > 1, within_s=5, what="the wish")
        began_s = evenly_s()
        server.cut()
        assert await asyncio.gather(*waiting) == [False, False, False]
        assert evenly_s() - began_s < 0.4
        assert not await ear.hearing.subscribe(b"later")


async def test_a_connection_that_ended_is_never_opened_again_by_a_wish():
    async with listening() as (ear, server):
        server.cut()
        for number in range(50):
            ear.hearing.unsubscribe(b"t%d" % number)
            await asyncio.sleep(0)
        await until(lambda: ear.end is not None, within_s=5, what="the end")
        assert len(server.connections) == 0 and server.words().count(b"SUBSCRIBE") == 1


@pytest.mark.parametrize("turns", range(12))  # of the loop: more than a command takes to be on its way
async def test_a_connection_that_ends_under_a_subscription_is_lost_and_nothing_else(turns):
    """Reading and writing notice it at once then, and redis-py by itself would connect anew from either side."""
    async with listening() as (ear, server):
        confirmed = asyncio.ensure_future(ear.hearing.subscribe(b"late"))
        for _ in range(turns):
            await asyncio.sleep(0)
        ear.hearing._connection.abort()
        assert await confirmed in (True, False)
        await until(lambda: ear.end is not None, within_s=5, what="the end")
        assert ear.tasks.died == {} and server.words().count(b"CLIENT") <= 2


async def test_closing_while_it_connects_leaves_nothing_behind():
    async with ScriptedRedis() as server:
        server.hold()
        ear = Ear(server, topics=[b"x" * 1_000])
        listening_task = ear.tasks.start("listen", ear.listen())
        await until(lambda: server.connections, within_s=5, what="the connection")
        await ear.close()
        assert listening_task.done()
        server.let_go()
        await until(lambda: all(writer.is_closing() for writer in server.connections), within_s=5, what="the end")


async def test_a_server_that_takes_nothing_is_let_go_of_with_what_it_did_not_take():
    async with listening() as (ear, server):
        writer = server.connections[0]
        writer.transport.pause_reading()
        topics = [b"t%d" % number * 20 for number in range(60_000)]  # more than the buffers between us hold
        for topic in topics:
            ear.hearing.unsubscribe(topic)
        await until(lambda: ear.end is not None, within_s=10, what="the end")
        writer.transport.resume_reading()
        await until(writer.is_closing, within_s=5, what="the end on the other side")
        assert sum(len(command) - 1 for command in server.asked if command[0] == b"UNSUBSCRIBE") < len(topics)


async def test_hundreds_of_thousands_of_wishes_leave_no_trace():
    async with listening() as (ear, server):
        for turn in range(200):
            for number in range(1_000):
                ear.hearing.unsubscribe(b"t%d" % number)
            await ear.hearing.subscribe(b"last %d" % turn)
        await until(lambda: len(ear.hearing._subscriptions) == 0, within_s=20, what="all answers")
        assert ear.end is None and server.words().count(b"UNSUBSCRIBE") >= 200


async def test_a_message_and_its_bytes_come_as_they_are():
    async with listening() as (ear, server):
        for data in (b"", b"\r\n$3\r\n", bytes(range(256)), b"x" * 1_000_000):
            server.push(b"message", FIRST, data)
        await until(lambda: len(ear.messages) == 4, within_s=5, what="the messages")
        assert [len(one) for one in ear.messages] == [0, 6, 256, 1_000_000]
