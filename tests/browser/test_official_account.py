"""Inside WeChat's browser: a family follows the official account (公众号), and its messages lead to their order."""
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.window import Window
from tests.e2e.caller import Caller
from tests.e2e.people import People, Person, Visits
from tests.e2e.server import Served, free_port, spawn, until
from tests.fakes.wechat import OA, OA_SECRET, FakeWeChat

AGENT = (
    "Mozilla/5.0 (Linux; Android 10; Redmi Note 9) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/86.0.4240.99 "
    "XWEB/4317 MMWEBSDK/20220105 Mobile Safari/537.36 MicroMessenger/8.0.19.2080 WeChat/arm64 NetType/WIFI Language/zh_CN"
)
BOOKED = "tmplBooked"


@pytest.fixture(scope="module")
def wechat() -> Iterator[FakeWeChat]:
    with FakeWeChat() as running:
        running.template(OA, BOOKED, "thing1")
        running.browser = "oFamily"
        running.followers.add("oFamily")
        yield running


@pytest.fixture(scope="module")
def served(world: Path, wechat: FakeWeChat) -> Iterator[Served]:
    port = free_port()
    template = "PEIHU_WECHAT__OA_TEMPLATES__BOOKING_SUCCEEDED__"
    running = spawn(world, port=port, settings={
        "PEIHU_WECHAT__API_URL": wechat.url, "PEIHU_WECHAT__PAGES_URL": f"{wechat.url}/connect/",
        "PEIHU_WECHAT__OA_APP_ID": OA, "PEIHU_WECHAT__OA_SECRET": OA_SECRET,
        "PEIHU_WECHAT__OA_RETURN_URL": f"http://127.0.0.1:{port}/m/",
        f"{template}ID": BOOKED, f"{template}FIELDS__THING1": "service_name",
        f"{template}PAGE": f"http://127.0.0.1:{port}/m/#/pages-family/order/index?order_id={{order_id}}",
    })  # fmt: skip
    yield running
    running.stop()


@pytest.fixture
def phone(window: Callable[..., Window], wechat: FakeWeChat) -> Callable[[], Window]:
    """WeChat's browser without a login; it may go to WeChat and to no other host."""

    def open_one() -> Window:
        inside = window(agent=AGENT)
        inside.foresee(rf"another host was asked: {re.escape(wechat.url)}/connect/oauth2/authorize")
        return inside

    return open_one


def sms_code(caller: Caller, phone: str) -> str:
    return until(lambda: caller.get("/sandbox/messages", phone=phone), what="a text message")[0]["code"]


def order_in(window: Window) -> str:
    """The order whose page is open."""
    expect(window.page.get_by_role("heading", name="订单", level=1).filter(visible=True)).to_be_visible()
    found = re.search(r"#/pages-family/order/index\?order_id=([\w-]+)$", window.page.url)
    assert found is not None, window.page.url
    return found.group(1)


def test_a_message_of_the_account_leads_to_its_order_through_wechats_login(
    phone: Callable[[], Window], wechat: FakeWeChat, people: People, caller: Caller
):
    family: Person = people.one_of("patient", 0)
    visits = Visits(people, family)
    first = visits.book(hours_ahead=30)
    here = phone()
    here.foresee(r"status of 401 .*/api/user/login")  # nobody has this WeChat yet
    here.open(f"/m/#/pages-family/order/index?order_id={first['order_id']}")
    here.sees("第一次用微信登录，请绑定注册时的手机号。")
    here.says(family.phone, into="手机号")
    here.tap("获取验证码")
    here.says(sms_code(caller, family.phone), into="短信验证码")
    here.tap("绑定并登录")
    here.sees("待支付")
    assert order_in(here) == first["order_id"]

    second = visits.book(hours_ahead=54)
    visits.pay(second)
    (message,) = until(lambda: wechat.messages, what="the account's message")
    assert message["touser"] == "oFamily"
    later = phone()
    later.page.goto(message["url"])
    later.sees("正在安排陪护人员")
    assert order_in(later) == second["order_id"]
    assert "code=" not in later.page.url


def test_the_login_page_offers_wechat_and_comes_back_logged_in(phone: Callable[[], Window], people: People):
    here = phone()
    here.open("/m/#/pages/login/index")
    here.tap("微信登录")
    here.sees(f"{people.one_of('patient', 0).get('/api/user/me')['username']}，您好")


def test_a_code_that_this_tab_did_not_ask_for_logs_nobody_in(phone: Callable[[], Window], wechat: FakeWeChat):
    foreign = wechat.person(OA, "oFamily")
    here = phone()
    here.open(f"/m/?code={foreign}&state=0123456789abcdef#/pages/start/index")
    here.sees("登录或注册")
    assert foreign not in wechat.used
