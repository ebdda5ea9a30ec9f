"""Clients of all encodings on one server, from the handshake to the close."""

from collections import Counter

import pytest

from server.ws.wire.codec import Codec
from tests.unit.ws.place import Client, place
from tests.wires import WIRES, wire_name

JSON, PROTOBUF, MSGPACK = WIRES
BINARY = pytest.mark.parametrize("wire", [PROTOBUF, MSGPACK], ids=wire_name)


class Speaker(Client):
    """Speaks one encoding word by word."""

    def __init__(self, connection, wire):
        super().__init__(connection)
        self.wire = wire

    async def say(self, *commands):
        await self.send(self.wire.say(*commands))

    async def send(self, message):
        await self.connection.write_message(message, binary=isinstance(message, bytes))

    async def next(self):
        while not self.pending:
            message = await self.connection.read_message()
            if message is None:
                return None
            assert isinstance(message, str) == self.wire.codec.is_text
            self.pending = self.wire.hear(message)
        return self.pending.pop(0)


async def speaker(here, wire, *, query=""):
    """A socket of an encoding, agreed by sub-protocol, or by the address where a query is given."""
    address = here.url
    here.url += query
    raw = await here.raw(subprotocols=None if query else [wire_name(wire)])
    here.url = address
    assert raw.connection.selected_subprotocol == (None if query else wire_name(wire))
    return Speaker(raw.connection, wire)


async def connected(here, wire, *, token="alice", channel=None, query=""):
    client = await speaker(here, wire, query=query)
    reply = await client.ask(connect={"token": token})
    assert "connect" in reply, reply
    if channel is not None:
        assert "subscribe" in await client.ask(subscribe={"channel": channel})
    return client


class Counting:
    """A codec that counts what it encodes; everything else is the codec's own."""

    def __init__(self, codec: Codec, encoded: Counter) -> None:
        self._codec, self._encoded = codec, encoded

    def __getattr__(self, name):
        return getattr(self._codec, name)

    def encode_publication(self, channel, publication):
        self._encoded[self._codec.subprotocol, publication.offset] += 1
        return self._codec.encode_publication(channel, publication)


@pytest.mark.parametrize("wire", WIRES, ids=wire_name)
async def test_connect_and_subscribe_may_come_in_one_frame_of_any_encoding(database, outbox, wire):
    async with place(database, outbox) as here:
        client = await speaker(here, wire)
        await client.say(
            {"id": 1, "connect": {"token": "alice"}}, {"id": 2, "subscribe": {"channel": "order:1"}}, {}
        )
        first, second = [await client.next() for _ in range(2)]
        assert first["connect"]["subs"] == {"user:alice": {"recoverable": True, "positioned": True}}
        assert second == {"id": 2, "subscribe": {"recoverable": True, "positioned": True}}


@pytest.mark.parametrize("wire", WIRES, ids=wire_name)
async def test_what_was_missed_is_recovered_in_any_encoding(database, outbox, wire):
    async with place(database, outbox) as here:
        top = await here.publish("order:1", "before")
        client = await connected(here, wire)
        await here.publish("order:1", {"text": "断线时的一句"})
        wish = {"channel": "order:1", "recover": True, "offset": top.offset, "epoch": top.epoch}
        result = (await client.ask(subscribe=wish))["subscribe"]
        assert result["recovered"] and [pub["offset"] for pub in result["publications"]] == [2]
        assert result["publications"][0]["data"]["data"] == {"text": "断线时的一句"}


