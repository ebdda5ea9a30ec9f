"""Debian's browser, and windows of it on a server in the demo world.

Playwright's blocking interface runs a loop of its own in this thread from a module's first test to its last, so
these tests have no loop of ours.
"""
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.switches import SWITCHES
from tests.browser.window import Window
from tests.e2e.caller import Caller
from tests.e2e.node import node
from tests.e2e.people import People
from tests.e2e.server import Served, planted, served, world
from tests.services.demand import leave_out
from tests.services.programs import Missing, can_install, install, program

__all__ = ["node", "planted", "served", "world"]

_CHINESE = Path("/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc")


@pytest.fixture(autouse=True)
def io_loop() -> None:
    """No loop of ours beside Playwright's."""


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where it is, with a font for Chinese beside it."""
    try:
        found = program("chromium", "chromium")
        if not _CHINESE.exists():
            if not can_install():
                raise Missing("there is no font for Chinese: apt-get install fonts-wqy-zenhei")
            install("fonts-wqy-zenhei")
    except Missing as why:
        leave_out(str(why))
    return found


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=SWITCHES)
        yield running
        running.close()


@pytest.fixture
def window(browser: Browser, served: Served) -> Iterator[Callable[..., Window]]:
    """`window()` opens one more; at the end each is asked for what went wrong in it."""
    opened: list[Window] = []

    def open_one(**more: Any) -> Window:
        opened.append(Window(browser, url=served.url, **more))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


@pytest.fixture(scope="module")
def caller(served: Served) -> Iterator[Caller]:
    caller = Caller(served.port)
    yield caller
    caller.close()


@pytest.fixture(scope="module")
def people(caller: Caller) -> People:
    return People(caller)
