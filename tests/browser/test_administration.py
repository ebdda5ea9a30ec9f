"""An administrator at a desk, by mouse."""
import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Locator, expect

from tests.browser.enrolled import PASSWORD, enrol, hand_in_papers
from tests.browser.window import DESK, Window
from tests.e2e.people import People, Visits
from tests.e2e.server import until


def desk(window: Callable[..., Window], *, place: str) -> Window:
    """Logged in by the demo's card, at one place of the main menu."""
    console = window(size=DESK)
    console.open("/admin/")
    console.button(re.compile("（管理员）")).first.click()
    console.page.get_by_role("link", name=place, exact=True).click()
    expect(console.page.get_by_role("heading", name=place, exact=True)).to_be_visible()
    return console


def opened(console: Window, order: dict[str, Any]) -> Locator:
    """The drawer of one order, found by its number."""
    console.says(order["order_id"], into="关键词")
    console.tap("查询")
    details = console.button("详情")
    expect(details).to_have_count(1)
    details.click()
    drawer = console.page.get_by_role("dialog", name="订单详情")
    expect(drawer.get_by_text(order["order_id"], exact=True)).to_be_visible()
    return drawer


def test_papers_are_claimed_and_approved_and_their_caregiver_sees_it_at_once(window, people: People):
    person = enrol(people, phone="13960000081", name="林秀珍")
    hand_in_papers(person)
    phone = window()
    phone.open("/m/#/pages/login/index")
    phone.says(person.phone, into="手机号")
    phone.says(PASSWORD, into="密码")
    phone.tap("登录")
    phone.sees("审核中")
    phone.open("/m/#/pages-caregiver/qualification/index")
    phone.sees("审核中")

    console = desk(window, place="资质审核")
    console.button(re.compile("^林秀珍")).click()
    console.tap("领取，开始审核")
    console.button(re.compile("予以通过$")).click()
    console.tap("通过")
    console.sees("通过审核已完成")
    expect(console.button(re.compile("^林秀珍"))).to_have_count(0)

    phone.sees("已通过")
    phone.sees(re.compile("予以通过$"))
    assert person.get("/api/caregiver/profile")["qualification_status"] == "approved"


def test_an_order_is_given_to_another_caregiver_with_a_reason(window, people: People):
    family = people.one_of("patient", 0)
    order, carer = Visits(people, family).accepted(hours_ahead=4, among=people.all_of("caregiver"))
    console = desk(window, place="订单")
    drawer = opened(console, order)
    drawer.get_by_role("button", name="改派").click()
    dialog = console.page.get_by_role("dialog", name="改派")
    dialog.get_by_role("radio").first.check(force=True)
    dialog.get_by_role("textbox", name="改派原因").fill("原陪护人员临时有事")
    dialog.get_by_role("button", name=re.compile("^改派给")).click()
    console.sees(re.compile("^改派给.*已完成$"))

    now = family.get("/api/order/detail", order_id=order["order_id"])
    assert now["status"] == "awaiting_service"
    assert now["caregiver"]["name"] != carer.get("/api/caregiver/profile")["name"]
    expect(drawer.get_by_text(now["caregiver"]["name"]).first).to_be_visible()


def test_a_paid_order_is_cancelled_and_all_of_its_money_goes_back(window, people: People):
    family = people.one_of("patient", 1)
    visits = Visits(people, family)
    order = visits.book(hours_ahead=30)
    visits.pay(order)
    console = desk(window, place="订单")
    drawer = opened(console, order)
    drawer.get_by_role("button", name="取消并退款").click()
    question = console.page.get_by_role("dialog", name="取消订单")
    expect(question.get_by_text("全额退回")).to_be_visible()
    question.get_by_role("textbox").fill("医院停诊")
    question.get_by_role("button", name="取消订单").click()
    console.sees("取消订单已完成")
    expect(drawer.get_by_text("已取消").first).to_be_visible()

    visits.await_status(order["order_id"], "cancelled")
    now = family.get("/api/order/detail", order_id=order["order_id"])
    assert now["refund"]["amount_fen"] == order["amount_fen"]


def test_a_past_order_of_the_demo_world_is_refunded_in_part(window, people: People):
    administrator = people.one_of("admin", 0)
    past = administrator.get("/api/admin/order/list", status="completed", limit=1)["items"][0]
    console = desk(window, place="订单")
    drawer = opened(console, past)
    drawer.get_by_role("tab", name="资金").click()
    drawer.get_by_role("button", name="退款…").click()
    dialog = console.page.get_by_role("dialog", name="退款")
    dialog.get_by_role("textbox", name="退款金额").fill("12.5")
    dialog.get_by_role("textbox", name="退款原因").fill("检查提前结束")
    dialog.get_by_role("button", name="退款 ¥12.50").click()
    console.sees("退款 ¥12.50已完成")

    def is_back() -> bool:
        money = administrator.get("/api/admin/order/detail", order_id=past["order_id"])["money"]
        return [(one["status"], one["amount_fen"]) for one in money["refunds"]] == [("succeeded", 1_250)]

    until(is_back, what="the money to be back", within_s=30)


def test_a_price_that_is_changed_holds_for_the_next_quote(window, people: People):
    visits = Visits(people, people.one_of("patient", 2))
    before = visits.family.post("/api/order/quote", visits.request(hours_ahead=30))
    console = desk(window, place="设置")
    field = console.page.get_by_label("半天陪诊基准价", exact=True)
    field.fill("1e3")
    console.sees("1 项修改未保存；半天陪诊 · 基准价：请填数字，最多两位小数")
    expect(console.button("保存…")).to_be_disabled()
    field.fill("215")
    console.tap("保存…")
    console.page.get_by_role("list", name="改动").get_by_text("215 元").wait_for()
    console.says("护工工资上调", into="修改原因")
    console.tap("保存为新版本")
    console.sees(re.compile("^已保存为版本"))
    console.page.get_by_role("tab", name="历史").click()
    console.sees("服务价格：护工工资上调")

    after = visits.family.post("/api/order/quote", visits.request(hours_ahead=30))
    assert after["amount_fen"] * 200 == before["amount_fen"] * 215


def test_who_saves_after_another_administrator_is_told_and_keeps_both_changes(window, people: People):
    administrator = people.one_of("admin", 0)
    console = desk(window, place="设置")
    console.foresee(r"status of 409 .*/api/admin/settings")
    console.page.get_by_role("tab", name="时间规则").click()
    console.says("20", into="下单后支付期限")
    version = administrator.get("/api/admin/settings")["version"]
    other = {"version": version, "reason": "医院要求", "time": {"lead_min": 90, "start_window_min": 45}}
    administrator.post("/api/admin/settings", other)

    console.tap("保存…")
    console.sees(re.compile("刚刚保存了版本"))
    console.sees("您与对方改的不是同样的项，可以一起保留。")
    console.tap("在最新设置上保留我的修改")
    console.says("多给家属一点时间", into="修改原因")
    console.tap("保存为新版本")
    console.sees(re.compile("^已保存为版本"))
    now = administrator.get("/api/admin/settings")
    assert now["version"] == version + 2
    assert [now["time"][name] for name in ("lead_min", "start_window_min", "pay_within_min")] == [90, 45, 20]
