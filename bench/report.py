"""What a run leaves behind: a table on the terminal and JSON."""

import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).resolve().parent / "results"
_HIDDEN = ("reached",)


def keep(name: str, result: dict[str, Any]) -> Path:
    """Write `bench/results/<name>.json`: machine, versions, command, settings and every round."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return path


def kept(name: str) -> dict[str, Any] | None:
    """The result kept last, or None."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def show(name: str, result: dict[str, Any], *, console: Console) -> None:
    """The summary as a table; what was asked for and not reached is red."""
    lines = result["summary"]
    columns = list(dict.fromkeys(key for line in lines for key in line if key not in _HIDDEN))
    table = Table(title=f"{name}   ({result['command']})", title_justify="left")
    if len(lines) < len(columns) and _width(lines, columns) > console.width:
        _fill_by_figure(table, lines, columns)
    else:
        _fill_by_line(table, lines, columns)
    console.print(table)
    for peer, why in result.get("absent", {}).items():
        console.print(f"absent: {peer} ({why})", style="yellow", highlight=False)
    console.print(about(result), highlight=False)


def _width(lines: list[dict[str, Any]], columns: list[str]) -> int:
    return sum(3 + max(len(heading(one)), *(len(cell(line.get(one))) for line in lines)) for one in columns)


def _fill_by_line(table: Table, lines: list[dict[str, Any]], columns: list[str]) -> None:
    for column in columns:
        table.add_column(
            heading(column), justify="left" if column == "server" else "right", no_wrap=column == "server"
        )
    for line in lines:
        table.add_row(*(cell(line.get(column)) for column in columns), style=_style(line))


def _fill_by_figure(table: Table, lines: list[dict[str, Any]], columns: list[str]) -> None:
    """A row a figure: for few lines of many figures."""
    table.add_column("server", no_wrap=True)
    for line in lines:
        table.add_column(cell(line.get("server")), justify="right", style=_style(line))
    for column in columns:
        if column != "server":
            table.add_row(heading(column), *(cell(line.get(column)) for line in lines))


def _style(line: dict[str, Any]) -> str:
    return "red" if not line.get("reached", True) else "green" if _is_wanted(line) else ""


def _is_wanted(line: dict[str, Any]) -> bool:
    return any(key.startswith("wanted") and value is not None for key, value in line.items())


def heading(column: str) -> str:
    return column.replace("_per_", "/").replace("_", " ")


def cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def about(result: dict[str, Any]) -> str:
    """The machine and the peers' versions."""
    machine = result["machine"]
    peers = ", ".join(f"{name} {version}" for name, version in result.get("peers", {}).items())
    text = f"{machine['processor']}, {machine['cores']} cores, {machine['system']}, Python {machine['python']}"
    return f"{text}; {peers}" if peers else text
