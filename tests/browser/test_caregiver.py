"""A caregiver's phone: an offer, a visit, a race that is lost, a lift without network, a career."""
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from playwright.sync_api import Route, expect

from tests.browser.enrolled import PASSWORD, enrol
from tests.browser.window import Window
from tests.e2e.people import People, Person, Visits

CARDS = 6  # so many caregivers are offered as demo cards
NETWORK_IS_AWAY = re.compile("网络已断开|正在重新连接")


def name_of(carer: Person) -> str:
    return carer.get("/api/caregiver/profile")["name"]


def begin(visits: Visits, order: dict[str, Any]) -> str:
    """Moves business time to the visit's start; the code that the family reads out."""
    ahead_s = (datetime.fromisoformat(order["start_at"]) - visits.now()).total_seconds()
    visits.now(advance_s=max(1, int(ahead_s) + 1))
    return visits.family.get("/api/order/detail", order_id=order["order_id"])["start_code"]


def notes_of(visits: Visits, order: dict[str, Any]) -> list[dict[str, Any]]:
    return visits.family.get("/api/note/list", order_id=order["order_id"], limit=100)["items"]


def is_told(phone: Window, words: str) -> None:
    """Once, in the story of the visit."""
    expect(phone.page.get_by_role("list", name="服务动态").get_by_text(words, exact=True)).to_have_count(1)


def pick_month(phone: Window, label: str) -> str:
    """The month that the wheel opens at, as `2026-11`."""
    row = phone.button(re.compile(f"^{label}，"))
    row.click()
    phone.page.locator(".uni-picker-toggle").get_by_text("完成").click()
    expect(row).to_have_accessible_name(re.compile(r"，\d{4}-\d{2}$"))
    return (row.get_attribute("aria-label") or "")[-7:]


def test_a_directed_offer_arrives_live_and_its_visit_is_worked_through_by_tapping(window, people: People):
    carer = people.one_of("caregiver", 0)
    visits = Visits(people, people.one_of("patient", 0))
    phone: Window = window()
    phone.enter_app(name_of(carer), then="待接订单")
    phone.sees("暂时没有新订单")

    order = visits.book(hours_ahead=2, caregiver_id=carer.caregiver_id, requirements="请带轮椅")
    visits.pay(order)
    phone.sees("预计收入")
    phone.tap("接单")
    phone.tap("确认接单")
    phone.says(begin(visits, order), into="开始码")
    phone.tap("开始服务")
    phone.tap("已到医院")
    is_told(phone, "已到医院")
    phone.tap("体征")
    phone.says("36.8", into="体温（℃）")
    phone.says("128", into="收缩压（mmHg）")
    phone.tap("记录")
    phone.sees(re.compile("^体温 36.8"))
    phone.sees(re.compile("^收缩压 128"))
    phone.tap("结束服务")
    sheet = phone.page.get_by_role("dialog", name="结束这次服务？")
    phone.says("检查都做完了，药已取", into="小结")
    sheet.get_by_role("button", name="结束服务").click()
    expect(phone.button("结束服务")).to_have_count(0)

    first, second = notes_of(visits, order)
    assert (first["kind"], first["text"]) == ("milestone", "已到医院")
    assert (second["vitals"]["temperature_c"], second["vitals"]["systolic_mmhg"]) == (36.8, 128)
    assert visits.family.get("/api/order/detail", order_id=order["order_id"])["finished_at"]


def test_who_is_a_moment_too_late_reads_so_and_the_offer_goes(window: Callable[..., Window], people: People):
    visits = Visits(people, people.one_of("patient", 1))
    order = visits.book(hours_ahead=50)
    visits.pay(order)
    loser, _ = visits.await_offer(order["order_id"], people.all_of("caregiver")[:CARDS])
    others = [person for person in people.all_of("caregiver") if person is not loser]
    winner, offer_id = visits.await_offer(order["order_id"], others)

    def be_outrun(route: Route) -> None:
        """The other's answer comes in while this one is on its way."""
        winner.post("/api/order/accept", {"offer_id": offer_id})
        route.continue_()

    phone = window()
    phone.foresee(r"status of 409 .*/api/order/accept")
    phone.page.route("**/api/order/accept", be_outrun)
    phone.enter_app(name_of(loser), then="待接订单")
    phone.button("接单").first.click()
    phone.tap("确认接单")
    phone.sees(re.compile("^手慢了"))
    phone.sees("暂时没有新订单")
    now = visits.family.get("/api/order/detail", order_id=order["order_id"])
    assert now["caregiver"]["name"] == name_of(winner)


def test_notes_written_without_network_arrive_once_and_in_order(window: Callable[..., Window], people: People):
    visits = Visits(people, people.one_of("patient", 2))
    order, carer = visits.accepted(hours_ahead=8, among=people.all_of("caregiver")[:CARDS])
    visits.start(order, carer)
    phone = window()
    phone.enter_app(name_of(carer), then="待接订单")
    phone.open(f"/m/#/pages-caregiver/order/index?order_id={order['order_id']}")
    phone.tap("已到医院")
    is_told(phone, "已到医院")
    with phone.without_network():
        phone.sees(NETWORK_IS_AWAY)
        phone.tap("已取号")
        phone.sees("待发送 1 条")
        phone.tap("护理")
        phone.says("协助如厕，喂水 100 毫升", into="护理措施")
        phone.tap("记录")
        phone.tap("候诊中")
        phone.sees("待发送 3 条")
        phone.sees(re.compile("^等待网络"))
        expect(phone.button("结束服务")).to_have_attribute("aria-disabled", "true")
        assert len(notes_of(visits, order)) == 1
    phone.sees_no_more(re.compile("^待发送"))
    phone.sees_no_more(NETWORK_IS_AWAY)
    written = ["已到医院", "已取号", "协助如厕，喂水 100 毫升", "候诊中"]
    assert [note["text"] for note in notes_of(visits, order)] == written
    for text in written:
        is_told(phone, text)


def test_a_career_is_tapped_in_and_kept(window: Callable[..., Window], people: People):
    person = enrol(people, phone="13960000082", name="何玉兰")
    phone = window()
    phone.open("/m/#/pages/login/index")
    phone.says(person.phone, into="手机号")
    phone.says(PASSWORD, into="密码")
    phone.tap("登录")
    phone.tab("我的")
    phone.tap("个人资料")
    phone.tap("加一段经历")
    phone.tap("保存")
    phone.sees("请填写单位")
    phone.says("区医院骨科病区", into="单位")
    phone.says("护理员", into="职务")
    begun = pick_month(phone, "开始年月")
    phone.page.get_by_role("radio", name="已离开").click()
    ended = pick_month(phone, "结束年月")
    phone.tap("保存")
    phone.sees("我的收入")
    kept = person.get("/api/caregiver/profile")["work_history"]
    assert kept == [{"employer": "区医院骨科病区", "role": "护理员", "from": begun, "to": ended}]
