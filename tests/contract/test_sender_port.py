"""What every carrier keeps to: the sandbox's, WeChat's two and the SMS provider's, over real HTTP."""
from functools import partial

import pytest

from server.core.errors import Unavailable
from server.push.commands import ReadSandboxMessages
from server.push.sandbox_messages import SandboxMessages
from server.push.senders.port import Rejected
from server.push.senders.sandbox import SandboxSender
from tests.fakes.sms import FakeAliyun
from tests.fakes.wechat import MINI, OA, FakeWeChat
from tests.standstill import evenly_s
from tests.unit.push.carriers import (
    HURRIED,
    PATIENT,
    a_message,
    aliyun_sms,
    equip_sms,
    equip_wechat,
    http_post,
    mini_messages,
    oa_messages,
    wechat_app,
)

PHONE = "13900001111"
HOSTILE = {
    "long": "很" * 3_000,
    "empty": "",
    "lines": "第一行\n\n第二行\t\r\n",
    "emoji": "👩‍⚕️" * 9,
    "markup": "</xml>]]>{\"a\":1}&x=1%00",
    "nothing but space": " \u3000 ",
}


class _Sandbox:
    """Keeps what it would send."""

    real = False

    def __init__(self, database, channel):
        self.sender = SandboxSender(database=database, channel=channel)
        self.recipient = PHONE if channel == "sms" else "oA"
        self._messages = SandboxMessages(database=database)

    async def arrived(self):
        return await self._messages.list_messages(None, ReadSandboxMessages(phone=None))

    def close(self):
        """Nothing was opened."""


class _WeChat:
    """The mini program, or the official account."""

    real = True
    recipient = "oA"

    def __init__(self, app_id, deadlines):
        self.fake = FakeWeChat().start()
        equip_wechat(self.fake)
        self._app = wechat_app(self.fake, app_id, **deadlines)
        self.sender = mini_messages(self._app) if app_id == MINI else oa_messages(self._app)
        self.path = "/cgi-bin/message/subscribe/send" if app_id == MINI else "/cgi-bin/message/template/send"
        self.refusal = "43101" if app_id == MINI else "43004"

    async def arrived(self):
        return self.fake.messages

    def refuse(self):
        self.fake.grants.clear()
        self.fake.followers.clear()

    def close(self):
        self._app.close()
        self.fake.stop()


class _Sms:
    """The SMS provider."""

    real = True
    recipient = PHONE
    path = "/"
    refusal = "isv.BLACK_KEY_CONTROL_LIMIT"

    def __init__(self, deadlines):
        self.fake = FakeAliyun().start()
        equip_sms(self.fake)
        self._post = http_post(deadlines)
        self.sender = aliyun_sms(self.fake, self._post)

    async def arrived(self):
        return self.fake.messages

    def refuse(self):
        self.fake.stop_list.add(PHONE)

    def close(self):
        self._post.close()
        self.fake.stop()


_REAL = {"mini program": partial(_WeChat, MINI), "official account": partial(_WeChat, OA), "sms": _Sms}


@pytest.fixture(params=[*_REAL, "sandbox sms", "sandbox wechat"])
def carrier(request, database):
    make = _REAL.get(request.param)
    carrier = make(PATIENT) if make else _Sandbox(database, request.param.split()[1])
    yield carrier
    carrier.close()


@pytest.fixture
def deadlines():
    return PATIENT


@pytest.fixture(params=_REAL)
def real(request, deadlines):
    carrier = _REAL[request.param](deadlines)
    yield carrier
    carrier.close()


async def test_a_message_that_is_taken_has_arrived(carrier):
    receipt = await carrier.sender.send(carrier.recipient, **a_message())
    assert len(await carrier.arrived()) == 1
    assert receipt is None or 0 < len(receipt) <= 64


async def test_a_second_message_of_one_key_is_none_where_the_carrier_can_tell(carrier):
    for _ in range(2):
        await carrier.sender.send(carrier.recipient, **a_message())
    assert len(await carrier.arrived()) == 1 or not carrier.sender.knows_once_key


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE.keys())
async def test_whatever_stands_in_a_variable_is_made_to_fit(carrier, value):
    params = {"service_name": value, "caregiver_name": value, "start_text": value}
    await carrier.sender.send(carrier.recipient, **a_message(params=params))
    assert len(await carrier.arrived()) == 1


async def test_a_notice_without_an_approved_template_is_refused_without_asking(real):
    with pytest.raises(Rejected) as rejected:
        await real.sender.send(real.recipient, **a_message(template="order_cancelled"))
    assert rejected.value.code == "no_template"
    assert real.path not in real.fake.asked


async def test_what_the_carrier_refuses_for_good_has_its_own_code(real):
    real.refuse()
    with pytest.raises(Rejected) as rejected:
        await real.sender.send(real.recipient, **a_message())
    assert rejected.value.code == real.refusal


TROUBLES = {
    "502": ("status", 502),
    "404": ("status", 404),
    "silence": ("hang", None),
    "a byte now and then": ("drip", None),
    "html": ("garbage", b"<html>login</html>"),
    "nothing": ("garbage", b""),
    "bytes": ("garbage", b"\xff\xfe\x00{"),
    "a list": ("garbage", b"[1]"),
    "a number": ("garbage", b"12"),
    "deep": ("garbage", b"[" * 50_000),
    "an odd code": ("garbage", b'{"errcode": "abc", "Code": 7}'),
    "megabytes": ("huge", None),
    "elsewhere": ("redirect", "http://127.0.0.1:1/x"),
    "half an answer": ("cut", None),
}


@pytest.mark.parametrize("deadlines", [HURRIED], ids=["hurried"])
@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES.keys())
async def test_a_carrier_in_trouble_is_asked_again_later_and_never_waited_for(real, trouble, caplog):
    real.fake.trouble(real.path, *trouble)
    began_s = evenly_s()
    with pytest.raises(Unavailable):
        await real.sender.send(real.recipient, **a_message())
    assert evenly_s() - began_s < 3.0
    assert PHONE not in caplog.text
    await real.sender.send(real.recipient, **a_message())  # and nothing of it is left behind
    assert len(await real.arrived()) == 1


async def test_a_carrier_that_is_not_there_is_asked_again_later(real):
    real.fake.stop()
    with pytest.raises(Unavailable):
        await real.sender.send(real.recipient, **a_message())
