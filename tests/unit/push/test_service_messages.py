"""Other services send notices and learn their fate."""
import pytest
from pydantic import ValidationError

from server.core.call import Call
from server.core.errors import Refused
from server.core.ids import new_id
from server.push.commands import ListNotices, SendNotice
from server.push.templates import Templates
from tests.unit.push.test_notices import call_of, told


def command(user_id, **more):
    return SendNotice(**{"user_id": user_id, "type": "system", "template": "announcement", "params": {}} | more)


def service_call():
    return Call(actor=None, request_id=new_id())


def test_the_params_may_be_empty_but_not_left_out():
    with pytest.raises(ValidationError):
        SendNotice.model_validate({"user_id": "x", "type": "system", "template": "announcement"})


async def test_a_sent_notice_is_in_the_inbox_with_its_order(service_messages, inbox, log, user_id):
    order_id = new_id()
    sent = await service_messages.send_notice(
        service_call(), command(user_id, type="order", params={"text": "今晚维护", "order_id": order_id, "n": 3})
    )
    assert sent["status"] == "sent"
    assert sent["deliveries"] == [{"channel": "in_app", "status": "sent"}]
    (event,) = await told(log, user_id)
    assert event["data"]["message_id"] == sent["message_id"]
    assert (event["data"]["content"], event["data"]["order_id"]) == ("今晚维护", order_id)
    assert (await inbox.list_notices(call_of(user_id), ListNotices()))["items"] == [event["data"]]


async def test_nothing_outside_is_waited_for(service_messages, user_id):
    sent = await service_messages.send_notice(service_call(), command(user_id, template="booking_succeeded"))
    assert sent["deliveries"] == [{"channel": "in_app", "status": "sent"}, {"channel": "sms", "status": "waiting"}]


@pytest.mark.parametrize("template", Templates().names)
async def test_every_template_can_be_sent_without_knowing_its_variables(service_messages, log, user_id, template):
    await service_messages.send_notice(service_call(), command(user_id, template=template, params={"text": None}))
    (event,) = await told(log, user_id)
    assert event["data"]["content"]


async def test_an_unknown_user_or_template_is_refused(service_messages, user_id):
    for unknown in (new_id(), "", "用户"):
        with pytest.raises(Refused) as caught:
            await service_messages.send_notice(service_call(), command(unknown))
        assert caught.value.code == "not_found"
    with pytest.raises(Refused) as caught:
        await service_messages.send_notice(service_call(), command(user_id, template="nothing"))
    assert caught.value.errors[0].field == "template"
