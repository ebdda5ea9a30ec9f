"""`run.py web screens`: pictures of every page, in a day that was lived.

A server of its own on a scratch directory; what is in web/dist is what is seen. A page that fails at anything
(an error in the console, a failed request) ends the run as it fails a test.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Error, expect, sync_playwright

from tests.browser.window import Window
from tests.e2e.caller import Caller
from tests.e2e.people import People, Person
from tests.e2e.server import ROOT, serving
from tests.screens import album, desks, phones
from tests.screens.camera import Shot, take
from tests.screens.day import Day, live_a_day
from tests.screens.newcomers import PASSWORD
from tests.screens.pair import take_pair
from tests.services.programs import install, program

PHONE = {"width": 390, "height": 844}
TABLET = {"width": 768, "height": 1024}
DESKTOP = {"width": 1366, "height": 768}
_CHINESE = Path("/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc")
_SWITCHES = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]


@dataclass(frozen=True)
class Roll:
    """Pictures of one person at one size, one after the other in one window."""

    prefix: str
    title: str
    size: dict[str, int]
    shots: Callable[[Day], list[Shot]]
    enter: Callable[[Window, Day], None]


def _nobody(window: Window, day: Day) -> None:
    window.open("/m/#/pages/start/index")


def _by_card(who: Callable[[Day], Person], then: str, *, elder: bool = False) -> Callable[[Window, Day], None]:
    def enter(window: Window, day: Day) -> None:
        window.enter_app(who(day).get("/api/user/me")["username"], then=then)
        if elder:
            window.open("/m/#/pages/me/index")
            switch = window.page.get_by_role("switch", name="大字版（长辈模式）")
            switch.click()
            expect(switch).to_be_checked()

    return enter


def _by_password(window: Window, day: Day) -> None:
    window.open("/m/#/pages/login/index")
    window.says(day.newcomer.phone, into="手机号")
    window.says(PASSWORD, into="密码")
    window.tap("登录")
    window.sees("审核中")


def _console(window: Window, day: Day) -> None:
    window.open("/admin/")
    window.page.get_by_role("button", name="（管理员）").first.click()
    window.sees("今日下单")


def _door(window: Window, day: Day) -> None:
    window.open("/admin/")


ROLLS = (
    Roll("phone-door", "App: before a login", PHONE, phones.before_login, _nobody),
    Roll("phone-family", "App: family", PHONE, phones.of_the_family, _by_card(lambda day: day.daughter, "选择服务")),
    Roll("phone-family", "App: family", PHONE, phones.of_the_son, _by_card(lambda day: day.son, "选择服务")),
    Roll("phone-family", "App: family", PHONE, phones.of_the_brother, _by_card(lambda day: day.brother, "选择服务")),
    Roll("phone-family", "App: family, large type", PHONE, phones.of_the_elders, _by_card(lambda day: day.daughter, "选择服务", elder=True)),
    Roll("phone-caregiver", "App: caregiver", PHONE, phones.of_the_caregiver, _by_card(lambda day: day.carer, "待接订单")),
    Roll("phone-caregiver", "App: caregiver", PHONE, phones.of_the_newcomer, _by_password),
    Roll("phone-caregiver", "App: caregiver, large type", PHONE, phones.of_the_elder_caregiver, _by_card(lambda day: day.carer, "待接订单", elder=True)),
    Roll("tablet-family", "App on a tablet and a desktop", TABLET, phones.on_a_tablet, _by_card(lambda day: day.daughter, "选择服务")),
    Roll("desktop-family", "App on a tablet and a desktop", DESKTOP, phones.on_a_desktop, _by_card(lambda day: day.daughter, "选择服务")),
    Roll("console", "Console", DESKTOP, desks.before_login, _door),
    Roll("console", "Console", DESKTOP, desks.of_the_menu, _console),
    Roll("console", "Console", DESKTOP, desks.of_the_administrator, _console),
    Roll("console-phone", "Console on a phone", PHONE, desks.of_the_menu, _console),
)


@contextmanager
def _browser() -> Iterator[Browser]:
    found = program("chromium", "chromium")
    if not _CHINESE.exists():
        install("fonts-wqy-zenhei")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=found, args=_SWITCHES)
        yield running
        running.close()


def _photograph(browser: Browser, url: str, day: Day, *, into: Path, only: str) -> album.Album:
    taken = album.Album(into)
    for roll in ROLLS:
        wanted = [shot for shot in roll.shots(day) if only in f"{roll.prefix}-{shot.name}"]
        if not wanted:
            continue
        window = Window(browser, url=url, size=roll.size)
        roll.enter(window, day)
        for shot in wanted:
            try:
                taken.add(roll.title, take(window, shot, size=roll.size, into=into, prefix=roll.prefix))
            except (AssertionError, Error) as problem:
                taken.miss(f"{roll.prefix}-{shot.name}", str(problem))
        window.close()
    if not only:
        take_pair(browser, url=url, day=day, into=into)
    return taken


def main() -> None:
    asked = argparse.ArgumentParser(prog="run.py web screens", description="Pictures of every page.")
    asked.add_argument("--into", type=Path, default=ROOT / "docs" / "screens", help="the folder; it is emptied of pictures")
    asked.add_argument("--only", default="", help="pictures whose name has this; the index stays as it is")
    given = asked.parse_args()
    given.into.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="peihu-screens-"))
    try:
        with serving(scratch / "var") as served, _browser() as browser:
            caller = Caller(served.port)
            day = live_a_day(People(caller))
            if not given.only:
                album.empty(given.into)
            taken = _photograph(browser, served.url, day, into=given.into, only=given.only)
            if not given.only:
                taken.write_index()
            print(f"{given.into}: {len(taken)} pictures, {taken.size_bytes:,} bytes")
    except AssertionError as problem:
        sys.exit(f"a page failed: {problem}")
        if taken.missed:
            sys.exit("\n".join(taken.missed))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    main()
