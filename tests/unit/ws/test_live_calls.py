"""Calls and history over the open connection."""

import asyncio

import pytest

from server.core.errors import Refused, Unavailable, invalid
from tests.unit.ws.place import place, until


async def test_history_goes_both_ways_from_a_position(database, outbox):
    async with place(database, outbox) as here:
        for number in range(1, 6):
            top = await here.publish("order:1", number)
        client, _ = await here.connected()

        async def history(**wish):
            return (await client.ask(history={"channel": "order:1", **wish}))["history"]

        def offsets(result):
            return [pub["offset"] for pub in result["publications"]]

        assert await history() == {"publications": [], "epoch": top.epoch, "offset": 5}
        assert offsets(await history(limit=-1)) == [1, 2, 3, 4, 5]
        assert offsets(await history(limit=2, since={"offset": 3, "epoch": top.epoch})) == [4, 5]
        assert offsets(await history(limit=10, since={"offset": 3, "epoch": top.epoch}, reverse=True)) == [2, 1]
        assert offsets(await history(limit=2, reverse=True)) == [5, 4]
        wrong = await client.ask(history={"channel": "order:1", "limit": 1, "since": {"offset": 3, "epoch": "x"}})
        assert wrong["error"]["code"] == 112
        assert (await client.ask(history={"channel": "order:foreign"}))["error"]["code"] == 103


async def test_an_rpc_answers_with_the_use_cases_result_or_refusal(database, outbox):
    async with place(database, outbox) as here:

        async def accept(identity, data):
            return {"by": identity.user_id, **data}

        def raising(error):
            async def method(_identity, _data):
                raise error

            return method

        here.methods = {
            "order.accept": accept,
            "taken": raising(Refused("offer_taken")),
            "invalid": raising(invalid("patient.name", "姓名不能为空")),
            "hurried": raising(Refused("too_many_requests", retry_after_s=3)),
            "away": raising(Unavailable()),
        }
        client, _ = await here.connected()
        reply = await client.ask(rpc={"method": "order.accept", "data": {"order_id": "o"}})
        assert reply["rpc"] == {"data": {"by": "alice", "order_id": "o"}}
        for method, error in {
            "taken": {"code": 409, "message": "offer_taken"},
            "invalid": {"code": 422, "message": "invalid:patient.name"},
            "hurried": {"code": 429, "message": "too_many_requests", "temporary": True},
            "away": {"code": 503, "message": "unavailable", "temporary": True},
            "nothing": {"code": 104, "message": "method not found"},
        }.items():
            assert (await client.ask(rpc={"method": method}))["error"] == error


@pytest.mark.expects_warnings
async def test_a_bug_in_a_call_is_answered_as_temporary_and_logged_once(database, outbox, caplog):
    async with place(database, outbox) as here:

        async def broken(_identity, _data):
            raise KeyError("a bug")

        async def unspeakable(_identity, _data):
            return {"a": object()}

        here.methods = {"broken": broken, "unspeakable": unspeakable}
        client, _ = await here.connected()
        internal = {"code": 100, "message": "internal server error", "temporary": True}
        assert (await client.ask(rpc={"method": "broken"}))["error"] == internal
        assert len([record for record in caplog.records if record.levelname == "ERROR"]) == 1
        assert (await client.ask(rpc={"method": "unspeakable"}))["error"] == internal
        assert here.live.counts["bugs"] == 2


async def test_rpcs_keep_their_order_and_hold_up_nothing_else(database, outbox):
    async with place(database, outbox, calls_in_flight=4) as here:
        gate, seen = asyncio.Event(), []

        async def slow(_identity, data):
            await gate.wait()
            seen.append(data)
            return data

        here.methods = {"slow": slow}
        client, _ = await here.connected()
        await client.say(*({"id": 10 + n, "rpc": {"method": "slow", "data": n}} for n in range(4)))
        await client.say({"id": 20, "rpc": {"method": "slow"}}, {"id": 10, "rpc": {"method": "slow"}})
        assert (await client.next())["error"]["code"] == 111
        assert (await client.next())["error"]["code"] == 107, "an id in flight names one command"
        assert "subscribe" in await client.ask(subscribe={"channel": "order:1"})
        await client.say({})
        gate.set()
        replies = [await client.next() for _ in range(4)]
        assert [reply["rpc"]["data"] for reply in replies] == seen == [0, 1, 2, 3]


async def test_a_call_that_runs_goes_on_when_its_client_leaves(database, outbox):
    async with place(database, outbox) as here:
        gate, started, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def committing(_identity, _data):
            started.set()
            await gate.wait()
            done.set()

        here.methods = {"committing": committing}
        client, _ = await here.connected()
        await client.say({"id": 5, "rpc": {"method": "committing"}})
        await asyncio.wait_for(started.wait(), 5)
        client.connection.close()
        await until(lambda: not here.live.connections)
        gate.set()
        await asyncio.wait_for(done.wait(), 5)


async def test_more_calls_a_second_than_allowed_are_told_to_come_later(database, outbox):
    async with place(database, outbox, rpc_per_s=5.0) as here:
        client, _ = await here.connected()
        answers = [(await client.ask(rpc={"method": "x"}))["error"]["code"] for _ in range(8)]
        assert answers[:5] == [104] * 5
        assert answers[-1] == 111
