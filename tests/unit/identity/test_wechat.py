"""Logging in through WeChat's servers, and who may use a code of the official account."""
import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from tornado.httpclient import AsyncHTTPClient

from server.core.errors import Refused, Unavailable
from server.identity.commands import BeginWeChat, BindWeChat, LogIn
from server.identity.wechat import NoWeChat, SandboxWeChat
from server.identity.wechat_apps import WeChatApps
from server.identity.wechat_states import LoginStates
from tests.accounts import Identity, a_call
from tests.fakes.wechat import MINI, OA, FakeWeChat
from tests.stores import some_phone
from tests.unit.push.carriers import HURRIED, wechat_app

RETURN_URL = "http://127.0.0.1/m/"


@pytest.fixture
def fake():
    with FakeWeChat() as fake:
        yield fake


@pytest.fixture
def deadlines():
    return {}


@pytest.fixture
def login(fake, deadlines):
    mini, oa = wechat_app(fake, MINI, **deadlines), wechat_app(fake, OA, **deadlines)
    yield WeChatApps(mini=mini, oa=oa, stand_in=NoWeChat(), return_url=RETURN_URL)
    mini.close()
    oa.close()


@pytest.fixture
def people(database, login):
    identity = Identity(database, wechat=login)
    yield identity
    identity.passwords.close()


async def refusal_of(work):
    with pytest.raises(Refused) as refused:
        await work
    return refused.value


async def test_a_code_is_the_person_who_got_it_and_good_for_once(fake, login):
    code = fake.person(MINI, "oA")
    assert await login.exchange(code, "mini") == "oA"
    assert (await refusal_of(login.exchange(code, "mini"))).code == "login_failed"  # 40163
    assert await login.exchange(fake.person(OA, "oB"), "oa") == "oB"
    assert "/cgi-bin/stable_token" not in fake.asked, "a login needs no token of the app"


@pytest.mark.parametrize("code", ["never", "", "x" * 129, "a b", "码", "a\n", "%00\x00"])
async def test_what_is_no_code_logs_nobody_in(login, code):
    for app in ("mini", "oa"):
        assert (await refusal_of(login.exchange(code, app))).code == "login_failed"


async def test_a_code_of_another_app_logs_nobody_in(fake, login):
    assert (await refusal_of(login.exchange(fake.person(OA, "oA"), "mini"))).code == "login_failed"


@pytest.mark.expects_warnings
@pytest.mark.parametrize("errcode", [40013, 40125, 45009, 48001, 99999])
async def test_what_only_the_operator_can_mend_is_nobodys_wrong_guess(fake, login, errcode):
    fake.trouble("/sns/jscode2session", "answer", f'{{"errcode": {errcode}, "errmsg": "no"}}'.encode())
    with pytest.raises(Unavailable):
        await login.exchange("someCode", "mini")


@pytest.mark.parametrize("answer", [b"{}", b'{"openid": ""}', b'{"openid": 5}', b'{"openid": "%b"}' % (b"o" * 200)])
async def test_an_answer_without_a_person_is_no_login(fake, login, answer):
    fake.trouble("/sns/jscode2session", "answer", answer)
    with pytest.raises(Unavailable):
        await login.exchange("someCode", "mini")


@pytest.mark.parametrize("deadlines", [HURRIED], ids=["hurried"])
@pytest.mark.parametrize("trouble", [("hang",), ("status", 500), ("garbage", b"<html>"), ("drip",)], ids=lambda t: t[0])
async def test_a_wechat_in_trouble_is_unavailable_in_time(fake, login, trouble):
    fake.trouble("/sns/jscode2session", *trouble)
    with pytest.raises(Unavailable):
        await login.exchange("someCode", "mini")


async def test_the_phone_that_was_shared_is_known_once(fake, login):
    code = fake.phone_code("13800138000")
    assert await login.phone_of(code) == "13800138000"
    assert (await refusal_of(login.phone_of(code))).code == "login_failed"


async def test_a_phone_of_another_country_is_said_to_be_one(fake, login):
    refused = await refusal_of(login.phone_of(fake.phone_code("4155550100", country="1")))
    assert "大陆" in refused.message
    refused = await refusal_of(login.phone_of(fake.phone_code("13800138000", country="1")))
    assert refused.code == "login_failed"


