"""What leaves the app leaves once, or says why not."""
import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import insert, select

from server.core.clock import server_now
from server.core.errors import Unavailable
from server.core.ids import new_id
from server.push.commands import ReadSandboxMessages
from server.push.dispatcher import Dispatcher, Patience
from server.push.senders.port import Rejected
from server.storage.tables.identity import wechat_identity
from server.storage.tables.notices import message_delivery
from tests.unit.push.conftest import PHONE


def accepted(clock, user_id, once_key="o1/accepted"):
    params = {"caregiver_name": "王芳", "patient_name": "李奶奶", "service_name": "小时陪诊"}
    about = {"user_id": user_id, "type": "order", "template": "caregiver_accepted"}
    about["params"] = params | {"start_text": "明天 09:00"}
    return about | {"order_id": None, "once_key": once_key, "at": clock.now()}


async def bind_wechat(database, user_id):
    row = {"identity_id": new_id(), "user_id": user_id, "app": "mini", "openid": "oMini1", "bound_at": server_now()}
    openid_hash = database.keys.lookup_hash("oMini1", "openid")
    await database.write(lambda tx: tx.run(insert(wechat_identity).values(**row, openid_hash=openid_hash)))


async def deliveries(database):
    async with database.read() as tx:
        rows = await tx.all(select(message_delivery).order_by(message_delivery.c.delivery_id))
    return [dict(row) for row in rows]


async def eventually(read, enough):
    """What `read()` gives as soon as it is `enough`."""
    async with asyncio.timeout(10):
        while True:
            found = await read()
            if enough(found):
                return found
            await asyncio.sleep(0.01)


async def settled(database, count=1):
    """So many deliveries, as soon as none waits any more."""

    def done(rows):
        return len(rows) == count and all(row["status"] != "waiting" for row in rows)

    rows = await eventually(lambda: deliveries(database), done)
    return [(row["channel"], row["status"], row["failure_code"]) for row in rows]


async def kept(sandbox_messages, phone=PHONE):
    return await sandbox_messages.list_messages(None, ReadSandboxMessages(phone=phone))


async def test_a_critical_notice_reaches_the_phone_of_who_has_no_wechat(
    notices, database, outbox, clock, user_id, sandbox_messages
):
    outbox.deliver("event", nothing)
    await database.write(lambda tx: notices.add(tx, **accepted(clock, user_id)))
    outbox.start()
    assert await settled(database) == [("sms", "sent", None)]
    await outbox.stop()
    (message,) = await kept(sandbox_messages)
    assert (message["channel"], message["to"], message["template"]) == ("sms", PHONE, "caregiver_accepted")
    assert message["text"] == "【陪护】王芳已接受为李奶奶预约的小时陪诊。服务时间：明天 09:00。"
    assert message["code"] is None and message["at"].endswith("+08:00")


async def test_a_bound_wechat_is_used_instead_and_found_by_the_phone(
    notices, database, outbox, clock, user_id, sandbox_messages
):
    outbox.deliver("event", nothing)
    await bind_wechat(database, user_id)
    await database.write(lambda tx: notices.add(tx, **accepted(clock, user_id)))
    outbox.start()
    assert await settled(database) == [("wechat", "sent", None)]
    await outbox.stop()
    (message,) = await kept(sandbox_messages)
    assert (message["channel"], message["to"]) == ("wechat", "oMini1")
    assert await kept(sandbox_messages, "13700000000") == []


async def test_what_wechat_refuses_goes_out_as_a_text_message(
    notices, database, outbox, clock, user_id, senders, sandbox_messages
):
    outbox.deliver("event", nothing)
    senders["wechat_mini"] = Refuser("43101")
    await bind_wechat(database, user_id)
    await database.write(lambda tx: notices.add(tx, **accepted(clock, user_id)))
    outbox.start()
    assert await settled(database, 2) == [("wechat", "failed", "43101"), ("sms", "sent", None)]
    await outbox.stop()
    assert [message["channel"] for message in await kept(sandbox_messages)] == ["sms"]


async def test_a_parcel_that_comes_again_sends_nothing_again(
    notices, dispatcher, database, clock, user_id, sandbox_messages, senders
):
    parcel = await one_parcel(notices, database, clock, user_id)
    await dispatcher.deliver_notice(parcel, None)
    await dispatcher.deliver_notice(parcel, None)
    assert len(await kept(sandbox_messages)) == 1


