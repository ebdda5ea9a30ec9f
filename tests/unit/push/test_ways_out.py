"""Notices over the real adapters: once, by the best way, and by another one when that fails."""
import asyncio
from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import insert, select, update
from tornado.httpclient import AsyncHTTPClient
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application

from server.core.clock import server_now
from server.core.errors import Unavailable
from server.core.ids import new_id
from server.core.tasks import Tasks
from server.handlers.application import application_settings, server_options
from server.handlers.http.edge import Edge
from server.handlers.http.metrics import HttpMetrics
from server.handlers.http.use_cases import UseCases
from server.handlers.reports import report_routes
from server.push.dispatcher import Dispatcher, Patience
from server.push.reports import DeliveryReports
from server.storage.tables.identity import wechat_identity
from server.storage.tables.notices import message_delivery
from server.wechat.letters import WeChatLetterbox
from tests.fakes.sms import FakeAliyun
from tests.fakes.wechat import MINI, OA, PUSH_AES_KEY, PUSH_TOKEN, FakeWeChat
from tests.unit.push.carriers import (
    PARAMS,
    aliyun_sms,
    equip_sms,
    equip_wechat,
    http_post,
    mini_messages,
    oa_messages,
    wechat_app,
)
from tests.unit.push.conftest import PHONE
from tests.unit.push.test_deliveries import nothing

SUBSCRIBE = "/cgi-bin/message/subscribe/send"
REPORT_KEY = "r" * 40


class World:
    """Both fakes and the adapters to them."""

    def __init__(self):
        self.wechat, self.sms = FakeWeChat().start(), FakeAliyun().start()
        equip_wechat(self.wechat, "oA")
        equip_sms(self.sms)
        self.apps = [wechat_app(self.wechat, MINI), wechat_app(self.wechat, OA)]
        self.post = http_post()
        self.senders = {
            "sms": aliyun_sms(self.sms, self.post),
            "wechat_mini": mini_messages(self.apps[0]),
            "wechat_oa": oa_messages(self.apps[1]),
        }

    def close(self):
        for opened in (*self.apps, self.post):
            opened.close()
        self.wechat.stop()
        self.sms.stop()


@pytest.fixture
def world():
    world = World()
    yield world
    world.close()


@pytest.fixture
def senders(world):
    return world.senders


async def bind(database, user_id, app, openid="oA", *, earlier_s=0):
    row = {"identity_id": new_id(), "user_id": user_id, "app": app, "openid": openid}
    row["bound_at"] = server_now() - timedelta(seconds=earlier_s)
    row["openid_hash"] = database.keys.lookup_hash(openid, f"test.{app}")
    await database.write(lambda tx: tx.run(insert(wechat_identity).values(**row)))


async def add(notices, database, user_id):
    """A critical notice; the parcel that stands for its delivery."""
    about = {"user_id": user_id, "type": "order", "template": "caregiver_accepted", "params": PARAMS}
    about |= {"order_id": new_id(), "once_key": new_id(), "at": server_now()}
    await database.write(lambda tx: notices.add(tx, **about))
    (delivery,) = await rows(database, status="waiting")
    return {"delivery_id": delivery["delivery_id"]}


async def rows(database, **wanted):
    async with database.read() as tx:
        found = await tx.all(select(message_delivery).order_by(message_delivery.c.delivery_id))
    return [dict(row) for row in found if all(row[name] == value for name, value in wanted.items())]


async def states(database):
    return [(row["channel"], row["status"], row["failure_code"]) for row in await rows(database)]


async def deliver_all(dispatcher, database):
    """Hand over whatever waits, as the outbox would; a delivery that must wait is left."""
    for row in await rows(database, status="waiting"):
        try:
            await dispatcher.deliver_notice({"delivery_id": row["delivery_id"]}, None)
        except Unavailable:
            pass


async def test_a_notice_arrives_as_a_subscribe_message_with_its_page(notices, dispatcher, database, world, user_id):
    await bind(database, user_id, "mini")
    parcel = await add(notices, database, user_id)
    await dispatcher.deliver_notice(parcel, None)
    (message,) = world.wechat.messages
    order_id = (await rows(database))[0]["params"].partition('"order_id": "')[2][:26]
    assert message["page"] == f"pages/order?id={order_id}"
    assert message["data"]["thing1"] == {"value": "小时陪诊"}
    assert await states(database) == [("wechat", "sent", None)] and world.sms.messages == []


