"""Pictures from a phone's album: said in the chat, and beside a note; the other side sees them."""
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.window import Window
from tests.e2e.people import People, Person, Visits, picture

_IS_DRAWN = "img => img.complete && img.naturalWidth > 0"


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    path.write_bytes(picture(size=(1200, 900)))
    return path


def choose(window: Window, photo: Path, *, by: str) -> None:
    with window.page.expect_file_chooser() as chooser:
        window.tap(by)
    chooser.value.set_files(photo)


def sees_picture(window: Window, name: str) -> None:
    """The picture itself, not only its frame."""
    shown = window.page.get_by_role("button", name=f"查看{name}", exact=True).filter(visible=True).locator("img")
    expect(shown).to_have_count(1)
    expect(shown).to_have_js_property("complete", True)
    assert shown.evaluate(_IS_DRAWN)


def name_of(person: Person) -> str:
    return person.get("/api/user/me")["username"]


def test_a_picture_is_sent_in_the_chat_and_with_a_note_and_the_family_sees_both(
    window: Callable[..., Window], people: People, photo: Path
):
    carer, visits = people.one_of("caregiver", 2), Visits(people, people.one_of("patient", 2))
    order: dict[str, Any] = visits.book(hours_ahead=4, caregiver_id=carer.caregiver_id)
    visits.pay(order)
    _, offer_id = visits.await_offer(order["order_id"], [carer])
    carer.post("/api/order/accept", {"offer_id": offer_id})
    visits.start(order, carer)
    helper, family = window(), window()
    helper.enter_app(name_of(carer), then="待接订单")
    family.enter_app(name_of(visits.family), then="选择服务")
    query = f"order_id={order['order_id']}"

    helper.open(f"/m/#/pages/chat/index?{query}")
    family.open(f"/m/#/pages/chat/index?{query}")
    choose(helper, photo, by="发送图片")
    sees_picture(family, "聊天图片")
    sees_picture(helper, "聊天图片")

    family.open(f"/m/#/pages-family/order/index?{query}")
    helper.open(f"/m/#/pages-caregiver/order/index?{query}")
    helper.tap("护理")
    helper.says("伤口敷料干燥", into="护理措施")
    choose(helper, photo, by="加图片")
    helper.tap("记录")
    family.sees("伤口敷料干燥")
    sees_picture(family, "服务记录图片")
