"""Who fails while the machine stands still gets another try, and nobody else does."""

import pytest

from tests.services.test_shared import pytest_runs

_PREPARED = """
import os
import signal
import subprocess
import sys
import time

_TRIES = []


def machine_stands_still(seconds=2.5):
    waker = f"import os, signal, time; time.sleep({seconds}); os.kill({os.getpid()}, signal.SIGCONT)"
    with subprocess.Popen([sys.executable, "-c", waker]):
        os.kill(os.getpid(), signal.SIGSTOP)
        time.sleep(0.2)


def tries():
    _TRIES.append(None)
    return len(_TRIES)
"""
_ONCE = """
def test_it():
    if tries() == 1:
        machine_stands_still()
        assert False, "a deadline passed"
"""
_BEFORE = """
import pytest

@pytest.fixture(scope="module")
def thing():
    if tries() == 1:
        machine_stands_still()
        raise TimeoutError("it did not start in time")
    return tries

def test_it(thing):
    assert thing
"""
_AFTER = """
import pytest

@pytest.fixture
def thing():
    yield
    if tries() == 1:
        machine_stands_still()
        raise TimeoutError("it did not end in time")

def test_it(thing):
    pass
"""
_UNTIDY = """
import socket

class Untidy:
    def __init__(self):
        self.itself, self.socket = self, socket.socket()

def test_it():
    untidy = Untidy()
    if tries() == 1:
        machine_stands_still()
        assert False, "before it could close"
    untidy.socket.close()

def test_after():
    import gc
    gc.collect()
"""
_MEASURED = """
from tests.standstill import evenly_s

def test_it():
    began_s, slept_s = evenly_s(), evenly_s()
    time.sleep(0.5)
    assert 0.3 < evenly_s() - slept_s < 1.5
    machine_stands_still()
    assert evenly_s() - began_s < 2.0
"""
_ALWAYS = """
def test_it():
    machine_stands_still()
    assert False, "wrong however the machine runs"
"""
_EVENLY = """
def test_it():
    assert tries() > 1, "wrong the first time"
"""
_EARLIER = """
def test_before():
    machine_stands_still()

def test_it():
    assert tries() > 1, "wrong the first time"
"""
_BUSY = """
def test_it():
    until_s = time.monotonic() + 2.0
    while time.monotonic() < until_s:
        sum(range(1_000))
    assert tries() > 1, "slow by itself"
"""
_HOLDING = """
from tests.standstill import evenly_s, stood_still

def test_it():
    began_s, began_evenly_s, began_computed_s = time.monotonic(), evenly_s(), time.process_time()
    while (computed_s := time.process_time() - began_computed_s) < 2.5:
        sum(range(100_000_000))  # in C, and nobody else may run
    waited_s = time.monotonic() - began_s - computed_s  # for a processor: on a busy machine it gets half of one
    assert evenly_s() - began_evenly_s > 0.9 * computed_s
    assert waited_s > 1.0 or not stood_still()
"""


@pytest.mark.parametrize("workers", [[], ["-n", "1"]], ids=["alone", "worker"])
@pytest.mark.parametrize("content", [_ONCE, _BEFORE, _AFTER], ids=["the test", "what it needs", "its end"])
def test_who_failed_in_a_standstill_is_run_again_and_that_is_told(tmp_path, content, workers):
    code, said = _runs(tmp_path, content, workers)
    assert code == 0 and " passed, 1 rerun in" in said, said
    assert "run again, because the machine stood still" in said and "test_some.py::test_it" in said


def test_what_it_left_open_is_no_failure_of_the_next(tmp_path):
    code, said = _runs(tmp_path, _UNTIDY, ["-W", "error"])
    assert code == 0 and "2 passed, 1 rerun in" in said, said


def test_a_standstill_does_not_count_in_what_may_take_only_so_long(tmp_path):
    code, said = _runs(tmp_path, _MEASURED)
    assert code == 0 and "1 passed in" in said, said


def test_who_fails_whenever_the_machine_stands_still_has_failed(tmp_path):
    code, said = _runs(tmp_path, _ALWAYS)
    assert code == 1 and "1 failed, 2 rerun" in said and "stood still for" in said, said


def test_what_somebody_computes_is_no_standstill_though_every_thread_waits(tmp_path):
    code, said = _runs(tmp_path, _HOLDING)
    assert code == 0 and "1 passed in" in said, said


@pytest.mark.parametrize("content", [_EVENLY, _EARLIER, _BUSY], ids=["evenly", "earlier", "busy"])
def test_who_fails_on_a_machine_that_runs_has_failed(tmp_path, content):
    code, said = _runs(tmp_path, content)
    assert code == 1 and "1 failed" in said and "stood still" not in said, said


def _runs(tmp_path, content, workers=()):
    return pytest_runs(tmp_path, {"test_some.py": _PREPARED + content}, plugins=["tests.standstill"], options=workers)
