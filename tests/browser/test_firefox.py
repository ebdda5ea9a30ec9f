"""The story in Debian's Firefox: two people, live both ways."""
from collections.abc import Iterator

import pytest

from tests.browser.firefox import Firefox, FirefoxWindow, faults, running
from tests.browser.window import PHONE
from tests.e2e.people import People, Person, Visits
from tests.e2e.server import Served, until
from tests.services.demand import leave_out
from tests.services.programs import Missing, program

_BUBBLES = "[role=log] .bubble"


@pytest.fixture(scope="module")
def firefox() -> Iterator[Firefox]:
    try:
        found = program("firefox-esr", "firefox-esr")
    except Missing as why:
        leave_out(str(why))
    with running(found) as browser:
        yield browser


def enter(window: FirefoxWindow, person: Person, *, then: str) -> None:
    """By the demo's card."""
    window.open("/m/#/pages/login/index")
    window.tap(person.get("/api/user/me")["username"])
    window.sees(then)


def say(window: FirefoxWindow, words: str) -> None:
    window.types(words, into=".compose-bar textarea")
    window.tap("发送", selector=".compose-bar [role=button]")


def test_an_order_is_seen_live_and_people_talk_both_ways(firefox: Firefox, served: Served, people: People):
    carer = people.one_of("caregiver", 0)
    visits = Visits(people, people.one_of("patient", 0))
    helper, family = (firefox.window(url=served.url, size=PHONE) for _ in range(2))
    enter(helper, carer, then="暂时没有新订单")
    enter(family, visits.family, then="选择服务")

    order = visits.book(hours_ahead=20, caregiver_id=carer.caregiver_id)
    visits.pay(order)
    family.open(f"/m/#/pages-family/order/index?order_id={order['order_id']}")
    family.sees("等待陪护人员接单")
    helper.sees("预计收入")
    helper.tap("接单", selector="[role=button]")
    helper.tap("确认接单")
    family.sees("已接单")
    family.sees("开始码")

    for window in (family, helper):
        window.open(f"/m/#/pages/chat/index?order_id={order['order_id']}")
    say(family, "我们在门诊大厅见")
    until(lambda: helper.texts(_BUBBLES) == ["我们在门诊大厅见"], within_s=30, what="the family's words")
    say(helper, "好的，我提前半小时到")
    both = ["我们在门诊大厅见", "好的，我提前半小时到"]
    until(lambda: family.texts(_BUBBLES) == both, within_s=30, what="the caregiver's words")
    assert faults(firefox.events) == []
