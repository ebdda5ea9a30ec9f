"""Text messages through Alibaba Cloud: proven, filled, and read for what they say."""
import asyncio
from datetime import UTC, datetime

import pytest

from server.core.breaker import Breaker
from server.core.errors import Unavailable
from server.push.senders.aliyun_signature import sign, signed_headers
from server.push.senders.port import Rejected
from tests.fakes.sms import FakeAliyun
from tests.standstill import evenly_s
from tests.unit.push.carriers import HURRIED, PARAMS, a_message, aliyun_sms, equip_sms, http_post

PHONE = "13900001111"


@pytest.fixture
def fake():
    with FakeAliyun() as fake:
        equip_sms(fake)
        yield fake


@pytest.fixture
def post(io_loop):
    post = http_post()
    yield post
    post.close()


@pytest.fixture
def hurried_post(io_loop):
    post = http_post(HURRIED)
    yield post
    post.close()


@pytest.fixture
def sender(fake, post):
    return aliyun_sms(fake, post)


def test_the_signature_is_that_of_the_providers_own_example():
    """help.aliyun.com, "V3版本请求体&签名机制", "签名示例参考": a request without a body."""
    query = {
        "ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd",
        "RegionId": "cn-shanghai",
    }
    headers = signed_headers(
        access_key="YourAccessKeyId",
        secret="YourAccessKeySecret",
        host="ecs.cn-shanghai.aliyuncs.com",
        action="RunInstances",
        version="2014-05-26",
        query=query,
        at=datetime(2023, 10, 26, 10, 22, 32, tzinfo=UTC),
        nonce="3156853299f313e23d1673dc12e1703d",
    )
    assert headers["Authorization"] == (
        "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,"
        "SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,"
        "Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    )


def test_every_part_of_a_request_is_under_the_signature():
    headers = {"host": "h", "x-acs-content-sha256": "0", "x-acs-date": "d"}
    first = sign("secret", headers=headers, query={"a": "1"})
    assert sign("other", headers=headers, query={"a": "1"}) != first
    assert sign("secret", headers=headers, query={"a": "2"}) != first
    assert sign("secret", headers=headers | {"x-acs-date": "e"}, query={"a": "1"}) != first
    assert sign("secret", headers=headers, query={"a": "1", "b": ""}) != first


async def test_a_notice_is_sent_with_its_variables_by_name(fake, sender):
    receipt = await sender.send(PHONE, **a_message())
    (message,) = fake.messages
    assert message["params"] == {name: value for name, value in PARAMS.items() if name != "order_id"}
    assert (message["phone"], message["template"], message["out_id"]) == (PHONE, "SMS_1", "k1")
    assert receipt == message["biz_id"]


async def test_a_code_goes_alone(fake, sender):
    await sender.send(PHONE, **a_message(template="sms_code_login", code="123456", params={}))
    assert fake.messages[0]["params"] == {"code": "123456"}


async def test_what_another_service_sends_along_does_not_leave(fake, sender):
    await sender.send(PHONE, **a_message(params={"diagnosis": "C34.1"}))
    assert "diagnosis" not in fake.messages[0]["params"]


async def test_every_request_is_a_new_one(fake, sender):
    await asyncio.gather(*(sender.send(PHONE, **a_message()) for _ in range(20)))
    assert len(fake.nonces) == len(fake.messages) == 20


@pytest.mark.expects_warnings
async def test_a_wrong_secret_is_refused_by_the_fake_too(fake, post):
    for changes in ({"secret": "wrong"}, {"access_key": "LTAI9"}):
        with pytest.raises(Unavailable):
            await aliyun_sms(fake, post, **changes).send(PHONE, **a_message())
    assert fake.messages == []


FINAL = {
    "a wrong number": ({}, "12345678901", "isv.MOBILE_NUMBER_ILLEGAL"),
    "an unknown template": ({"templates": {"caregiver_accepted": "SMS_9"}}, PHONE, "isv.SMS_TEMPLATE_ILLEGAL"),
}


@pytest.mark.parametrize(("changes", "phone", "code"), FINAL.values(), ids=FINAL.keys())
async def test_what_will_never_go_is_said_so(fake, post, changes, phone, code):
    with pytest.raises(Rejected) as rejected:
        await aliyun_sms(fake, post, **changes).send(phone, **a_message())
    assert rejected.value.code == code


async def test_a_variable_that_the_template_wants_and_we_have_not_is_final(fake, sender):
    fake.templates["SMS_1"] = ("nonsense",)
    with pytest.raises(Rejected) as rejected:
        await sender.send(PHONE, **a_message())
    assert rejected.value.code == "isv.TEMPLATE_MISSING_PARAMETERS"


@pytest.mark.expects_warnings
async def test_an_empty_account_is_told_to_the_operator_and_waited_for(fake, sender, caplog):
    fake.balance = 0
    with pytest.raises(Unavailable):
        await sender.send(PHONE, **a_message())
    assert [record.code for record in caplog.records] == ["isv.AMOUNT_NOT_ENOUGH"]
    assert PHONE not in caplog.text
    fake.balance = 1
    await sender.send(PHONE, **a_message())
    assert len(fake.messages) == 1


async def test_a_numbers_minute_is_waited_for_and_its_day_is_not(fake, sender):
    fake.minute_limit = 0
    with pytest.raises(Unavailable):
        await sender.send(PHONE, **a_message())
    fake.trouble("/", "answer", '{"Code": "isv.BUSINESS_LIMIT_CONTROL", "Message": "触发天级流控Permits:10"}')
    with pytest.raises(Rejected) as rejected:
        await sender.send(PHONE, **a_message())
    assert rejected.value.code == "isv.BUSINESS_LIMIT_CONTROL"


@pytest.mark.parametrize("code", ["isp.SYSTEM_ERROR", "Throttling.User", "ServiceUnavailable", "InternalError"])
async def test_the_services_own_trouble_passes(fake, sender, code):
    fake.trouble("/", "answer", f'{{"Code": "{code}", "Message": "x"}}')
    with pytest.raises(Unavailable):
        await sender.send(PHONE, **a_message())


async def test_a_silent_provider_is_not_waited_for_by_everybody(fake, hurried_post):
    sender = aliyun_sms(fake, hurried_post, breaker=Breaker(failures=2, pause_s=30.0))
    fake.trouble("/", "hang", times=2)
    for _ in range(2):
        with pytest.raises(Unavailable):
            await sender.send(PHONE, **a_message())
    began_s = evenly_s()
    for _ in range(50):
        with pytest.raises(Unavailable):
            await sender.send(PHONE, **a_message())
    assert evenly_s() - began_s < 0.3 and fake.count("/") == 2
