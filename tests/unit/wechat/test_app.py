"""Asking WeChat: one token for all, every wait bounded, every secret kept."""
import asyncio
import logging
import threading

import pytest

from server.core.breaker import Breaker
from server.core.errors import Unavailable
from server.wechat.client import WeChatRefused
from server.wechat.tokens import InProcessShelf
from tests.fakes.wechat import MINI, MINI_SECRET, OA, FakeWeChat
from tests.standstill import evenly_s
from tests.unit.push.carriers import ACCEPTED, HURRIED, a_message, equip_wechat, mini_messages, wechat_app

STABLE, OLD, SEND = "/cgi-bin/stable_token", "/cgi-bin/token", "/cgi-bin/message/subscribe/send"


@pytest.fixture
def fake():
    with FakeWeChat() as fake:
        equip_wechat(fake)
        yield fake


@pytest.fixture
def open_app(fake):
    opened = []

    def opening(**more):
        opened.append(wechat_app(fake, **more))
        return opened[-1]

    yield opening
    for app in opened:
        app.close()


def send(app):
    return mini_messages(app).send("oA", **a_message())


async def test_many_callers_at_once_fetch_one_token(fake, open_app):
    app = open_app()
    await asyncio.gather(*(send(app) for _ in range(20)))
    assert len(fake.messages) == 20
    assert (fake.count(STABLE), fake.count(OLD)) == (1, 0)


async def test_two_instances_never_end_each_others_token(fake, open_app):
    first, second = open_app(), open_app()  # each with a shelf of its own
    for _ in range(3):
        await send(first)
        await send(second)
    assert len(fake.messages) == 6
    assert (fake.count(STABLE), fake.count(OLD)) == (2, 0)
    assert fake.expired == set()


async def test_instances_with_one_shelf_fetch_once_together(fake, open_app):
    shelf = InProcessShelf()
    await asyncio.gather(*(send(open_app(shelf=shelf)) for _ in range(4)))
    assert fake.count(STABLE) == 1


async def test_each_app_has_a_token_of_its_own(fake, open_app):
    shelf = InProcessShelf()
    fake.template(OA, ACCEPTED.template_id, *ACCEPTED.fields)
    await send(open_app(shelf=shelf))
    data = {"touser": "oA", "template_id": ACCEPTED.template_id, "data": ACCEPTED.filled(a_message()["params"])}
    await open_app(app_id=OA, shelf=shelf).as_app("cgi-bin/message/template/send", data)
    assert fake.count(STABLE) == 2 and len(fake.tokens) == 2


@pytest.mark.parametrize("code", [40001, 40014, 42001])
async def test_a_token_that_is_taken_no_more_is_renewed_once(fake, open_app, code):
    app = open_app()
    await send(app)
    fake.trouble(SEND, "answer", f'{{"errcode": {code}, "errmsg": "token"}}'.encode())
    await send(app)
    assert len(fake.messages) == 2 and fake.count(STABLE) == 2


async def test_after_two_hours_the_next_message_finds_the_new_token(fake, open_app):
    app = open_app()
    await send(app)
    fake.end_tokens()
    await send(app)
    assert len(fake.messages) == 2


async def test_a_token_is_not_kept_beyond_its_life(fake, open_app):
    fake.lifetime_s = 260  # 60 s of it are left when WeChat's own overlap is taken off
    shelf = InProcessShelf()
    await send(open_app(shelf=shelf))
    kept_until_s = shelf._kept[MINI][1]
    assert 50 < kept_until_s - asyncio.get_running_loop().time() <= 60


@pytest.mark.expects_warnings
async def test_a_token_that_is_never_taken_costs_four_requests_and_no_more(fake, open_app):
    app = open_app()
    fake.trouble(SEND, "answer", b'{"errcode": 40001, "errmsg": "invalid credential"}', times=100)
    with pytest.raises(Unavailable):
        await send(app)
    assert (fake.count(STABLE), fake.count(SEND)) == (2, 2)


@pytest.mark.expects_warnings
@pytest.mark.parametrize("code", [40013, 40125, 40164, 50007])
async def test_a_wrong_secret_or_address_is_said_to_the_operator_with_its_code(fake, open_app, caplog, code):
    fake.trouble(STABLE, "answer", f'{{"errcode": {code}, "errmsg": "no"}}'.encode())
    with pytest.raises(Unavailable):
        await send(open_app())
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.code == code


