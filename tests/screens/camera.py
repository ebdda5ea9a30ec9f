"""Takes one picture of one page, and keeps it small.

A picture is a PNG of at most 128 colours: letters stay sharp, and a page weighs some tens of kilobytes. A page that
is longer than the screen is shown in a window as long as itself, up to more than two screens.
"""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.window import Window
from tests.screens.album import Taken

_COLOURS = 128  # with half of them badges and warnings lose their red
_LONGEST_PX = 1_900
_ANSWERS_WITHIN_MS = 20_000
# Everything asked for has come: pictures too, and whatever moves has stopped (people see the page then).
_IS_STILL = """() => document.readyState === "complete" && document.fonts.status === "loaded"
  && [...document.images].every((one) => one.complete)
  && document.getAnimations().every((one) => one.playState !== "running" || one.effect.getComputedTiming().iterations === Infinity)"""
_LENGTH = "() => Math.max(document.documentElement.scrollHeight, document.body.scrollHeight)"


@dataclass(frozen=True)
class Shot:
    """One page as one person sees it: where it is, what must be seen there, what is done before the picture."""

    name: str
    caption: str
    place: str
    sees: str | re.Pattern[str]
    do: Callable[[Window], None] = field(default=lambda window: None)
    whole: bool = True  # a sheet over the page belongs to what fits the screen


def take(window: Window, shot: Shot, *, size: dict[str, int], into: Path, prefix: str) -> Taken:
    """Raises AssertionError when the page does not show what it should."""
    page = window.page
    page.set_viewport_size(size)
    page.goto("about:blank")  # so that every page is opened anew, as from a link
    window.open(shot.place)
    window.sees(shot.sees, within_s=_ANSWERS_WITHIN_MS / 1_000)
    shot.do(window)
    settle(page)
    if shot.whole:
        length = min(max(page.evaluate(_LENGTH), size["height"]), _LONGEST_PX)
        page.set_viewport_size(size | {"height": length})
        settle(page)
    raw = page.screenshot(animations="disabled", caret="hide")
    small = smaller(raw)
    name = f"{prefix}-{shot.name}"
    (into / f"{name}.png").write_bytes(small)
    return Taken(name, shot.caption, len(small))


def settle(page: Page) -> None:
    """Returns when everything that was asked for has come and nothing moves."""
    page.wait_for_load_state("networkidle")
    expect(page.get_by_role("status", name="正在加载")).to_have_count(0)
    expect(page.locator(".el-loading-mask, .el-skeleton").filter(visible=True)).to_have_count(0)
    page.wait_for_function(_IS_STILL)


def smaller(png: bytes, *, colours: int = _COLOURS) -> bytes:
    with Image.open(io.BytesIO(png)) as picture:
        palette = picture.convert("RGB").quantize(colours, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    made = io.BytesIO()
    palette.save(made, "PNG", optimize=True)
    return made.getvalue()
