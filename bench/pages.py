"""Puts the kept results into the pages that show them.

A table stands between `<!-- bench:NAME -->` and `<!-- end -->`; it is written from `bench/results/` only, so
that page and JSON never drift apart.
"""

import re
from pathlib import Path
from typing import Any

from bench import report

_DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE = _DOCS / "performance.md"
OPERATIONS = _DOCS / "operations.md"
_SECTION = re.compile(r"(<!-- bench:([a-z]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def fill(text: str, results: dict[str, dict[str, Any]]) -> str:
    """The page with the tables of these results; others stay as they are."""

    def section(found: re.Match[str]) -> str:
        result = results.get(found.group(2))
        return found.group(0) if result is None else f"{found.group(1)}{table(result)}{found.group(3)}"

    return _SECTION.sub(section, text)


def write(name: str) -> None:
    """Bring the section of one work up to date."""
    result = report.kept(name)
    if result is not None:
        page = OPERATIONS if name == "world" else PAGE
        page.write_text(fill(page.read_text(encoding="utf-8"), {name: result}), encoding="utf-8")


def table(result: dict[str, Any]) -> str:
    """The summary as Markdown, with the command, the machine and who was absent below."""
    lines = result["summary"]
    columns = list(dict.fromkeys(key for line in lines for key in line if key != "reached"))
    rows = [[_cell(line, column) for column in columns] for line in lines]
    head = [report.heading(column) for column in columns]
    marks = ["---" if column in ("server", "of") else "--:" for column in columns]
    text = "\n".join(f"| {' | '.join(row)} |" for row in (head, marks, *rows))
    absent = "".join(f" Absent: {peer} ({why})." for peer, why in result.get("absent", {}).items())
    day, busy = result["measured_at"][:10], result["machine"]["used_by_others"]
    noise = f" Others used {busy:.0%} of the machine meanwhile: provisional." if busy >= 0.1 else ""
    about = f"`{result['command']}`, {day}, {report.about(result)}.{absent}{noise}"
    return f"{text}\n\n{about}\n"


def _cell(line: dict[str, Any], column: str) -> str:
    shown = report.cell(line.get(column))
    missed = column.startswith("wanted") and line.get(column) is not None and not line.get("reached", True)
    return f"{shown} (missed)" if missed else shown