@pytest.mark.parametrize(
    "answer", [b'{"expires_in": 7200}', b'{"access_token": 5, "expires_in": 7200}', b'{"access_token": "t"}',
               b'{"access_token": "", "expires_in": 7200}', b'{"access_token": "t", "expires_in": "soon"}']
)
async def test_a_token_that_is_none_is_not_kept(fake, open_app, answer):
    app = open_app()
    fake.trouble(STABLE, "answer", answer)
    with pytest.raises(Unavailable):
        await send(app)
    await send(app)
    assert len(fake.messages) == 1


@pytest.mark.parametrize(("code", "retry_after_s"), [(-1, 1), (45011, 60)])
async def test_what_passes_is_told_with_when_to_come_again(fake, open_app, code, retry_after_s):
    fake.trouble(SEND, "answer", f'{{"errcode": {code}, "errmsg": "busy"}}'.encode())
    with pytest.raises(Unavailable) as unavailable:
        await send(open_app())
    assert unavailable.value.retry_after_s == retry_after_s


async def test_a_quota_that_is_used_up_is_a_refusal_with_its_code(fake, open_app):
    fake.trouble(SEND, "answer", b'{"errcode": 45009, "errmsg": "reach max api daily quota limit"}')
    with pytest.raises(WeChatRefused) as refused:
        await open_app().as_app("cgi-bin/message/subscribe/send", {"touser": "oA"})
    assert refused.value.code == 45009


async def test_a_silent_wechat_is_not_waited_for_by_everybody(fake, open_app):
    app = open_app(new_breaker=lambda: Breaker(failures=3, pause_s=0.2), **HURRIED)
    await send(app)
    fake.trouble(SEND, "hang", times=3)
    for _ in range(3):
        with pytest.raises(Unavailable):
            await send(app)
    began_s = evenly_s()
    for _ in range(100):
        with pytest.raises(Unavailable):
            await send(app)
    assert evenly_s() - began_s < 0.15, "nobody was let through, so nobody waited"
    assert fake.count(SEND) == 4
    async with asyncio.timeout(5):
        while len(fake.messages) < 2:  # after the pause one tries, and is answered
            try:
                await send(app)
            except Unavailable:
                await asyncio.sleep(0.01)


async def test_messages_that_hang_keep_nobody_from_logging_in(fake, open_app):
    app = open_app(new_breaker=lambda: Breaker(failures=3, pause_s=30.0))
    fake.trouble(SEND, "hang", times=20)
    hanging = asyncio.gather(*(send(app) for _ in range(20)), return_exceptions=True)
    code = fake.person(MINI, "oB")
    asked = {"js_code": code, "grant_type": "authorization_code"}
    assert (await app.with_secret("sns/jscode2session", asked))["openid"] == "oB"
    assert not hanging.done()
    fake.stop()
    await hanging


async def test_who_finds_all_threads_busy_is_told_at_once(fake, open_app):
    app = open_app(threads=1, waiting_at_most=2, **HURRIED)
    await send(app)
    threads_before = threading.active_count()  # whatever else this worker has running
    fake.trouble(SEND, "hang", times=3)
    outcomes = await asyncio.gather(*(send(app) for _ in range(50)), return_exceptions=True)
    assert all(isinstance(outcome, Unavailable) for outcome in outcomes)
    assert fake.count(SEND) <= 1 + 3
    assert threading.active_count() - threads_before < 10, "50 callers made no threads of their own"


async def test_neither_secret_nor_token_nor_code_is_ever_logged(fake, open_app, caplog):
    caplog.set_level(logging.DEBUG, logger="server")
    app = open_app(**HURRIED)
    for name in ("urllib3", "wechatpy"):  # as server/logs.py sets them: they tell whole addresses at DEBUG
        caplog.set_level(logging.WARNING, logger=name)
    await send(app)
    for trouble in (("hang",), ("status", 500), ("garbage", b"x"), ("cut",)):
        fake.trouble("/sns/jscode2session", *trouble)
        with pytest.raises(Unavailable) as unavailable:
            await app.with_secret("sns/jscode2session", {"js_code": "theCode"})
        chain = repr(unavailable.value) + repr(unavailable.value.__cause__)
        assert MINI_SECRET not in chain and unavailable.value.__suppress_context__
    told = caplog.text
    assert not [secret for secret in (MINI_SECRET, "theCode", *fake.tokens.values()) if secret in told]
