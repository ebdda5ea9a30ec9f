"""The official Python client against the program, in JSON and in Protobuf.

Over Protobuf it stands for the Swift, Java and Dart ones, which know nothing else and are not run here. The JavaScript
client makes the same journey in test_javascript_client.py; closes that neither can provoke in test_client_closes.py.
"""
import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
from centrifuge import Client, ClientEventHandler, ClientState, ReplyError, SubscriptionEventHandler

from server.demo.tale.wire import Wire
from tests.e2e.live import ARRIVES_WITHIN_S
from tests.e2e.people import log_in
from tests.e2e.ward import PASSWORD


class Heard(ClientEventHandler, SubscriptionEventHandler):
    """All that a client or one subscription was told, by kind."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []
        self._news = asyncio.Condition()

    async def note(self, kind: str, context: Any) -> None:
        self.events.append((kind, context))
        async with self._news:
            self._news.notify_all()

    def of(self, kind: str) -> list[Any]:
        return [context for known, context in self.events if known == kind]

    def offsets(self) -> list[int]:
        return [context.pub.offset for context in self.of("publication") if context.pub.offset]

    async def hear(self, kind: str, *, times: int = 1) -> Any:
        """The `times`-th of a kind, there already or still to come."""
        async with asyncio.timeout(ARRIVES_WITHIN_S), self._news:
            await self._news.wait_for(lambda: len(self.of(kind)) >= times)
        return self.of(kind)[times - 1]

    async def hear_of(self, kind: str, user_id: str) -> Any:
        """Who came or went, once it is this user."""
        times = 1
        while (info := (await self.hear(kind, times=times)).info).user != user_id:
            times += 1
        return info


def _noting(kind: str) -> Any:
    async def note(self: Heard, context: Any) -> None:
        await self.note(kind, context)

    return note


for _kind in ("connected", "connecting", "disconnected", "subscribed", "unsubscribed", "publication", "join", "leave"):
    setattr(Heard, f"on_{_kind}", _noting(_kind))


@pytest.fixture(params=["json", "protobuf"])
def speak(request: Any) -> Any:
    """Opens clients of one encoding."""
    return partial(spoken, in_protobuf=request.param == "protobuf")


@asynccontextmanager
async def spoken(
    port: int, token: str, *, in_protobuf: bool, get_token: Any = None, is_ready: bool = True
) -> AsyncIterator[Any]:
    """A connected client and what it heard."""
    heard = Heard()
    client = Client(
        f"ws://127.0.0.1:{port}/connection/websocket", events=heard, token=token, get_token=get_token,
        use_protobuf=in_protobuf, max_reconnect_delay=0.5, proxy=None,
    )
    await client.connect()
    try:
        if is_ready:
            await client.ready(timeout=ARRIVES_WITHIN_S)
        yield client, heard
    finally:
        await client.disconnect()
        if closing := list(client._background_tasks):
            await asyncio.wait(closing, timeout=ARRIVES_WITHIN_S)


async def follow(client: Client, channel: str, **wishes: Any) -> tuple[Any, Heard]:
    heard = Heard()
    subscription = client.new_subscription(channel, events=heard, recoverable=True, **wishes)
    await subscription.subscribe()
    await heard.hear("subscribed")
    return subscription, heard


def packed(client: Client, value: Any) -> Any:
    """Data as the application gives it to the library: bytes over Protobuf, where JSON text stands in them."""
    return json.dumps(value).encode() if client._use_protobuf else value


def unpacked(data: Any) -> Any:
    return json.loads(data) if isinstance(data, bytes) else data


async def call(client: Client, method: str, data: Any) -> Any:
    return unpacked((await client.rpc(method, packed(client, data))).data)


async def test_it_connects_has_its_own_channel_and_hears_what_happens(served, ward, speak):
    async with speak(served.port, ward.family.token) as (client, heard):
        assert (await heard.hear("subscribed")).channel == f"user:{ward.family.user_id}"
        _, room = await follow(client, ward.channel)
        told = await call(client, "chat.send", ward.message("您好"))
        publication = (await room.hear("publication")).pub
        event = unpacked(publication.data)
        assert (publication.offset, event["type"], event["data"]["text"]) == (told["offset"], "chat.message", "您好")
        order = await asyncio.to_thread(ward.visits.book, hours_ahead=31 + 24 * client._use_protobuf)
        await asyncio.to_thread(ward.visits.pay, order)
        own = await heard.hear("publication")
        assert unpacked(own.pub.data)["data"]["order_id"] == order["order_id"]


async def test_it_recovers_what_it_missed_once_and_in_order(served, ward, speak):
    wire = Wire(host="127.0.0.1", port=served.port)
    through = await wire.open()
    async with speak(served.port, ward.carer.token) as (carer, _), speak(through, ward.family.token) as (
        family, heard,
    ):  # fmt: skip
        _, room = await follow(family, ward.channel)
        sent = [await call(carer, "chat.send", ward.message("线断之前"))]
        await room.hear("publication")
        wire.cut()
        sent += [await call(carer, "chat.send", ward.message(f"第{number}句")) for number in range(5)]
        await heard.hear("connecting", times=2)
        wire.mend()
        again = await room.hear("subscribed", times=2)
        assert again.was_recovering and again.recovered
        await room.hear("publication", times=6)
        assert room.offsets() == [one["offset"] for one in sent]
    await wire.close()


async def test_it_reads_history_presence_and_who_comes_and_goes(served, ward, speak):
    async with speak(served.port, ward.family.token) as (family, _):
        room, told = await follow(family, ward.channel, join_leave=True)
        sent = [await call(family, "chat.send", ward.message(f"{number}")) for number in range(3)]
        history = await room.history(limit=2, reverse=True)
        assert [pub.offset for pub in history.publications] == [sent[2]["offset"], sent[1]["offset"]]
        assert history.offset == sent[2]["offset"] and history.epoch
        assert unpacked(history.publications[0].data)["data"]["text"] == "2"
        assert (await room.history(limit=0)).publications == []
        async with speak(served.port, ward.carer.token) as (carer, _):
            visit, _ = await follow(carer, ward.channel)
            came = await told.hear_of("join", ward.carer.user_id)
            assert {one.user for one in (await room.presence()).clients.values()} == {
                ward.family.user_id, ward.carer.user_id,
            }  # fmt: skip
            assert (await room.presence_stats()).num_users == 2
            await visit.unsubscribe()
            assert (await told.hear_of("leave", ward.carer.user_id)).client == came.client


async def test_refusals_carry_the_status_and_the_stable_code(served, ward, speak):
    async with speak(served.port, ward.stranger.token) as (stranger, _):
        for method, data, told in (
            ("chat.send", ward.message("你好") | {"order_id": "nobody"}, (404, "not_found", False)),
            ("order.pay", {"order_id": ward.order_id}, (403, "forbidden", False)),
            ("order.vanish", {}, (104, "method not found", False)),
        ):
            with pytest.raises(ReplyError) as refused:
                await call(stranger, method, data)
            assert (refused.value.code, refused.value.message, refused.value.temporary) == told
        if stranger._use_protobuf:
            with pytest.raises(ReplyError) as refused:
                await stranger.rpc("chat.typing", b"{")
            assert refused.value.code == 107, "data that is no JSON"
        heard = Heard()
        await stranger.new_subscription(ward.channel, events=heard).subscribe()
        assert (await heard.hear("unsubscribed")).code == 103
        with pytest.raises(ReplyError) as refused:
            await stranger.publish(ward.channel, packed(stranger, {"text": "x"}))
        assert refused.value.code == 103


async def test_a_dying_token_is_renewed_on_the_open_connection(served, ward, speak):
    person, asked = log_in(ward.family.caller, ward.family.phone, PASSWORD), asyncio.Event()

    async def renew() -> str:
        renewed = await asyncio.to_thread(
            person.caller.post, "/api/user/refresh", {"refresh_token": person.refresh_token}
        )
        asked.set()
        return renewed["token"]

    async with speak(served.port, ward.aged(person, left_s=2), get_token=renew) as (client, heard):
        await asyncio.wait_for(asked.wait(), ARRIVES_WITHIN_S)
        await call(client, "chat.typing", {"order_id": ward.order_id})
        assert len(heard.of("connected")) == 1, "the connection went on"


async def test_an_expired_token_is_renewed_at_connect_and_one_that_is_none_refused_for_good(served, ward, speak):
    person = log_in(ward.family.caller, ward.family.phone, PASSWORD)

    async def renew() -> str:
        return person.token

    async with speak(served.port, ward.aged(person, left_s=-30), get_token=renew) as (client, _):
        assert client.state is ClientState.CONNECTED
    async with speak(served.port, "abc.def.ghi", is_ready=False) as (_, heard):
        assert (await heard.hear("disconnected")).code == 3500


async def test_a_logout_closes_the_socket_for_good(served, ward, speak):
    person = log_in(ward.family.caller, ward.family.phone, PASSWORD)
    async with speak(served.port, person.token) as (client, heard):
        await asyncio.to_thread(person.post, "/api/user/logout")
        gone = await heard.hear("disconnected")
        assert (gone.code, bool(gone.reason), client.state) == (3503, True, ClientState.DISCONNECTED)
