"""Work that awaits nothing ends when somebody has had enough, also where Python cannot raise."""

import signal
import subprocess
import sys

import pytest

from tests.e2e.server import ROOT

_WORK = """
import os, sys, time, weakref
from server.core.interrupts import ended_by_signals

NUMBER, WHERE = int(sys.argv[1]), sys.argv[2]


class Thing:
    def __del__(self):
        if WHERE == "finalizer":
            be_told()


def be_told(*_):
    os.kill(os.getpid(), NUMBER)
    for _ in range(1_000):
        pass


def work():
    thing = Thing()
    watched = weakref.ref(thing, be_told if WHERE == "callback" else None)
    if WHERE == "plain":
        be_told()
    if WHERE == "library":
        try:
            be_told()
        finally:
            raise ValueError("it cannot clear away")
    del thing
    until_s = time.monotonic() + 5.0
    while time.monotonic() < until_s:
        pass
    print("went on to the end")


try:
    with ended_by_signals():
        work()
except KeyboardInterrupt:
    print("had enough")
"""


@pytest.mark.parametrize("where", ["plain", "finalizer", "callback", "library"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_work_ends_wherever_in_it_the_signal_comes(number, where):
    words = [sys.executable, "-c", _WORK, str(int(number)), where]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "had enough\n", "")


_OVER = """
import os, time
from server.core.interrupts import ended_by_signals


class Last:
    def __del__(self):
        os.kill(os.getpid(), 15)
        for _ in range(1_000):
            pass


with ended_by_signals():
    Last()
time.sleep(0.1)
print("over before")
"""


def test_what_was_over_is_not_interrupted_afterwards():
    done = subprocess.run([sys.executable, "-c", _OVER], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "over before\n", "")
