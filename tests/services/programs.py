"""Programs that tests need, from Debian's packages."""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_DPKG_TURN_S = 300  # whoever else installs something is waited for
_APT = Path("/var/lib/apt")


class Missing(Exception):
    """A program that is not installed, and how it would be."""


def program(name: str, package: str) -> str:
    """Where a program is; installs Debian's package when it is missing and we are root. Raises Missing."""
    return _found(name, package, find_program)


def library(name: str, package: str) -> str:
    """Where a shared library is, as `program`. Raises Missing."""
    return _found(name, package, find_library)


def find_program(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path="/usr/local/sbin:/usr/sbin:/sbin:/usr/bin")


def find_library(name: str) -> str | None:
    found = next(Path("/usr/lib").glob(f"*/{name}"), None)
    return str(found) if found else None


def _found(name: str, package: str, find: Callable[[str], str | None]) -> str:
    found = find(name)
    if found is None and can_install():
        install(package)
        found = find(name)
    if found is None:
        raise Missing(f"{name} is not installed: apt-get install {package}")
    return found


def can_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(*packages: str) -> None:
    """Without starting anything. Raises Missing."""
    with _turn(), _services_left_alone():
        _apt("update", "-qq", wanted=packages)
        _apt("install", "-y", "-qq", "--no-install-recommends", *packages, wanted=packages)


@contextmanager
def _turn() -> Iterator[None]:
    """Tests side by side may lack the same thing at once."""
    directory = os.open(_APT, os.O_RDONLY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        yield
    finally:
        os.close(directory)


@contextmanager
def _services_left_alone() -> Iterator[None]:
    """The policy file tells Debian's scripts to start nothing."""
    policy = Path("/usr/sbin/policy-rc.d")
    ours = not policy.exists()
    if ours:
        policy.write_text("#!/bin/sh\nexit 101\n", encoding="ascii")
        policy.chmod(0o755)
    try:
        yield
    finally:
        if ours:
            policy.unlink()


def _apt(*words: str, wanted: tuple[str, ...]) -> None:
    command = ["apt-get", "-o", f"DPkg::Lock::Timeout={_DPKG_TURN_S}", *words]
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, env=quiet, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        told = [line for line in done.stderr.splitlines() if line.strip()] or ["it said nothing"]
        raise Missing(f"{', '.join(wanted)} could not be installed: apt-get {words[0]}: {told[-1].strip()}")
