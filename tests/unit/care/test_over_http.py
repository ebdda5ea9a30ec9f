"""Care and push over real connections."""
from itertools import count

import pytest
from prometheus_client import CollectorRegistry
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application

from server.bridge.rpc import Rpc
from server.care.typing_signals import TypingSignals
from server.core.clock import shanghai_text
from server.core.errors import Refused
from server.core.tasks import Tasks
from server.handlers.application import application_settings, server_options
from server.handlers.http.edge import Edge
from server.handlers.http.metrics import HttpMetrics
from server.handlers.http.use_cases import UseCases
from server.handlers.routes import operation_routes
from server.handlers.subjects.care import care_operations
from server.handlers.subjects.files import file_operations
from server.handlers.subjects.messages import message_operations
from server.push.inbox import Inbox
from server.push.notices import PUSH_TOPICS, Notices
from server.push.service_messages import ServiceMessages
from server.push.templates import Templates
from server.ws.ports import Identity
from tests.unit.care.test_files import png
from tests.unit.handlers.conftest import Client

SERVICE_KEY = "s" * 32
PEOPLE = ("booker", "viewer", "caregiver", "stranger", "admin")


@pytest.fixture
def chat_and_notes(chat, notes, database, orders, bus, clock):
    typing_signals = TypingSignals(database=database, orders=orders, bus=bus, clock=clock)
    return care_operations(chat=chat, notes=notes, typing_signals=typing_signals)


@pytest.fixture
def messages(units, database, clock, log, outbox):
    for topic in PUSH_TOPICS:
        outbox.deliver(topic, stay)
    templates = Templates()
    notices = Notices(log=log, outbox=outbox, templates=lambda: templates)
    return message_operations(
        inbox=Inbox(units=units, database=database, clock=clock),
        service_messages=ServiceMessages(units=units, notices=notices, clock=clock),
    )


@pytest.fixture
def client(io_loop, visit, chat_and_notes, messages, uploads, files):
    """Tokens are the names of the visit's people."""
    tasks = Tasks("test")

    async def authenticate(token):
        if token not in PEOPLE:
            raise Refused("unauthorized")
        return getattr(visit, token)

    edge = Edge(
        authenticate=authenticate,
        use_cases=UseCases(tasks=tasks, deadline_s=5.0),
        metrics=HttpMetrics(CollectorRegistry()),
        service_key=SERVICE_KEY,
    )
    declared = [*chat_and_notes, *messages, *file_operations(uploads=uploads, files=files)]
    server = HTTPServer(Application(operation_routes(declared, edge), **application_settings(edge)),
                        **server_options(edge))
    sock, port = bind_unused_port()
    server.add_sockets([sock])
    client = Client(port)
    yield client
    client.http.close()
    server.stop()
    io_loop.asyncio_loop.run_until_complete(server.close_all_connections())
    io_loop.asyncio_loop.run_until_complete(tasks.stop())


async def stay(payload, enclosed):
    """Nothing leaves the app here: the outbox is never started."""


async def upload(client, token, content, purpose):
    parts = [
        f'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\n{purpose}\r\n'.encode(),
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="../x.php"\r\n\r\n' + content + b"\r\n--b--\r\n",
    ]
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    return await client.send("POST", "/api/file/upload", body=b"".join(parts), token=token, headers=headers)


async def test_a_picture_goes_from_the_family_to_its_caregiver(client, visit):
    uploaded = await upload(client, "booker", png(), "chat")
    assert (uploaded.status, uploaded.json["data"]["media_type"]) == (200, "image/jpeg")
    file_id = uploaded.json["data"]["file_id"]
    assert (await client.get(f"/api/file/{file_id}", token="caregiver")).status == 404
    message = {"order_id": visit.order_id, "msg_id": "p", "kind": "image", "file_id": file_id}
    sent = await client.post("/api/chat/send", message, token="booker")
    assert sent.json["data"]["offset"] == 1
    shown = await client.get(f"/api/file/{file_id}", token="caregiver")
    assert (shown.status, shown.headers["Content-Type"]) == (200, "image/jpeg")
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in shown.headers["Content-Security-Policy"]
    assert shown.headers["Cache-Control"] == "private, max-age=300"
    assert shown.headers["Content-Disposition"] == 'inline; filename="file.jpeg"'
    for token, status in (("stranger", 404), (None, 401), ("nobody", 401)):
        assert (await client.get(f"/api/file/{file_id}", token=token)).status == status