async def test_a_crash_between_carrier_and_commit_leaves_one_message(
    notices, dispatcher, database, clock, user_id, sandbox_messages, senders
):
    parcel = await one_parcel(notices, database, clock, user_id)
    message = {"template": "caregiver_accepted", "text": "早先", "params": {}, "code": None}
    message["once_key"] = parcel["delivery_id"]
    await senders["sms"].send(PHONE, **message)  # the carrier has it, and the process died before it said so
    await dispatcher.deliver_notice(parcel, None)
    assert [message["text"] for message in await kept(sandbox_messages)] == ["早先"]
    assert (await deliveries(database))[0]["status"] == "sent"


async def test_a_carrier_that_is_away_is_asked_again_and_given_up_in_the_end(
    notices, dispatcher, database, clock, user_id, senders
):
    senders["sms"] = Absent()
    parcel = await one_parcel(notices, database, clock, user_id)
    for _ in range(2):
        with pytest.raises(Unavailable):
            await dispatcher.deliver_notice(parcel, None)
    await dispatcher.deliver_notice(parcel, None)
    (delivery,) = await deliveries(database)
    assert (delivery["status"], delivery["failure_code"], delivery["attempts"]) == ("failed", "unavailable", 3)


async def test_a_carrier_that_never_answers_does_not_hold_up_the_line(database, outbox):
    patience = Patience(send_within_s=0.01)
    silent = Dispatcher(database=database, outbox=outbox, senders={"sms": Silent()}, patience=patience)
    with pytest.raises(Unavailable):
        await silent.deliver_sms(sms_parcel(), None)


async def test_a_channel_without_a_carrier_fails_with_its_reason(
    notices, dispatcher, database, clock, user_id, senders
):
    parcel = await one_parcel(notices, database, clock, user_id)
    del senders["sms"]
    await dispatcher.deliver_notice(parcel, None)
    assert (await deliveries(database))[0]["failure_code"] == "no_carrier"


async def test_a_code_is_queued_with_its_transaction_and_sent_once(dispatcher, database, outbox, sandbox_messages):
    outbox.deliver("event", nothing)
    message = {"phone": PHONE, "template": "sms_code_login", "text": "验证码 123456", "code": "123456"}
    await database.write(lambda tx: dispatcher.send_sms(tx, **message, once_key="sms_code/1"))
    outbox.start()
    await eventually(lambda: kept(sandbox_messages), bool)
    await outbox.stop()
    await dispatcher.deliver_sms(sms_parcel(), None)
    (kept_one,) = await kept(sandbox_messages)
    assert (kept_one["code"], kept_one["to"], kept_one["text"]) == ("123456", PHONE, "验证码 123456")


@pytest.mark.expects_warnings
async def test_a_code_that_has_died_on_the_way_is_not_sent(dispatcher, sandbox_messages):
    await dispatcher.deliver_sms(sms_parcel(age=timedelta(seconds=301)), None)
    assert await kept(sandbox_messages) == []


@pytest.mark.expects_warnings
async def test_a_text_message_that_the_carrier_refuses_is_not_tried_for_ever(dispatcher, senders):
    senders["sms"] = Refuser("stop_list")
    await dispatcher.deliver_sms(sms_parcel(), None)


async def test_messages_are_shown_newest_first_and_without_a_phone_all(dispatcher, sandbox_messages):
    for n, phone in enumerate((PHONE, "13700000000", PHONE)):
        await dispatcher.deliver_sms(sms_parcel(phone=phone, once_key=f"k{n}", text=f"第{n}条"), None)
    assert [message["text"] for message in await kept(sandbox_messages)] == ["第2条", "第0条"]
    assert len(await kept(sandbox_messages, None)) == 3


class Refuser:
    """A carrier that takes nothing."""

    def __init__(self, code):
        self._code = code

    knows_once_key = True

    async def send(self, recipient, **message):
        raise Rejected(self._code)


class Absent:
    """A carrier that cannot be reached."""

    knows_once_key = True

    async def send(self, recipient, **message):
        raise Unavailable()


class Silent:
    """A carrier that takes the message and never answers."""

    knows_once_key = True

    async def send(self, recipient, **message):
        await asyncio.Event().wait()


async def nothing(payload, enclosed):
    """The line of live events, of which these tests need nothing."""


async def one_parcel(notices, database, clock, user_id):
    await database.write(lambda tx: notices.add(tx, **accepted(clock, user_id)))
    (delivery,) = await deliveries(database)
    return {"delivery_id": delivery["delivery_id"]}


def sms_parcel(*, phone=PHONE, age=timedelta(), once_key="sms_code/1", text="验证码 123456"):
    message = {"phone": phone, "template": "sms_code_login", "text": text, "code": "123456", "once_key": once_key}
    return message | {"at": (server_now() - age).isoformat()}
