"""What a page does wrong to people who hear it, or hold it narrow."""
from collections.abc import Iterable
from pathlib import Path

from playwright.sync_api import Page

from tests.e2e.node import JAVASCRIPT

_AXE = JAVASCRIPT / "node_modules" / "axe-core" / "axe.min.js"
_GRAVE = ("serious", "critical")
_RUN = "() => axe.run(document, { resultTypes: ['violations'] })"
_OVERFLOW = "() => document.documentElement.scrollWidth - window.innerWidth"


class Inspector:
    """axe-core, put into one page at a time."""

    def __init__(self, axe: Path = _AXE) -> None:
        self._axe = axe.read_text(encoding="utf-8")

    def faults(self, page: Page, *, place: str) -> list[str]:
        """Serious and critical violations, and whatever is wider than the window."""
        page.evaluate(self._axe)
        found = [
            f"{place}: {one['impact']} {one['id']}: {node['html'][:200]}"
            for one in page.evaluate(_RUN)["violations"]
            if one["impact"] in _GRAVE
            for node in one["nodes"]
        ]
        return found + too_wide(page, place=place)


def too_wide(page: Page, *, place: str) -> list[str]:
    wide = page.evaluate(_OVERFLOW)
    return [f"{place}: {wide} px wider than the window"] if wide > 0 else []


def too_wide_at(page: Page, widths: Iterable[int], *, place: str) -> list[str]:
    """The same page in windows of these widths, one after the other; then as it was."""
    before = page.viewport_size
    assert before is not None
    found = []
    for width in widths:
        page.set_viewport_size(before | {"width": width})
        found += too_wide(page, place=f"{place} at {width} px")
    page.set_viewport_size(before)
    return found
