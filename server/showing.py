"""How upkeep is shown in a terminal."""

from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.table import Table


class ShownProgress:
    """A bar for each stretch of work; `with`."""

    def __init__(self, console: Console) -> None:
        self._bars = Bars(
            TextColumn("{task.description:<12}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
            TimeRemainingColumn(), console=console,
        )  # fmt: skip
        self._tasks: dict[str, TaskID] = {}
        self._current: TaskID | None = None

    def __enter__(self) -> "ShownProgress":
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def begin(self, what: str, total: int) -> None:
        self._current = self._bars.add_task(what, total=total or None)

    def advance(self, units: int) -> None:
        assert self._current is not None
        self._bars.advance(self._current, units)


def maintenance_tables(report: dict[str, Any]) -> list[Table]:
    """What was done, and how much there is."""
    done = Table(title=f"{report['store']}, schema {report['schema']}", title_justify="left")
    done.add_column("step")
    done.add_column("seconds", justify="right")
    done.add_column("what came out")
    for name, seconds in report["took_s"].items():
        done.add_row(name, f"{seconds:.1f}", _outcome(name, report[name]))
    there = Table(title=f"{report['size']['bytes']:,} bytes", title_justify="left")
    there.add_column("table")
    there.add_column("rows", justify="right")
    there.add_column("bytes", justify="right")
    for one in report["tables"]:
        if one["rows"]:
            there.add_row(one["name"], f"{one['rows']:,}", "" if one["bytes"] is None else f"{one['bytes']:,}")
    return [done, there]


def _outcome(name: str, found: Any) -> str:
    if name == "retention":
        gone = ", ".join(f"{count:,} by {job}" for job, count in found["gone"].items() if count) or "nothing had to go"
        return f"{gone}; there is more" if found["more"] else gone
    if name == "invariants":
        return f"{len(found)} asked, {sum(one['count'] > 0 for one in found)} do not hold"
    if name == "tables":
        return f"{sum(one['rows'] for one in found):,} rows"
    if isinstance(found, list):
        return "; ".join(found) or "well"
    if isinstance(found, dict):
        return ", ".join(f"{key} {value}" for key, value in found.items() if value not in (None, [], ""))
    return "yes" if found else "no"


def report_table(report: dict[str, Any]) -> Table:
    """What a backup holds, a line a table that is not empty."""
    shown = Table(title=f"{report['archive']}: {report['what']}", title_justify="left")
    shown.add_column("table")
    shown.add_column("rows", justify="right")
    shown.add_column("digest")
    for name, count in report["tables"].items():
        if count:
            shown.add_row(name, f"{count:,}", report["digests"][name][:16])
    files = report["files"]
    shown.add_row("files", f"{files['count']:,}", f"{files['size_bytes']:,} bytes")
    return shown
