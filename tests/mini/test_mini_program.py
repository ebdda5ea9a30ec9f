"""The mini program as WeChat gets it: its size, its pages, and a caregiver's visit by tapping.

Its compiled scripts run in Node without what a mini program has not, its pages are rendered by miniprogram-simulate,
and `wx` speaks with a real server. What only WeChat itself shows stands in docs/wechat-release.md.
"""
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.e2e.people import People, Person, Visits, picture
from tests.fakes.wechat import MINI, FakeWeChat
from tests.mini.built import TEMPLATES
from tests.mini.phone import Phone

MIB = 1024 * 1024
PACKAGE_BYTES = 2 * MIB  # WeChat's bound of the main package and of each other one
ALL_BYTES = 30 * MIB
COMPLAINTS = {"重试", "登录后查看"}


def packages(root: Path) -> dict[str, int]:
    """Bytes of each sub-package by its folder, and of what is left, the main one, under ""."""
    told = json.loads((root / "app.json").read_text(encoding="utf-8"))
    sizes = {package["root"]: 0 for package in told["subPackages"]} | {"": 0}
    for path in root.rglob("*"):
        if path.is_file():
            folder = path.relative_to(root).parts[0]
            sizes[folder if folder in sizes else ""] += path.stat().st_size
    return sizes


def test_every_package_is_below_wechats_bounds(mini: tuple[str, Path]) -> None:
    sizes = packages(mini[1])
    assert set(sizes) == {"", "pages-family", "pages-caregiver"}
    assert {name: size for name, size in sizes.items() if not 0 < size < PACKAGE_BYTES} == {}
    assert sum(sizes.values()) < ALL_BYTES


@pytest.fixture(scope="module")
def query(people: People) -> str:
    """Whatever any page wants to know from its address: a visit that runs, and its people."""
    family, carer = people.one_of("patient", 0), people.one_of("caregiver", 0)
    order = Visits(people, family).running(carer)
    return urlencode({
        "order_id": order["order_id"], "caregiver_id": carer.caregiver_id, "patient_id": order["patient_id"],
        "code": "escort_half_day", "token": "x", "invite_code": "x",
    })  # fmt: skip


def routes(root: Path, *roots: str) -> list[str]:
    told = json.loads((root / "app.json").read_text(encoding="utf-8"))
    every = told["pages"] + [f"{one['root']}/{page}" for one in told["subPackages"] for page in one["pages"]]
    return [path for path in every if path.split("/")[0] in roots]


def enter(phone: Phone, person: Person) -> None:
    """Log in by the demo's card."""
    phone.open("pages/login/index")
    phone.tap(person.get("/api/user/me")["username"])
    phone.is_on("pages/start/index")


@pytest.mark.parametrize("role", ["patient", "caregiver"])
def test_every_page_is_rendered_with_what_the_server_says(
    phone: Callable[[], Phone], mini: tuple[str, Path], people: People, query: str, role: str
) -> None:
    root = mini[1]
    one = phone()
    enter(one, people.one_of(role, 0))
    shown: dict[str, list[str]] = {}
    for path in routes(root, "pages", {"patient": "pages-family", "caregiver": "pages-caregiver"}[role]):
        one.open(path, query)
        shown[path] = one.rests()
        assert one.screen()["route"] == path
    assert {path: text for path, text in shown.items() if COMPLAINTS & set(text)} == {}
    assert {path for path, text in shown.items() if len(text) < 2} == set(), "only a title"


def test_a_visit_is_paid_offered_live_accepted_and_noted_on_two_phones(
    phone: Callable[[], Phone], people: People, wechat: FakeWeChat, tmp_path: Path
) -> None:
    carer, visits = people.one_of("caregiver", 1), Visits(people, people.one_of("patient", 1))
    helper, family = phone(), phone()
    helper.open("pages/login/index")
    helper.has(login=wechat.person(MINI, "oCarer"))
    helper.tap("微信登录")
    helper.is_on("pages/bind/index")
    helper.agree("使用微信手机号", "getphonenumber", code=wechat.phone_code(carer.phone))
    helper.is_on("pages/start/index")
    helper.sees("暂时没有新订单")

    order = visits.book(hours_ahead=2, caregiver_id=carer.caregiver_id)
    enter(family, visits.family)
    family.open("pages-family/pay/index", f"order_id={order['order_id']}")
    family.tap("确认支付")
    family.sees("支付成功")
    assert family.screen()["granted"] == list(TEMPLATES)
    family.tap("查看订单")
    family.is_on("pages-family/order/index")

    helper.sees("预计收入")
    helper.tap("接单")
    helper.tap("确认接单")
    assert helper.is_on("pages-caregiver/order/index") == {"order_id": order["order_id"]}
    family.sees(f"{carer.get('/api/caregiver/profile')['name']}已接单")

    helper.write(begun(visits, order), into="开始码")
    helper.tap("开始服务")
    family.sees("正在服务")
    helper.tap("护理")
    helper.write("协助如厕，喂水 100 毫升", into="护理措施")
    photo = tmp_path / "photo.png"
    photo.write_bytes(picture())
    helper.has(picture=str(photo))
    helper.tap("加图片")
    helper.tap("记录")
    family.sees("协助如厕，喂水 100 毫升")
    (note,) = visits.family.get("/api/note/list", order_id=order["order_id"])["items"]
    assert len(note["file_ids"]) == 1


def begun(visits: Visits, order: dict[str, Any]) -> str:
    """Moves business time to the visit's start; the code that the family reads out."""
    ahead_s = (datetime.fromisoformat(order["start_at"]) - visits.now()).total_seconds()
    visits.now(advance_s=max(1, int(ahead_s) + 1))
    return visits.family.get("/api/order/detail", order_id=order["order_id"])["start_code"]
