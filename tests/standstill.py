"""A test that failed while the machine stood still is run again, and is said to have been.

Machines that build are shared. One that gets no processor for five seconds lets every deadline pass at once, those of
the product too, where nothing is wrong. Whether it stood still is measured: a thread of every worker looks at the clock
ten times a second, and what its process computed meanwhile does not count. A test that fails while the clock ran evenly
fails, and so does one that fails three times.
"""

import gc
import sys
import threading
import time
import warnings
from typing import NamedTuple

import pytest

_LOOKS_EVERY_S = 0.1
_LEAP_S = 0.1  # less is how busy machines are
_STANDSTILL_S = 1.5  # in six thousand tests a machine that was only busy came 1.4 s late once
_AGAIN = 2
_PROPERTY = "stood_still_s"


class _Look(NamedTuple):
    """What the thread knew when it looked last."""

    at_s: float
    computed_s: float  # by this process, on whatever processor
    missed_s: float  # altogether until then

    @classmethod
    def now(cls, *, missed_s=0.0):
        return cls(time.monotonic(), time.process_time(), missed_s)

    def late_s(self):
        """Since when there should have been another look; what we computed ourselves is no standstill."""
        computed_s = time.process_time() - self.computed_s
        return max(time.monotonic() - self.at_s - _LOOKS_EVERY_S - computed_s, 0.0)


class _Watch(threading.Thread):
    """`longest_s()`: by how much the clock leapt at once since `begin()`; `leapt_s()`: altogether."""

    def __init__(self):
        super().__init__(name="standstill", daemon=True)
        self._over = threading.Event()
        self._look = _Look.now()
        self._longest_s = 0.0
        self.left_something = False

    def run(self):
        while not self._over.wait(_LOOKS_EVERY_S):
            self._longest_s, self._look = self.longest_s(), _Look.now(missed_s=self.leapt_s())

    def begin(self):
        self._longest_s = 0.0

    def longest_s(self):
        return max(self._longest_s, self._look.late_s())

    def leapt_s(self):
        look = self._look
        late_s = look.late_s()
        return look.missed_s + (late_s if late_s > _LEAP_S else 0.0)

    def end(self):
        self._over.set()
        self.join()


_watch = _Watch()


def stood_still():
    """Whether the machine did while the test ran that has just failed."""
    return _watch.longest_s() >= _STANDSTILL_S


def evenly_s():
    """A clock that stands still with the machine: for what may take only so long because nobody may wait."""
    return time.monotonic() - _watch.leapt_s()


def pytest_sessionstart():
    _watch.start()


def pytest_sessionfinish():
    _watch.end()


def pytest_itemcollected(item):
    item.add_marker(pytest.mark.flaky(reruns=_AGAIN, condition=stood_still))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup():
    if _watch.left_something:
        _watch.left_something = False
        _clear_away()
    _watch.begin()


def _clear_away():
    """What a test left open that was given up in the middle is no warning for the next one."""
    for name in ("last_type", "last_value", "last_traceback", "last_exc"):
        if hasattr(sys, name):
            delattr(sys, name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gc.collect()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    report = yield
    if report.failed and stood_still():
        _watch.left_something = True
        seconds = round(_watch.longest_s(), 1)
        report.user_properties.append((_PROPERTY, seconds))
        report.sections.append(("the machine", f"stood still for {seconds} s while this ran"))
    return report


def pytest_terminal_summary(terminalreporter):
    again = terminalreporter.stats.get("rerun", ())
    if not again:
        return
    terminalreporter.section("run again, because the machine stood still")
    for report in again:
        terminalreporter.write_line(f"{report.nodeid} ({report.when}): {dict(report.user_properties)[_PROPERTY]} s")
