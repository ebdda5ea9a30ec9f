"""P17: who goes away in the middle of a question leaves nobody else its answer.

Through the product's own ways to MariaDB, Redis and MongoDB: each question has an answer of its own, some askers are
cancelled at any moment, the others and whoever asks next compare.
"""

import asyncio
import random

import pytest
from sqlalchemy import bindparam, func, literal, select

from server.core.errors import Unavailable
from server.storage.redis.address import parse_address
from server.storage.redis.link import RedisLink
from server.storage.sql import Database
from tests.fault.test_histories import IS_LONG

pytestmark = [pytest.mark.slow, pytest.mark.services]

_CANCELS = 10_000 if IS_LONG else 300
_AT_ONCE = 16
_THINKS_S = 0.001
_KEYS = 1_000


@pytest.fixture
def sql(io_loop, mysql_database, keys):
    """Reads and writes on MariaDB; the pool is smaller than the crowd."""
    url = mysql_database.render_as_string(hide_password=False)
    database = Database(url, keys=keys, readers=4, acquire_timeout_s=5.0)
    echo = select(bindparam("n"), func.sleep(literal(_THINKS_S)))

    async def ask(number):
        async def body(tx):
            return int(await tx.value(echo, {"n": number}))

        if number % 2:
            return await database.write(body)
        async with database.read() as tx:
            return await body(tx)

    yield ask
    io_loop.asyncio_loop.run_until_complete(database.close())


@pytest.fixture
def redis_desk(io_loop, redis_url):
    run = io_loop.asyncio_loop.run_until_complete
    link = RedisLink(parse_address(redis_url))
    desk = link.desk("cancel", within_s=2.0, connections=4)
    run(desk.ask(lambda redis: redis.mset({f"cancel:{number}": number for number in range(_KEYS)})))

    async def ask(number):
        def work(redis):
            if number % 2:
                return redis.get(f"cancel:{number % _KEYS}")
            pipeline = redis.pipeline(transaction=False)
            return pipeline.get(f"cancel:{number % _KEYS}").publish("cancel", b"x" * 10_000).execute()

        answer = await desk.ask(work)
        return number - number % _KEYS + int(answer if number % 2 else answer[0])

    yield ask
    run(link.close())


@pytest.fixture
def documents(io_loop, mongo):
    run = io_loop.asyncio_loop.run_until_complete
    run(mongo.ask(lambda db: db["cancel"].insert_many([{"_id": number} for number in range(_KEYS)])))

    async def ask(number):
        found = await mongo.ask(lambda db: db["cancel"].find_one({"_id": number % _KEYS}))
        return number - number % _KEYS + found["_id"]

    return ask


class Askers:
    """Numbers are asked for and must come back."""

    def __init__(self, ask):
        self._ask = ask
        self._random = random.Random(17)
        self._number = 0
        self._took_s = 0.01  # the last handful
        self.cancelled = self.answered = self.away = 0
        self.wrong = []

    async def some(self):
        """A handful at once; half of them leave: before they are served, in the middle, or they were about to."""
        loop = asyncio.get_running_loop()
        began_at = loop.time()
        self._number += _AT_ONCE
        tasks = {number: loop.create_task(self._ask(number)) for number in range(self._number - _AT_ONCE, self._number)}
        for task in list(tasks.values())[::2]:
            loop.call_later(self._random.uniform(0, self._took_s), task.cancel)
        answers = await asyncio.gather(*tasks.values(), return_exceptions=True)
        self._took_s = loop.time() - began_at
        for number, answer in zip(tasks, answers, strict=True):
            self._judge(number, answer)

    def _judge(self, number, answer):
        if isinstance(answer, asyncio.CancelledError):
            self.cancelled += 1
        elif isinstance(answer, Unavailable):
            self.away += 1
        elif answer == number:
            self.answered += 1
        else:
            self.wrong.append((number, answer))


@pytest.fixture(params=["sql", "redis_desk", "documents"])
def ask(request):
    return request.getfixturevalue(request.param)


@pytest.mark.timeout(1_800 if IS_LONG else 300)
async def test_who_leaves_in_the_middle_leaves_nobody_a_wrong_answer(ask, request):
    askers = Askers(ask)
    # A way opens with the product, before anybody asks who may leave.
    assert [await ask(number) for number in range(4)] == [0, 1, 2, 3]
    while askers.cancelled < _CANCELS:
        await askers.some()
        assert askers.wrong == []
    counts = f"{askers.cancelled} cancelled, {askers.answered} answered, {askers.away} told that it is away"
    print(f"P17 {request.node.callspec.id}: {counts}")
    assert askers.answered > askers.cancelled / 2
    assert askers.away < askers.answered / 10


def test_a_way_that_mixes_up_answers_is_seen():
    askers = Askers(None)
    askers._judge(1, 1)
    askers._judge(2, 1)
    assert askers.wrong == [(2, 1)]
