"""The machine under the numbers: what it is, whose core.

Servers run on one core and the load generator on another, so that neither takes the other's time.
"""

import os
import platform
import resource
import time
from pathlib import Path
from typing import Any

_BUSY_SHARE = 0.10  # of both cores before anything of ours runs; more than this moves the figures
_LOOK_S = 1.0


class TooSmall(Exception):
    """Why nothing can be measured here, in one sentence."""


def cores() -> tuple[int, int]:
    """The server's core and the load generator's. Raises TooSmall."""
    free = sorted(os.sched_getaffinity(0))
    if len(free) < 2:
        raise TooSmall("the bench needs two cores: one for the server, one for the load generator")
    return free[0], free[1]


def allow_open_files(count: int) -> None:
    """Raise the soft limit; child processes inherit it. Raises TooSmall."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        raise TooSmall(f"{count} open files are needed and {hard} are allowed: ulimit -Hn {count}")
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))


def described() -> dict[str, Any]:
    """What a reader must know to compare: processor, cores, memory, kernel, Python."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def busy_share() -> float:
    """How much of all cores others use at this moment, 0 to 1."""
    busy_before, all_before = _jiffies()
    time.sleep(_LOOK_S)
    busy_after, all_after = _jiffies()
    return round((busy_after - busy_before) / max(1, all_after - all_before), 2)


def is_quiet(share: float) -> bool:
    return share < _BUSY_SHARE


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _jiffies() -> tuple[int, int]:
    fields = [int(number) for number in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return sum(fields) - fields[3] - fields[4], sum(fields)  # idle and waiting for the disk are no work
