"""`run.py bench`: what is measured, what is kept of it.

Every work returns {"rounds": [...], "summary": [...]} and its sizes. It is kept as JSON under
`bench/results/`; `--quick` is for seeing that everything works and keeps nothing.
"""

import gc
import os
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from bench import charts, machine, pages, report
from bench.load.dialects import Rejected
from bench.ours.api import Refusal
from bench.process import DidNotStart
from bench.run import Run
from bench.works import cluster, durable, fanout, growth, herd, idle, latency, world

WORKS: dict[str, Callable[[Run, Path], dict[str, Any]]] = {
    "fanout": fanout.measure,
    "durable": durable.measure,
    "latency": latency.measure,
    "herd": herd.measure,
    "idle": idle.measure,
    "growth": growth.measure,
    "cluster": cluster.measure,
    "world": world.measure,
}
_OPEN_FILES = 12_000  # 10,000 connections and what a process needs besides
_ROOT = Path(__file__).resolve().parent.parent


class CannotMeasure(Exception):
    """Why there is no result, in one sentence."""


def run(work: str, *, rounds: int, quick: bool, console: Console) -> bool:
    """Measure one work or "all"; whether everything that is asked for was reached. Raises CannotMeasure."""
    if work != "all" and work not in WORKS:
        raise CannotMeasure(f"there is no work {work!r}: choose one of {', '.join(WORKS)}, or all")
    try:
        server_core, own_core = machine.cores()
        machine.allow_open_files(_OPEN_FILES)
    except machine.TooSmall as problem:
        raise CannotMeasure(str(problem)) from None
    os.sched_setaffinity(0, {own_core})
    gc.disable()  # a pause of the load generator would be counted against the server
    busy = machine.busy_share()
    if not machine.is_quiet(busy):
        console.print(f"others use {busy:.0%} of this machine: take the figures as provisional", style="yellow")
    reached = True
    for name in WORKS if work == "all" else (work,):
        result = _measure(name, rounds=rounds, quick=quick, server_core=server_core, console=console)
        result["machine"] = machine.described() | {"used_by_others": busy}
        report.show(name, result, console=console)
        reached = reached and all(line.get("reached", True) for line in result["summary"])
        if not quick:
            report.keep(name, result)
            charts.draw(name, result)
            pages.write(name)
        gc.collect()
    return reached


def _measure(name: str, *, rounds: int, quick: bool, server_core: int, console: Console) -> dict[str, Any]:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress, tempfile.TemporaryDirectory() as scratch:
        task = progress.add_task(name)
        described = Run(
            rounds=rounds, quick=quick, server_core=server_core,
            say=lambda text: progress.update(task, description=f"{name}: {text}"),
        )  # fmt: skip
        try:
            result = WORKS[name](described, Path(scratch))
        except (Rejected, Refusal, DidNotStart) as problem:
            raise CannotMeasure(f"{name}: {problem}") from None
    command = f"python3 run.py bench {name} --rounds {rounds}" + (" --quick" if quick else "")
    measured_at = datetime.now(UTC).isoformat(timespec="seconds")
    return {"work": name, "command": command, "measured_at": measured_at, **described.facts, **result}
