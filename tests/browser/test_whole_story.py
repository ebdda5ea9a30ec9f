"""The main job by tapping: a family and a caregiver, each sees at once what the other does."""
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.window import Window
from tests.e2e.people import People, Person, Visits
from tests.e2e.server import until

NETWORK_IS_AWAY = re.compile("网络已断开|正在重新连接")


@pytest.fixture
def carer(people: People) -> Person:
    return people.one_of("caregiver", 0)


def name_of(person: Person) -> str:
    return person.get("/api/user/me")["username"]


def book_and_pay(family: Window, *, carer: Person, visits: Visits) -> str:
    """From a caregiver's page to the receipt; the order's id."""
    family.open(f"/m/#/pages-family/caregiver/index?caregiver_id={carer.caregiver_id}")
    family.tap("预约 TA")
    family.page.get_by_role("radiogroup", name="服务").get_by_text("半天陪诊").click()
    family.button(re.compile("^医院：")).click()
    family.page.get_by_role("option", name=re.compile(visits.hospital["name"])).click()
    family.page.get_by_role("radio", name=re.compile("^明天")).click()
    family.page.get_by_role("radiogroup", name="开始时间").get_by_role("radio").first.click()
    family.tap("去支付")
    family.tap("确认支付")
    family.sees("支付成功")
    order_id = re.search(r"order_id=([\w-]+)", family.page.url)
    assert order_id is not None
    family.tap("查看订单")
    family.sees("等待陪护人员接单")
    return order_id.group(1)


def let_it_be_time(visits: Visits, order_id: str) -> None:
    order = visits.family.get("/api/order/detail", order_id=order_id)
    ahead_s = (datetime.fromisoformat(order["start_at"]) - visits.now()).total_seconds()
    visits.now(advance_s=max(1, int(ahead_s) + 1))


def chat(window: Window, order_id: str) -> None:
    window.open(f"/m/#/pages/chat/index?order_id={order_id}")
    expect(window.page.get_by_role("log", name="聊天记录")).to_be_visible()


def say(window: Window, words: str) -> None:
    window.says(words, into="消息")
    window.tap("发送")


def lines(window: Window) -> Locator:
    return window.page.get_by_role("log", name="聊天记录").locator(".bubble")


def said(visits: Visits, order_id: str) -> list[str]:
    """The conversation as the server keeps it, the oldest first."""
    items: list[dict[str, Any]] = visits.family.get("/api/chat/history", order_id=order_id, limit=100)["items"]
    return [one["text"] for one in sorted(items, key=lambda one: one["offset"]) if one["kind"] == "text"]


def test_the_whole_story_is_tapped_in_two_windows_and_lives_in_both(
    window: Callable[..., Window], people: People, carer: Person
):
    visits = Visits(people, people.one_of("patient", 0))
    helper, family = window(), window()
    helper.enter_app(name_of(carer), then="待接订单")
    family.enter_app(name_of(visits.family), then="选择服务")

    order_id = book_and_pay(family, carer=carer, visits=visits)
    helper.sees("预计收入")
    helper.tap("接单")
    helper.tap("确认接单")
    family.sees(f"{carer.get('/api/caregiver/profile')['name']}已接单")
    code = family.page.get_by_role("img", name=re.compile(r"\d")).filter(visible=True).locator(".digit").all_inner_texts()

    chat(family, order_id)
    chat(helper, order_id)
    say(family, "我们在门诊大厅见，老人腿脚慢")
    expect(lines(helper)).to_have_text(["我们在门诊大厅见，老人腿脚慢"])
    say(helper, "好的，我提前半小时到")
    expect(lines(family)).to_have_text(["我们在门诊大厅见，老人腿脚慢", "好的，我提前半小时到"])

    let_it_be_time(visits, order_id)
    family.open(f"/m/#/pages-family/order/index?order_id={order_id}")
    helper.open(f"/m/#/pages-caregiver/order/index?order_id={order_id}")
    helper.says("".join(code), into="开始码")
    helper.tap("开始服务")
    family.sees("正在服务")
    helper.tap("已到医院")
    entries = family.page.get_by_role("list", name="服务动态").filter(visible=True)
    expect(entries.get_by_text("已到医院")).to_be_visible()
    helper.tap("结束服务")
    helper.says("检查都做完了，药已取", into="小结")
    helper.page.get_by_role("dialog").get_by_role("button", name="结束服务").click()
    expect(helper.button("结束服务")).to_have_count(0)

    family.tap("确认服务完成")
    family.tap("确认完成")
    family.tap("评价这次服务")
    family.page.get_by_role("radio", name="5 星").click()
    family.tap("提交评价")
    family.sees(re.compile("^我的评价"))
    assert visits.family.get("/api/order/detail", order_id=order_id)["review"]["score"] == 5


def test_a_conversation_that_is_cut_goes_on_with_nothing_lost_or_doubled(
    window: Callable[..., Window], people: People, carer: Person
):
    visits = Visits(people, people.one_of("patient", 1))
    order = visits.book(hours_ahead=30, caregiver_id=carer.caregiver_id)
    visits.pay(order)
    _, offer_id = visits.await_offer(order["order_id"], [carer])
    carer.post("/api/order/accept", {"offer_id": offer_id})
    helper, family = window(), window()
    helper.enter_app(name_of(carer), then="待接订单")
    family.enter_app(name_of(visits.family), then="选择服务")
    chat(helper, order["order_id"])
    chat(family, order["order_id"])
    say(family, "一")
    expect(lines(helper)).to_have_text(["一"])
    with family.without_network():
        family.sees(NETWORK_IS_AWAY)
        say(family, "三")
        say(family, "四")
        expect(lines(family)).to_have_text(["一", "三", "四"])
        say(helper, "二")
        until(lambda: said(visits, order["order_id"]) == ["一", "二"], what="the second message")
    family.sees_no_more(NETWORK_IS_AWAY)
    everything = ["一", "二", "三", "四"]
    expect(lines(helper)).to_have_text(everything)
    expect(lines(family)).to_have_text(everything)
    assert said(visits, order["order_id"]) == everything