@pytest.mark.parametrize(
    "told",
    ["null", "[]", "{}", '{"purePhoneNumber": "13800138000", "countryCode": "86"}',
     '{"purePhoneNumber": "13800138000", "countryCode": "86", "watermark": {"appid": "wx9"}}'],
)
async def test_a_phone_that_was_shared_with_another_app_counts_for_nothing(fake, login, told):
    fake.trouble("/wxa/business/getuserphonenumber", "answer", f'{{"errcode": 0, "phone_info": {told}}}'.encode())
    with pytest.raises(Unavailable):
        await login.phone_of("someCode")


async def test_an_app_without_credentials_has_its_stand_in(fake):
    oa = wechat_app(fake, OA)
    login = WeChatApps(mini=None, oa=oa, stand_in=SandboxWeChat())
    assert (await login.exchange("c", "mini")).startswith("sandbox-")
    assert await login.phone_of("13800138000") == "13800138000"
    with pytest.raises(Unavailable):
        login.authorize_url("s")  # nobody said where to come back to
    oa.close()


async def test_a_person_binds_by_the_shared_phone_and_logs_in_by_code(fake, people):
    phone = some_phone()
    user_id = await people.register(phone)
    unbound = await refusal_of(log_in(people, fake.person(MINI, "oA"), "mini"))
    assert unbound.code == "wechat_unbound"
    command = BindWeChat(bind_token=unbound.data["bind_token"], phone_code=fake.phone_code(phone))
    assert (await people.wechat.bind(a_call(), command))["user"]["user_id"] == user_id
    assert (await log_in(people, fake.person(MINI, "oA"), "mini"))["user"]["user_id"] == user_id


def log_in(people, code, app, **begun):
    return people.sign_in.log_in(a_call(), LogIn(wechat_code=code, wechat_app=app, **begun))


async def through_wechat(url):
    """What the browser brings back from WeChat's page: {"code", "state"}."""
    client = AsyncHTTPClient(force_instance=True)
    answer = await client.fetch(url.partition("#")[0], follow_redirects=False, raise_error=False)
    client.close()
    assert answer.code == 302, answer.body
    back = urlsplit(answer.headers["Location"])
    assert f"{back.scheme}://{back.netloc}{back.path}" == RETURN_URL
    return {name: values[0] for name, values in parse_qs(back.query).items()}


async def test_a_page_inside_wechat_logs_in_with_what_it_began(fake, people):
    begun = await people.wechat.begin(a_call(), BeginWeChat())
    assert begun["expires_in"] == 600 and begun["proof"] not in begun["authorize_url"]
    brought = await through_wechat(begun["authorize_url"])
    unbound = await refusal_of(
        log_in(people, brought["code"], "oa", wechat_state=brought["state"], wechat_proof=begun["proof"])
    )
    assert unbound.code == "wechat_unbound"


async def test_anothers_code_logs_nobody_in_at_this_page(fake, people):
    """The attack that `state` is for: a link with the attacker's code and his own genuine state."""
    attacker, victim = [await people.wechat.begin(a_call(), BeginWeChat()) for _ in range(2)]
    brought = await through_wechat(attacker["authorize_url"])
    for state, proof in (
        (brought["state"], victim["proof"]),
        (brought["state"], None),
        (None, victim["proof"]),
        (None, None),
        (brought["state"][:-1] + "z", attacker["proof"]),
        ("", ""),
    ):
        given = {"wechat_state": state or None, "wechat_proof": proof or None}
        assert (await refusal_of(log_in(people, brought["code"], "oa", **given))).code == "login_failed"
    assert brought["code"] not in fake.used


def test_a_state_fits_its_own_proof_for_its_time_and_for_letters_that_wechat_takes():
    states = LoginStates(secret="s" * 32, lifetime=timedelta(minutes=10))
    begun = states.begin()
    assert re.fullmatch(r"[A-Za-z0-9]{1,128}", begun.state)
    assert states.fits(begun.state, begun.proof)
    assert not states.fits(begun.state, states.begin().proof)
    assert not LoginStates(secret="t" * 32, lifetime=timedelta(minutes=10)).fits(begun.state, begun.proof)
    over = LoginStates(secret="s" * 32, lifetime=timedelta(seconds=-1)).begin()
    assert not states.fits(over.state, over.proof)
    longer = f"{'f' * 8}x{begun.state.partition('x')[2]}"
    assert not states.fits(longer, begun.proof), "nobody writes a later end into it"