async def test_who_did_not_agree_gets_a_text_message(notices, dispatcher, database, outbox, world, user_id):
    await bind(database, user_id, "mini")
    world.wechat.grants.clear()
    await add(notices, database, user_id)
    await deliver_all(dispatcher, database)
    await deliver_all(dispatcher, database)
    assert await states(database) == [("wechat", "failed", "43101"), ("sms", "sent", None)]
    (message,) = world.sms.to(PHONE)
    assert message["params"]["caregiver_name"] == "王芳"


async def test_the_account_is_asked_where_the_program_may_not(notices, dispatcher, database, world, user_id):
    await bind(database, user_id, "mini")
    await bind(database, user_id, "oa", earlier_s=60)
    world.wechat.grants.clear()
    await add(notices, database, user_id)
    await deliver_all(dispatcher, database)
    assert await states(database) == [("wechat", "sent", None)]
    assert "client_msg_id" in world.wechat.messages[0]


async def test_a_silent_wechat_is_replaced_after_its_patience(notices, dispatcher, database, world, user_id):
    await bind(database, user_id, "mini")
    world.wechat.trouble(SUBSCRIBE, "status", 502, times=9)
    await add(notices, database, user_id)
    for _ in range(3):
        await deliver_all(dispatcher, database)
    assert await states(database) == [("wechat", "failed", "unavailable"), ("sms", "sent", None)]
    assert world.wechat.count(SUBSCRIBE) == 2, "its patience in these tests"


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "twin without the guard"])
async def test_two_instances_with_one_parcel_send_once(notices, database, outbox, world, user_id, guarded):
    await bind(database, user_id, "mini")
    parcel = await add(notices, database, user_id)
    together = Together(world.senders["wechat_mini"], 4, knows_once_key=not guarded)  # the twin believes so
    senders = {"wechat_mini": together}
    instances = [Dispatcher(database=database, outbox=outbox, senders=senders) for _ in range(4)]
    work = (one.deliver_notice(parcel, None) for one in instances)
    outcomes = await asyncio.gather(*work, return_exceptions=True)
    assert (len(world.wechat.messages) == 1) is guarded
    assert all(outcome is None or isinstance(outcome, Unavailable) for outcome in outcomes)
    assert await states(database) == [("wechat", "sent", None)]


class Together:
    """A carrier that begins when all who may come are there."""

    def __init__(self, sender, everybody, *, knows_once_key):
        self.knows_once_key = knows_once_key
        self._sender = sender
        self._missing = everybody if knows_once_key else 1
        self._all_there = asyncio.Event()

    async def send(self, recipient, **message):
        self._missing -= 1
        if self._missing <= 0:
            self._all_there.set()
        await self._all_there.wait()
        return await self._sender.send(recipient, **message)


async def test_what_a_dead_instance_had_in_hand_is_free_again_later(notices, dispatcher, database, world, user_id):
    await bind(database, user_id, "mini")
    parcel = await add(notices, database, user_id)
    await in_hand_until(database, parcel, server_now() + timedelta(seconds=30))
    with pytest.raises(Unavailable):
        await dispatcher.deliver_notice(parcel, None)
    assert world.wechat.messages == []
    await in_hand_until(database, parcel, server_now() - timedelta(seconds=1))
    await dispatcher.deliver_notice(parcel, None)
    assert len(world.wechat.messages) == 1


async def in_hand_until(database, parcel, at):
    mine = update(message_delivery).where(message_delivery.c.delivery_id == parcel["delivery_id"])
    await database.write(lambda tx: tx.run(mine.values(at=at)))


async def test_a_hanging_wechat_holds_up_no_text_message(notices, database, outbox, world, user_id):
    outbox.deliver("event", nothing)
    dispatcher = Dispatcher(database=database, outbox=outbox, senders=world.senders, patience=Patience())
    await bind(database, user_id, "mini")
    parcel = await add(notices, database, user_id)
    world.wechat.trouble(SUBSCRIBE, "hang")
    slow = asyncio.get_running_loop().create_task(swallow(dispatcher.deliver_notice(parcel, None)))
    code = {"phone": PHONE, "template": "sms_code_login", "text": "x", "code": "123456", "once_key": "sms_code/1"}
    await dispatcher.deliver_sms(code | {"at": server_now().isoformat()}, None)
    assert not slow.done() and world.sms.to(PHONE)
    world.wechat.stop()
    await slow


async def swallow(work):
    try:
        await work
    except Unavailable:
        pass


# What carriers report later, over HTTP.


