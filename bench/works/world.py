"""A generated world: made, backed up, restored into both databases, looked after.

Each verb is a process of its own, as an operator starts it; its memory is the most that was resident at once.
"""

import os
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.ours.server import ROOT, RUN
from bench.process import DidNotStart
from bench.run import Run
from bench.works.stores import Stores

CAREGIVERS, ORDERS = 2_000, 100_000
_QUICK = (20, 200)
_KEY = "bench world, 32 bytes and some more"
_MIB = 1 << 20


def measure(run: Run, directory: Path) -> dict[str, Any]:
    """One round: what it costs is minutes, and what it counts hardly varies. Raises DidNotStart for a verb that fails."""
    caregivers, orders = _QUICK if run.quick else (CAREGIVERS, ORDERS)
    run.facts |= {"server": "python3 run.py", "database": "SQLite, MariaDB", "absent": {}, "peers": {}}
    archive, first, second = directory / "world.backup", directory / "first", directory / "second"
    rounds: list[dict[str, Any]] = []

    def verb(does: str, *words: str, data_dir: Path, database_url: str = "", writes: Path | None = None) -> None:
        run.say(does)
        settings = {"PEIHU_DATA_DIR": str(data_dir), "PEIHU_FIELD_KEY": _KEY}
        figures = timed(words, settings | _named(database_url))
        rounds.append({"does": does, **figures, "mib_written": None if writes is None else mib(writes)})

    size = ("--caregivers", str(caregivers), "--orders", str(orders))
    verb("demo, SQLite", "demo", *size, data_dir=first, writes=first)
    verb("maintain, SQLite", "maintain", data_dir=first)
    verb("backup, SQLite", "backup", str(archive), data_dir=first, writes=archive)
    verb("restore, SQLite", "restore", str(archive), data_dir=second, writes=second)
    with Stores(directory / "stores") as stores:
        url = stores.schema("world").render_as_string(hide_password=False)
        verb("restore, MariaDB", "restore", str(archive), data_dir=directory / "third", database_url=url)
        verb("maintain, MariaDB", "maintain", data_dir=directory / "third", database_url=url)
    return {"caregivers": caregivers, "orders": orders, "rounds": rounds, "summary": summarized(rounds)}


def _named(database_url: str) -> dict[str, str]:
    return {"PEIHU_DATABASE_URL": database_url} if database_url else {}


def timed(words: tuple[str, ...], settings: Mapping[str, str]) -> dict[str, Any]:
    """Run one verb to its end, on any core. Raises DidNotStart with its last words."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PEIHU_")}
    started = time.monotonic()
    process = subprocess.Popen(
        [*RUN, *words], cwd=ROOT, env=environment | dict(settings), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=lambda: os.sched_setaffinity(0, _all_cores()),
    )  # fmt: skip
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise DidNotStart(f"{words[0]}: {said.decode(errors='replace')[-2_000:]}")
    return {
        "seconds": round(time.monotonic() - started, 1),
        "cpu_s": round(used.ru_utime + used.ru_stime, 1),
        "most_mib": round(used.ru_maxrss * 1024 / _MIB),
    }


def _all_cores() -> range:
    return range(os.cpu_count() or 1)


def mib(path: Path) -> int:
    """Of a file, or of all files below a directory."""
    files = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
    return round(sum(one.stat().st_size for one in files) / _MIB)


def summarized(rounds: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A line a verb."""
    names = ("seconds", "cpu_s", "most_mib", "mib_written")
    return [{"of": one["does"]} | {name: one.get(name) for name in names} for one in rounds]
