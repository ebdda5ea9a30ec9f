"""The mini program, compiled from these sources when it was not yet."""
import fcntl
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from server.building import source_hash
from tests.services.demand import leave_out

MOBILE = Path(__file__).resolve().parents[2] / "web" / "mobile"
DOMAIN = "peihu.example"  # WeChat takes https and wss only; a phone of these tests knows where it lies
TEMPLATES = ("tmplBooked", "tmplAccepted")
_OUTPUT = MOBILE / "dist" / "build" / "mini-of-tests"
_BUILDS_WITHIN_S = 280
_NAMES = {"VITE_PEIHU_SERVER": f"https://{DOMAIN}", "VITE_PEIHU_TEMPLATES": ",".join(TEMPLATES)}


def mini_program() -> tuple[str, Path]:
    """Node, and the folder that WeChat's developer tools would open."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        leave_out("Node is not installed: apt-get install nodejs npm")
    if sys.platform == "linux" and platform.machine() != "x86_64":
        leave_out("WeChat's own compiler of WXML, which miniprogram-simulate calls, is a program for x86-64")
    if not (MOBILE / "node_modules" / "miniprogram-simulate").is_dir():
        leave_out("the packages of web/mobile are not installed: npm ci")
    with (MOBILE / "package-lock.json").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # who tests beside us wants it too
        _build(npm, wanted=source_hash(MOBILE))
    return node, _OUTPUT


def _build(npm: str, *, wanted: str) -> None:
    mark = _OUTPUT.with_suffix(".sources")
    if mark.exists() and mark.read_text() == wanted:
        return
    shutil.rmtree(_OUTPUT, ignore_errors=True)
    done = subprocess.run(
        [npm, "run", "build:mp-weixin", "--", "--outDir", str(_OUTPUT)], cwd=MOBILE, env=os.environ | _NAMES,
        capture_output=True, text=True, timeout=_BUILDS_WITHIN_S, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout[-2_000:]}\n{done.stderr[-2_000:]}"
    mark.write_text(wanted)
