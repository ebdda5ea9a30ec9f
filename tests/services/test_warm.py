"""A warm start is a start: what was asked runs, with its own environment, files and end."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.services.warm import ROOT, WarmProgram, finish, launch

_WITHIN_S = 60.0
_PLAIN = {name: text for name, text in os.environ.items() if not name.startswith("PEIHU_")}
_WORKER = """
import os, sys, time
from tests.services.warm import launch
with open(sys.argv[1], "wb") as output:
    print(launch(("-m", "http.server", "0", "--bind", "127.0.0.1"), environment=dict(os.environ), output=output).pid, flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def short_form(monkeypatch):
    monkeypatch.setenv("PEIHU_TEST_FAULTS", "short")


@pytest.fixture
def script(tmp_path):
    """`script(text)`: the arguments that run it."""

    def write(text):
        path = tmp_path / "script.py"
        path.write_text(text, encoding="utf-8")
        return (str(path), "one", "two")

    return write


def test_a_script_runs_as_main_with_its_arguments_environment_and_folder(script):
    said = "import os, sys; print(__name__, sys.argv[1:], os.environ['PEIHU_X'], os.getcwd(), 'HOME' in os.environ)"
    done = finish(script(said), environment={"PEIHU_X": "here"} | _for_python(), timeout_s=_WITHIN_S)
    assert done.stdout.split("\n") == [f"__main__ ['one', 'two'] here {ROOT} False", ""]
    assert (done.returncode, done.stderr) == (0, "")


def _for_python():
    return {name: text for name, text in _PLAIN.items() if name.startswith(("PYTHON", "LD_"))}


def test_the_outputs_are_apart_or_together(script, tmp_path):
    told = script("import sys; print('out', flush=True); print('err', file=sys.stderr)")
    apart = finish(told, environment=_PLAIN, timeout_s=_WITHIN_S)
    with (tmp_path / "log").open("wb") as log:
        launch(told, environment=_PLAIN, output=log).wait(_WITHIN_S)
    assert (apart.stdout, apart.stderr) == ("out\n", "err\n")
    assert (tmp_path / "log").read_text(encoding="utf-8") == "out\nerr\n"


@pytest.mark.parametrize(
    ("ends", "code"),
    [("pass", 0), ("raise SystemExit(3)", 3), ("1 / 0", 1), ("import os; os.kill(os.getpid(), 9)", -signal.SIGKILL)],
)
def test_it_ends_as_a_process_ends(script, ends, code):
    done = finish(script(ends), environment=_PLAIN, timeout_s=_WITHIN_S)
    assert done.returncode == code
    assert ("ZeroDivisionError" in done.stderr) is (code == 1)


def test_what_ended_before_anybody_listened_has_a_pid_and_an_end(script, monkeypatch, tmp_path):
    finish(script("pass"), environment=_PLAIN, timeout_s=_WITHIN_S)  # now its parent is there
    monkeypatch.setattr("tests.services.warm.WarmProgram", lambda told: time.sleep(1.0) or WarmProgram(told))
    with (tmp_path / "log").open("wb") as log:
        program = launch(script("print(__import__('os').getpid())"), environment=_PLAIN, output=log)
        assert program.wait(_WITHIN_S) == 0
    assert program.pid == int((tmp_path / "log").read_text(encoding="ascii"))


def test_a_module_runs_as_main():
    done = finish(("-m", "json.tool", "--help"), environment=_PLAIN, timeout_s=_WITHIN_S)
    assert done.returncode == 0 and done.stdout.startswith("usage: ")


def test_no_two_of_them_have_the_same_chance(script):
    drawn = script("import random; print(random.random())")
    assert len({finish(drawn, environment=_PLAIN, timeout_s=_WITHIN_S).stdout for _ in range(3)}) == 3


def test_it_can_be_stopped_continued_and_killed(script):
    with open(os.devnull, "wb") as nowhere:
        program = launch(script("import time; time.sleep(60)"), environment=_PLAIN, output=nowhere)
        assert isinstance(program, WarmProgram) is (sys.platform == "linux")
        program.send_signal(signal.SIGSTOP)
        with pytest.raises(subprocess.TimeoutExpired):
            program.wait(0.05)
        program.send_signal(signal.SIGCONT)
        assert program.poll() is None
        program.kill()
        assert program.wait(_WITHIN_S) == program.returncode == -signal.SIGKILL
        program.kill()  # once more does nothing


def test_who_is_killed_takes_all_of_it_along(tmp_path):
    worker = subprocess.Popen(
        [sys.executable, "-c", _WORKER, str(tmp_path / "log")], cwd=ROOT, stdout=subprocess.PIPE, env=dict(os.environ)
    )
    assert worker.stdout is not None
    pid = int(worker.stdout.readline())
    assert Path(f"/proc/{pid}").exists()
    worker.kill()
    worker.communicate()
    give_up_at = time.monotonic() + _WITHIN_S
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < give_up_at, "it lives on"
        time.sleep(0.01)


@pytest.mark.parametrize("given", [{"PYTHONHASHSEED": "1"}, {"LD_PRELOAD": "/none.so"}])
def test_another_python_starts_cold(script, given):
    with open(os.devnull, "wb") as nowhere:
        program = launch(script("pass"), environment=_PLAIN | given, output=nowhere)
    assert isinstance(program, subprocess.Popen)
    assert program.wait(_WITHIN_S) == 0


def test_the_long_form_starts_cold(script, monkeypatch):
    monkeypatch.setenv("PEIHU_TEST_FAULTS", "long")
    with open(os.devnull, "wb") as nowhere:
        program = launch(script("pass"), environment=_PLAIN, output=nowhere)
    assert isinstance(program, subprocess.Popen)
    assert program.wait(_WITHIN_S) == 0
