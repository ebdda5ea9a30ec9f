"""How long the first page takes on a slow phone: `.venv/bin/python -m tests.browser.first_load [--runs 9] [--slowdown 4]`.

A server in the demo world, Debian's Chromium with its processor slowed down, and a new browser context (nothing cached)
a run. Prints a table in milliseconds, and the sizes of what was fetched. No test asserts any of it. "main thread" is
the processor time of the page's main thread without the slowdown: others who use the machine hardly change it.
"""
import argparse
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from tests.browser.switches import SWITCHES
from tests.browser.window import PHONE
from tests.e2e.server import serving
from tests.services.programs import program
from tests.web.weight import packages

FIGURES = ("first paint", "first page", "interactive", "main thread")
# Interactive: the first page has its services, and after that the main thread had no task of 50 ms for half a second.
_QUIET_MS = 500
_WATCH = """
window.peihuLoad = { shown: 0, long: 0 };
new PerformanceObserver((list) => {
  for (const task of list.getEntries()) peihuLoad.long = Math.max(peihuLoad.long, task.startTime + task.duration);
}).observe({ type: 'longtask', buffered: true });
const look = () => {
  if (document.body?.textContent.includes('¥')) peihuLoad.shown = performance.now();
  else requestAnimationFrame(look);
};
look();
"""
_DONE = f"() => peihuLoad.shown && performance.now() - Math.max(peihuLoad.shown, peihuLoad.long) > {_QUIET_MS}"
_TOLD = """() => ({
  'first paint': performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0,
  'first page': peihuLoad.shown,
  'interactive': Math.max(peihuLoad.shown, peihuLoad.long),
})"""


def load(browser: Browser, url: str, *, slowdown: float) -> dict[str, float]:
    """Milliseconds since the address was entered, of one load without a cache."""
    context = browser.new_context(viewport=PHONE, locale="zh-CN", timezone_id="Asia/Shanghai")
    page = context.new_page()
    page.add_init_script(_WATCH)
    inspector = context.new_cdp_session(page)
    inspector.send("Performance.enable", {"timeDomain": "threadTicks"})
    inspector.send("Emulation.setCPUThrottlingRate", {"rate": slowdown})
    page.goto(f"{url}/m/")
    page.wait_for_function(_DONE, timeout=120_000)
    told: dict[str, float] = page.evaluate(_TOLD)
    spent = {one["name"]: one["value"] for one in inspector.send("Performance.getMetrics")["metrics"]}
    told["main thread"] = spent["TaskDuration"] * 1_000
    context.close()
    return told


def measured(*, runs: int, slowdown: float) -> list[dict[str, float]]:
    with tempfile.TemporaryDirectory() as scratch, serving(Path(scratch) / "var") as served, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program("chromium", "chromium"), args=SWITCHES)
        load(browser, served.url, slowdown=1)  # the server's own first answers
        told = []
        for _ in range(runs):
            plain = load(browser, served.url, slowdown=1)
            told.append(load(browser, served.url, slowdown=slowdown) | {"main thread": plain["main thread"]})
        browser.close()
    return told


def main() -> None:
    wanted: Any = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("--runs", type=int, default=9)
    wanted.add_argument("--slowdown", type=float, default=4)
    asked = wanted.parse_args()
    runs = measured(runs=asked.runs, slowdown=asked.slowdown)
    print(f"| ms, processor slowed down {asked.slowdown:g} times, {asked.runs} runs | least | median | most |\n|---|--:|--:|--:|")
    for figure in FIGURES:
        found = sorted(run[figure] for run in runs)
        print(f"| {figure} | {found[0]:.0f} | {median(found):.0f} | {found[-1]:.0f} |")
    print("\n| | files | KiB | KiB by gzip |\n|---|--:|--:|--:|")
    for name, weight in packages().items():
        print(f"| {name} | {weight.files} | {weight.bytes_ / 1024:.0f} | {weight.packed / 1024:.0f} |")


if __name__ == "__main__":
    main()