async def test_a_profile_photo_opens_by_its_signed_address_alone(client, links):
    file_id = (await upload(client, "caregiver", png(), "photo")).json["data"]["file_id"]
    assert (await client.get(links.url(file_id))).status == 200
    assert (await client.get(links.url(file_id) + "x")).status == 404
    assert (await client.get(f"/api/file/{file_id}")).status == 401


async def test_who_may_never_do_it_is_told_before_anything_is_looked_up(client, visit):
    message = {"order_id": visit.order_id, "msg_id": "m", "kind": "text", "text": "您好"}
    note = {**message, "kind": "measure", "recorded_at": "2026-01-01T08:00:00+08:00"}
    for path, body, token in (
        ("/api/chat/send", message, "admin"), ("/api/chat/read", {}, "admin"),
        ("/api/note/append", note, "booker"), ("/api/note/append", note, "admin"),
    ):
        answer = await client.post(path, body, token=token)
        assert (answer.status, answer.code) == (403, "forbidden")


async def test_a_message_and_a_note_of_strangers_are_not_found(client, visit):
    for path in ("/api/chat/history", "/api/note/list"):
        assert (await client.get(f"{path}?order_id={visit.order_id}", token="stranger")).code == "not_found"
        assert (await client.get(f"{path}?order_id={visit.order_id}", token="admin")).json["data"]["items"] == []


async def test_a_service_sends_with_its_key_once_and_a_user_never(client, visit):
    body = {"user_id": visit.booker.user_id, "type": "order", "template": "booking_succeeded", "params": {}}
    for headers, token in (({}, None), ({}, "admin"), ({"X-Service-Key": "wrong"}, None)):
        assert (await client.post("/api/message/send", body, token=token, headers=headers)).status in (401, 403)
    keyed = {"X-Service-Key": SERVICE_KEY, "Idempotency-Key": "k1"}
    first = await client.post("/api/message/send", body, token=None, headers=keyed)
    again = await client.post("/api/message/send", body, token=None, headers=keyed)
    assert (first.status, first.json["data"]["status"]) == (200, "sent")
    assert again.body == first.body
    inbox = (await client.get("/api/message/list", token="booker")).json["data"]
    assert (len(inbox["items"]), inbox["unread_count"]) == (1, 1)
    read = await client.post("/api/message/read", {"all": True}, token="booker")
    assert read.json["data"] == {"read_count": 1, "unread_count": 0}


async def test_typing_has_no_address_and_every_change_has_a_method(client, chat_and_notes, clock, visit):
    assert (await client.post("/api/chat/typing", {"order_id": visit.order_id}, token="booker")).status == 404
    rpc, numbers = Rpc(chat_and_notes), count(1)
    caregiver = visit.caregiver
    identity = Identity(caregiver.user_id, caregiver.user_type, caregiver.login_id, expires_at=0.0)
    assert await rpc(identity, "chat.typing", {"order_id": visit.order_id}, "") == {}
    for method, content in (
        ("chat.send", {"kind": "text", "text": "您好"}),
        ("note.append", {"kind": "measure", "text": "已服药", "recorded_at": shanghai_text(clock.now())}),
    ):
        body = {"order_id": visit.order_id, "msg_id": f"m{next(numbers)}", **content}
        assert (await rpc(identity, method, body, ""))["offset"]
    assert await rpc(identity, "chat.read", {"order_id": visit.order_id, "offset": 2}, "") == {"offset": 2}