async def test_one_event_is_encoded_once_an_encoding_in_use_and_reaches_all(database, outbox):
    async with place(database, outbox) as here:
        encoded = Counter()
        here.live.codecs = {name: Counting(codec, encoded) for name, codec in here.live.codecs.items()}
        clients = [await connected(here, wire, channel="order:1") for wire in (JSON, PROTOBUF, JSON, PROTOBUF, JSON)]
        await here.publish("order:1", {"text": "您好"})
        await here.ephemeral("order:1", {"typing": True})
        for client in clients:
            stored, passing = [(await client.push())["pub"] for _ in range(2)]
            assert (stored["offset"], stored["data"]["data"]) == (1, {"text": "您好"})
            assert passing == {"data": {"typing": True}}
        names = ("centrifuge-json", "centrifuge-protobuf")
        assert encoded == {(name, offset): 1 for name in names for offset in (1, None)}, "nobody speaks msgpack"
        late = await connected(here, MSGPACK, channel="order:1")
        await here.publish("order:1", 2)
        assert (await late.push())["pub"]["offset"] == 2
        assert encoded["peihu.msgpack", 2] == 1


async def test_joins_and_leaves_are_told_in_every_encoding(database, outbox):
    async with place(database, outbox) as here:
        watchers = [await connected(here, wire) for wire in WIRES]
        for watcher in watchers:
            await watcher.ask(subscribe={"channel": "order:1", "join_leave": True})
        guest = await connected(here, JSON, token="bob")
        [client_id] = {each.session.client for each in here.live.connections if each.session.info.user == "bob"}
        await guest.ask(subscribe={"channel": "order:1"})
        await guest.ask(unsubscribe={"channel": "order:1"})
        bob = {"user": "bob", "client": client_id, "conn_info": {"name": "bob"}}
        for watcher in watchers:
            heard = []
            while len(heard) < 2:
                push = await watcher.push()
                kind = "join" if "join" in push else "leave"
                heard += [kind] if push[kind]["info"] == bob else []
            assert heard == ["join", "leave"]


@pytest.mark.parametrize("query", ["?format=protobuf", "?cf_protocol=protobuf", "?a=b&format=protobuf"])
async def test_an_address_may_name_protobuf(database, outbox, query):
    async with place(database, outbox) as here:
        client = await connected(here, PROTOBUF, query=query)
        assert await client.ask(ping={}) == {"id": 2, "ping": {}}


async def test_other_words_in_the_address_mean_json(database, outbox):
    async with place(database, outbox) as here:
        for query in ("?format=json", "?format=PROTOBUF", "?format=%ff", "?cf_protocol_version=v2"):
            assert "ping" in await (await connected(here, JSON, query=query)).ask(ping={})


@pytest.mark.parametrize("wire", WIRES, ids=wire_name)
async def test_the_wrong_kind_of_frame_costs_the_connection(database, outbox, wire):
    async with place(database, outbox) as here:
        for is_connected in (False, True):
            client = await (connected if is_connected else speaker)(here, wire)
            said = wire.say({"id": 9, "ping": {}})
            await client.send(said.encode() if isinstance(said, str) else said.decode("latin-1"))
            assert await client.code() == (3501, "bad request")


@BINARY
async def test_an_empty_frame_and_a_broken_one_cost_the_connection_and_nothing_else(database, outbox, wire):
    async with place(database, outbox) as here:
        bystander = await connected(here, wire, token="bob")
        for broken in (b"", b"\xc1", b"\xff" * 12):
            client = await connected(here, wire)
            await client.send(broken)
            assert await client.code() == (3501, "bad request")
        assert "ping" in await bystander.ask(ping={})


@pytest.mark.parametrize("wire", WIRES, ids=wire_name)
async def test_pings_are_answered_in_every_encoding(database, outbox, wire):
    async with place(database, outbox, ping_interval_s=1, pong_timeout_s=0.4) as here:
        client = await connected(here, wire)
        for _ in range(2):
            assert await client.next() == {}
            await client.say({})
        assert await client.next() == {}, "the pong was taken"
        assert await client.code() == (3012, "no pong")


@BINARY
async def test_nonsense_without_end_is_cut_off(database, outbox, wire):
    async with place(database, outbox, errors_in_a_row=5) as here:
        client = await connected(here, wire)
        for _ in range(5):
            await client.say({"id": 7})
        assert await client.code() == (3501, "bad request")