@pytest.fixture
def door(io_loop, database, outbox):
    """POSTs to our doors for reports: `await door(path, body)` gives the status and the body."""
    tasks = Tasks("test")
    edge = Edge(
        authenticate=None,
        use_cases=UseCases(tasks=tasks, deadline_s=5.0),
        metrics=HttpMetrics(CollectorRegistry()),
        limit=None,
    )
    letterbox = WeChatLetterbox(app_id=OA, token=PUSH_TOKEN, aes_key=PUSH_AES_KEY)
    reports = DeliveryReports(database=database, outbox=outbox)
    routes = report_routes(reports, edge, letterbox=letterbox, sms_report_key=REPORT_KEY)
    server = HTTPServer(Application(routes, **application_settings(edge)), **server_options(edge))
    socket, port = bind_unused_port()
    server.add_sockets([socket])
    client = AsyncHTTPClient(force_instance=True)

    async def post(path, body=None):
        method = "GET" if body is None else "POST"
        url = f"http://127.0.0.1:{port}{path}"
        answer = await client.fetch(url, method=method, body=body, raise_error=False)
        return answer.code, answer.body

    yield post

    async def stop():
        client.close()
        server.stop()
        await server.close_all_connections()
        await tasks.stop()

    io_loop.asyncio_loop.run_until_complete(stop())


async def sent_by_account(notices, dispatcher, database, user_id):
    """The msgid of a notice that WeChat has taken for its official account."""
    await bind(database, user_id, "oa")
    await dispatcher.deliver_notice(await add(notices, database, user_id), None)
    (row,) = await rows(database)
    assert row["status"] == "sent"
    return row["receipt"]


def letter(letter):
    query, body = letter
    return f"/api/wechat/letters?{query}", body


async def test_a_report_of_wechat_makes_a_notice_delivered(notices, dispatcher, database, world, user_id, door):
    msgid = await sent_by_account(notices, dispatcher, database, user_id)
    assert await door(*letter(world.wechat.report(msgid))) == (200, b"success")
    assert await states(database) == [("wechat", "delivered", None)]
    assert await door(*letter(world.wechat.report(msgid, "failed:user block"))) == (200, b"success")
    assert await states(database) == [("wechat", "delivered", None)], "the first report counts"


async def test_who_blocked_the_account_gets_a_text_message(notices, dispatcher, database, world, user_id, door):
    msgid = await sent_by_account(notices, dispatcher, database, user_id)
    for _ in range(2):
        assert await door(*letter(world.wechat.report(msgid, "failed:user block"))) == (200, b"success")
    await deliver_all(dispatcher, database)
    assert await states(database) == [("wechat", "failed", "failed:user block"), ("sms", "sent", None)]
    assert len(world.sms.to(PHONE)) == 1


async def test_a_report_that_is_earlier_than_our_own_note_is_asked_for_again(world, door):
    assert (await door(*letter(world.wechat.report(424242))))[0] == 503


async def test_a_forged_report_changes_nothing(notices, dispatcher, database, world, user_id, door):
    msgid = await sent_by_account(notices, dispatcher, database, user_id)
    for forged in (world.wechat.report(msgid, token="x"), world.wechat.report(msgid, aes_key="B" * 43)):
        assert (await door(*letter(forged)))[0] == 403
    assert await states(database) == [("wechat", "sent", None)]


async def test_wechat_is_greeted_with_its_own_word_and_strangers_are_not(world, door):
    query, _ = world.wechat.letter("<xml/>")
    assert await door(f"/api/wechat/letters?{query}&echostr=4375120948") == (200, b"4375120948")
    assert (await door("/api/wechat/letters?echostr=1"))[0] == 403


@pytest.mark.parametrize(
    ("success", "code", "state"),
    [(True, "DELIVERED", ("sms", "delivered", None)), (False, "MK:0001", ("sms", "failed", "MK:0001"))],
)
async def test_a_report_of_the_sms_provider_is_noted(
    notices, dispatcher, database, world, user_id, door, success, code, state
):
    await dispatcher.deliver_notice(await add(notices, database, user_id), None)
    answer = await door(f"/api/sms/report/{REPORT_KEY}", world.sms.reports(success=success, code=code))
    assert answer == (200, b'{"code":0,"msg":"ok"}')
    assert await states(database) == [state]


async def test_a_report_without_the_addresss_key_finds_no_door(notices, dispatcher, database, world, user_id, door):
    await dispatcher.deliver_notice(await add(notices, database, user_id), None)
    body = world.sms.reports()
    for key in ("x" * 40, REPORT_KEY[:-1], REPORT_KEY + "r", ""):
        assert (await door(f"/api/sms/report/{key}", body))[0] == 404
    assert await states(database) == [("sms", "sent", None)]


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[" * 9_999, b"\xff", b'[{"out_id": 5}, 7, null, {}]', b"[" + b"{}," * 600 + b"{}]"]
)
async def test_no_report_breaks_the_door(door, body):
    status, _ = await door(f"/api/sms/report/{REPORT_KEY}", body)
    assert status in (200, 400)
