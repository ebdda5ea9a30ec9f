"""Keyed requests through the real unit of work: once done, repeated byte for byte."""
import asyncio

import pytest

from server.core.errors import Refused
from server.core.operation import PATIENT, Operation
from server.handlers.routes import operation_routes
from tests.unit.handlers.conftest import Pair


@pytest.fixture
def done():
    return []


@pytest.fixture
def client(start, units, done):
    async def work(call, command):
        async def body(tx):
            done.append(command.name)
            if command.name == "拒绝":
                raise Refused("wrong_state")
            return {"n": len(done), "名": command.name}

        return await units.run(call, body)

    operation = Operation("POST", "/api/demo/work", Pair, work, PATIENT, "做", status=201)
    return start(lambda edge: operation_routes([operation], edge))


async def _post(client, name, key="k"):
    return await client.post("/api/demo/work", {"name": name}, headers={"Idempotency-Key": key})


@pytest.mark.parametrize(("name", "status"), [("甲", 201), ("拒绝", 409)])
async def test_the_same_key_and_body_get_the_same_bytes(client, done, name, status):
    first, again = await _post(client, name), await _post(client, name)
    assert (first.status, again.status) == (status, status)
    assert first.body == again.body
    assert done == [name]


async def test_the_same_key_with_another_body_is_a_mismatch(client, done):
    await _post(client, "甲")
    answer = await _post(client, "乙")
    assert (answer.status, answer.code) == (422, "idempotency_mismatch")
    assert done == ["甲"]


async def test_twenty_at_once_do_it_once(client, done):
    answers = await asyncio.gather(*[_post(client, "甲") for _ in range(20)])
    assert done == ["甲"]
    assert {(a.status, a.code) for a in answers} <= {(201, "ok"), (409, "idempotency_in_progress")}
    assert len({a.body for a in answers if a.status == 201}) == 1
