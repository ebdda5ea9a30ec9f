"""Two phones side by side in the middle of a visit: the picture of the README.

What the caregiver taps is awaited on the family's phone before the picture is taken, so it shows one moment.
"""

import io
from pathlib import Path

from PIL import Image, ImageDraw
from playwright.sync_api import Browser

from tests.browser.window import Window
from tests.screens.camera import settle, smaller
from tests.screens.day import Day
from tests.screens.phones import at

_SCALE = 2
_SCREEN = {"width": 390, "height": 780}
_EDGE, _ROUND, _APART, _AROUND = 10 * _SCALE, 34 * _SCALE, 40 * _SCALE, 12 * _SCALE
_COLOURS = 200


def take_pair(browser: Browser, *, url: str, day: Day, into: Path) -> None:
    family, carer = (Window(browser, url=url, size=_SCREEN, scale=_SCALE) for _ in range(2))
    family.enter_app(day.daughter.get("/api/user/me")["username"], then="选择服务")
    carer.enter_app(day.carer.get("/api/user/me")["username"], then="待接订单")
    family.open(at("pages-family/order", order_id=day.live["order_id"]))
    carer.open(at("pages-caregiver/order", order_id=day.live["order_id"]))
    family.sees("生命体征")
    carer.tap("检查中")
    family.sees("检查中")
    carer.sees_no_more("已记录：检查中")
    screens = []
    for window in (family, carer):
        settle(window.page)
        screens.append(window.page.screenshot(animations="disabled", caret="hide"))
        window.close()
    (into / "pair.png").write_bytes(smaller(beside(*screens), colours=_COLOURS))


def beside(*screens: bytes) -> bytes:
    """Each in the outline of a phone; a PNG."""
    phones = [_phone(screen) for screen in screens]
    width = sum(phone.width for phone in phones) + _APART * (len(phones) - 1) + 2 * _AROUND
    sheet = Image.new("RGB", (width, phones[0].height + 2 * _AROUND), "#ffffff")
    left = _AROUND
    for phone in phones:
        sheet.paste(phone, (left, _AROUND), phone)
        left += phone.width + _APART
    made = io.BytesIO()
    sheet.save(made, "PNG")
    return made.getvalue()


def _phone(screen: bytes) -> Image.Image:
    with Image.open(io.BytesIO(screen)) as shown:
        size = shown.width + 2 * _EDGE, shown.height + 2 * _EDGE
        phone = Image.new("RGBA", size, (0, 0, 0, 0))
        pen = ImageDraw.Draw(phone)
        pen.rounded_rectangle((0, 0, size[0] - 1, size[1] - 1), radius=_ROUND + _EDGE, fill="#1c2826")
        glass = Image.new("L", shown.size, 0)
        ImageDraw.Draw(glass).rounded_rectangle((0, 0, shown.width - 1, shown.height - 1), radius=_ROUND, fill=255)
        phone.paste(shown.convert("RGBA"), (_EDGE, _EDGE), glass)
    return phone
