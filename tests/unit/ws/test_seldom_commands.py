"""What libraries seldom send, answered as docs/protocol.md says, in each encoding."""
import asyncio

from tests.unit.ws.place import place
from tests.unit.ws.raw_frames import RawSocket
from tests.unit.ws.test_bad_frames import EACH_ENCODING, meeting

AVAILABLE, DENIED, NONSENSE = (
    {"code": 108, "message": "not available"}, {"code": 103, "message": "permission denied"},
    {"code": 107, "message": "bad request"},
)  # fmt: skip


@EACH_ENCODING
async def test_each_has_its_one_answer(database, outbox, wire):
    async with meeting(database, outbox, wire) as (here, socket):
        for command, answer in (
            ({"publish": {"channel": "order:1", "data": {"a": 1}}}, {"error": DENIED}),
            ({"subscribe": {"channel": "order:1", "type": 1}}, {"error": AVAILABLE}),
            ({"presence": {"channel": "user:alice"}}, {"error": AVAILABLE}),
            ({"presence_stats": {"channel": "user:alice"}}, {"error": AVAILABLE}),
            ({"presence": {"channel": "order:foreign"}}, {"error": DENIED}),
            ({"history": {"channel": "order:foreign"}}, {"error": DENIED}),
            ({"sub_refresh": {"channel": "user:alice", "token": "t"}}, {"error": AVAILABLE}),
            ({"sub_refresh": {"channel": "order:1", "token": "t"}}, {"error": DENIED}),
            ({"unsubscribe": {"channel": "order:1"}}, {"unsubscribe": {}}),
            ({"subscribe": {"channel": "nonsense"}}, {"error": DENIED}),
            ({"ping": {}}, {"ping": {}}),
        ):
            await socket.say({"send": {"data": 1}}, {"id": 9, **command})
            assert await socket.heard() == {"id": 9} | answer, command
        assert here.live.counts["command_send"] == 11


@EACH_ENCODING
async def test_a_history_of_another_epoch_is_112_and_of_this_one_goes_both_ways(database, outbox, wire):
    async with meeting(database, outbox, wire) as (here, socket):
        tops = [await here.publish("order:1", number) for number in range(4)]
        epoch = tops[0].epoch

        async def history(**wish):
            await socket.say({"id": 9, "history": {"channel": "order:1", **wish}})
            reply = await socket.heard()
            told = reply.get("history")
            return reply["error"]["code"] if told is None else [pub["offset"] for pub in told.get("publications", [])]

        assert await history(limit=10, since={"offset": 2, "epoch": "another"}) == 112
        assert await history(limit=10, since={"offset": 2, "epoch": epoch}) == [3, 4]
        assert await history(limit=10, since={"offset": 3, "epoch": epoch}, reverse=True) == [2, 1]
        assert await history(limit=2, reverse=True) == [4, 3] and await history(limit=-1) == [1, 2, 3, 4]
        assert await history() == []


@EACH_ENCODING
async def test_an_id_in_flight_names_one_command(database, outbox, wire):
    async with meeting(database, outbox, wire) as (here, socket):
        gate = asyncio.Event()

        async def slow(_identity, data):
            await gate.wait()
            return data

        here.methods = {"slow": slow}
        await socket.say(*({"id": 9, "rpc": {"method": "slow", "data": data}} for data in (1, 2)))
        assert await socket.heard() == {"id": 9, "error": NONSENSE}
        gate.set()
        assert await socket.heard() == {"id": 9, "rpc": {"data": 1}}


@EACH_ENCODING
async def test_anything_before_the_connect_ends_it(database, outbox, wire):
    async with place(database, outbox) as here:
        for command in ({}, {"send": {}}, {"id": 1, "ping": {}}, {"id": 1, "subscribe": {"channel": "order:1"}}):
            socket = await RawSocket.open(here, wire)
            await socket.say(command)
            assert await socket.ended() == (3501, "bad request")
            socket.drop()
