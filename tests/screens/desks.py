"""What is photographed of the console: every place of its menu, and the dialogs over them."""

import json
import re
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.window import Window
from tests.screens.camera import Shot
from tests.screens.day import Day

_ROUTER = Path(__file__).resolve().parents[2] / "web" / "admin" / "src" / "router.ts"
_ORDERS = ("/admin/#/orders", re.compile("^订单$"))
_PLACE = re.compile(r'\{ path: ("/[^"]*"), title: ("[^"]+")')


def places() -> list[tuple[str, str]]:
    """(path, title) of the menu, as the router has it; a page that is added is photographed too."""
    return [(json.loads(path), json.loads(title)) for path, title in _PLACE.findall(_ROUTER.read_text(encoding="utf-8"))]


def _name(path: str) -> str:
    return path.strip("/") or "workbench"


def before_login(day: Day) -> list[Shot]:
    return [Shot("login", "登录", "/admin/", "陪护管理台")]


def of_the_menu(day: Day) -> list[Shot]:
    deeds = {"/": _month}
    return [
        Shot(_name(path), title, f"/admin/#{path}", re.compile(f"^{title}$"), deeds.get(path, lambda window: None))
        for path, title in places()
    ]


def _month(window: Window) -> None:
    window.page.get_by_text("近 30 日").click()


def of_the_administrator(day: Day) -> list[Shot]:
    live, done, ahead = (one["order_id"] for one in (day.live, day.reviewed, day.tomorrow))
    return [
        Shot("order", "订单详情: its course", *_ORDERS, lambda window: _open(window, live), whole=False),
        Shot("order-offers", "订单详情: who was asked, and why", *_ORDERS, lambda window: _open(window, live, tab="派单"), whole=False),
        Shot("order-money", "订单详情: money", *_ORDERS, lambda window: _open(window, done, tab="资金"), whole=False),
        Shot("order-notices", "订单详情: notices", *_ORDERS, lambda window: _open(window, live, tab="通知"), whole=False),
        Shot("order-reassign", "改派: ranked candidates with reasons", *_ORDERS, lambda window: _reassign(window, ahead), whole=False),
        Shot("paper", "资质审核: documents beside the verdict", "/admin/#/papers", re.compile("^资质审核$"), _open_paper),
        Shot("account-ban", "账号: asked for the reason", "/admin/#/accounts", re.compile("^账号$"), _ban, whole=False),
    ]


def _open(window: Window, order_id: str, *, tab: str = "") -> None:
    """The drawer of one order, found by its number."""
    window.says(order_id, into="关键词")
    window.tap("查询")
    details = window.button("详情")
    expect(details).to_have_count(1)
    details.click()
    drawer = window.page.get_by_role("dialog", name="订单详情")
    drawer.get_by_text(order_id).first.wait_for()
    if tab:
        drawer.get_by_role("tab", name=re.compile(f"^{tab}")).click()


def _reassign(window: Window, order_id: str) -> None:
    _open(window, order_id)
    window.page.get_by_role("dialog", name="订单详情").get_by_role("button", name="改派").click()
    window.page.get_by_role("dialog", name="改派").get_by_role("radio").first.check(force=True)


def _open_paper(window: Window) -> None:
    window.button(re.compile("^林秀珍")).click()
    window.tap("领取，开始审核")
    window.button("驳回").wait_for()


def _ban(window: Window) -> None:
    window.button("停用").first.click()
    window.page.get_by_role("dialog").get_by_role("textbox").wait_for()
