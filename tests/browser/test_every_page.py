"""Every page of both apps, for people who hear it, from the narrowest phone to a tablet."""
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect

from tests.browser.inspection import Inspector, too_wide, too_wide_at
from tests.browser.window import DESK, Window
from tests.e2e.people import People, Visits

NARROWEST = {"width": 320, "height": 700}
WIDER = (430, 768)  # the widest phone, and a tablet held upright
_SOURCES = Path(__file__).resolve().parents[2] / "web" / "mobile" / "src"
_SHARED = ("pages", "pages-shared")
_OWN = {"patient": "pages-family", "caregiver": "pages-caregiver"}


@pytest.fixture(scope="module")
def inspector(node: str) -> Inspector:
    """axe-core lies among the packages that Node's tests install."""
    return Inspector()


@pytest.fixture(scope="module")
def query(people: People) -> str:
    """Whatever any page wants to know from its address: a visit that runs, and its people."""
    family = people.one_of("patient", 0)
    carer = people.one_of("caregiver", 0)
    order = Visits(people, family).running(carer)
    return urlencode({
        "id": order["order_id"], "order_id": order["order_id"], "caregiver_id": carer.caregiver_id,
        "patient_id": order["patient_id"], "code": "escort_half_day", "token": "x", "invite_code": "x",
    })  # fmt: skip


def routes(*roots: str) -> list[str]:
    """The addresses of pages.json below these folders."""
    told: dict[str, Any] = json.loads((_SOURCES / "pages.json").read_text(encoding="utf-8"))
    every = [page["path"] for page in told["pages"]]
    every += [f"{package['root']}/{page['path']}" for package in told["subPackages"] for page in package["pages"]]
    return [path for path in every if path.split("/")[0] in roots]


def inspected(window: Window, paths: list[str], *, query: str, inspector: Inspector) -> list[str]:
    faults = []
    for path in paths:
        window.open(f"/m/#/{path}?{query}")
        expect(window.page.get_by_role("heading", level=1).filter(visible=True)).to_be_visible()
        expect(window.page.get_by_role("status", name="正在加载")).to_have_count(0)
        faults += inspector.faults(window.page, place=path)
        faults += too_wide_at(window.page, WIDER, place=path)
    return faults


def test_pages_before_a_login(window, inspector, query):
    phone = window(size=NARROWEST)
    faults = inspected(phone, routes("pages"), query=query, inspector=inspector)
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("role", ["patient", "caregiver"])
def test_pages_of_one_role(window, inspector, query, people: People, role: str):
    account = people.one_of(role, 0)
    phone = window(size=NARROWEST)
    phone.enter_app(account.get("/api/user/me")["username"], then={"patient": "选择服务", "caregiver": "待接订单"}[role])
    own = [path for path in routes(*_SHARED, _OWN[role]) if path not in routes_of_strangers()]
    faults = inspected(phone, own, query=query, inspector=inspector)
    assert not faults, "\n".join(faults)


def routes_of_strangers() -> list[str]:
    """Pages of whoever is not logged in; they have been looked at."""
    return [path for path in routes("pages") if path.split("/")[1] in ("login", "register", "reset", "bind", "privacy")]


def settled(console: Window) -> None:
    expect(console.page.locator(".el-loading-mask, .el-skeleton").filter(visible=True)).to_have_count(0)


def places(console: Window) -> Iterator[str]:
    """One place of the console after the other, settled: the menu's, and the tabs of the settings, its last."""
    console.open("/admin/")
    expect(console.page.get_by_role("heading", name="陪护管理台")).to_be_visible()
    yield "login"
    console.button(re.compile("（管理员）")).first.click()
    menu = console.page.get_by_role("navigation", name="主菜单").get_by_role("link")
    expect(menu.first).to_be_visible()
    for link in menu.all():
        link.click()
        expect(link).to_have_attribute("aria-current", "page")
        expect(console.page.get_by_role("main").get_by_role("heading", level=1)).to_be_visible()
        settled(console)
        yield link.get_attribute("aria-label") or ""
    for tab in console.page.get_by_role("tab").all():
        tab.click()
        settled(console)
        yield tab.inner_text()


def test_every_place_of_the_administrators_menu(window, inspector, query):
    console = window(size=DESK)
    faults = [fault for place in places(console) for fault in inspector.faults(console.page, place=place)]
    assert not faults, "\n".join(faults)


def test_every_place_of_the_administrators_menu_on_the_narrowest_phone(window, query):
    console = window(size=NARROWEST)
    faults = []
    for place in places(console):
        faults += too_wide(console.page, place=place) + too_wide_at(console.page, WIDER, place=place)
    assert not faults, "\n".join(faults)


def test_an_orders_drawer_and_the_dialogs_that_open_from_it(window, inspector, people: People):
    family = people.one_of("patient", 1)
    order, _ = Visits(people, family).accepted(hours_ahead=40, among=people.all_of("caregiver"))
    over = people.one_of("admin", 0).get("/api/admin/order/list", status="completed", limit=1)["items"][0]
    console = window(size=NARROWEST)
    console.open("/admin/")
    console.button(re.compile("（管理员）")).first.click()
    console.page.get_by_role("link", name="订单", exact=True).click()
    faults = []

    def inspect(dialog: str) -> None:
        expect(console.page.get_by_role("dialog", name=dialog)).to_be_visible()
        settled(console)
        nonlocal faults
        faults += inspector.faults(console.page, place=dialog)

    def open_order(order_id: str) -> None:
        console.says(order_id, into="关键词")
        console.tap("查询")
        expect(console.button("详情")).to_have_count(1)
        console.tap("详情")
        inspect("订单详情")

    open_order(order["order_id"])
    for tab in console.page.get_by_role("dialog", name="订单详情").get_by_role("tab").all():
        tab.click()
        faults += too_wide(console.page, place=tab.inner_text())
    for button, dialog in (("改派", "改派"), ("取消并退款", "取消订单")):
        console.tap(button)
        inspect(dialog)
        console.page.get_by_role("dialog", name=dialog).get_by_role("button", name="再想想").click()
        expect(console.page.get_by_role("dialog", name=dialog)).to_have_count(0)
    console.page.get_by_role("button", name="关闭此对话框").filter(visible=True).click()
    open_order(over["order_id"])
    console.page.get_by_role("tab", name="资金").click()
    console.tap("退款…")
    inspect("退款")
    assert not faults, "\n".join(faults)
