"""The pictures that README and docs/performance.md show."""

from pathlib import Path
from typing import Any

from bench import svg
from bench.works.fanout import IN_FLIGHT

PICTURES = Path(__file__).resolve().parent.parent / "docs" / "pictures"


def draw(name: str, result: dict[str, Any]) -> Path | None:
    """Write the work's chart; None for a work without one."""
    drawn = {"fanout": _fanout, "growth": _growth, "idle": _idle}.get(name)
    if drawn is None:
        return None
    path = PICTURES / f"bench-{name}.svg"
    path.write_text(drawn(result), encoding="utf-8")
    return path


def _fanout(result: dict[str, Any]) -> str:
    series: dict[str, list[float | None]] = {}
    for line in result["summary"]:
        series.setdefault(line["server"], [None] * len(IN_FLIGHT))
        series[line["server"]][IN_FLIGHT.index(line["in_flight"])] = line["deliveries_per_s"]
    return svg.bars(
        "Deliveries a second to the receivers of one channel",
        f"{result['receivers']:,} receivers, one core a server, medians of {_rounds(result)} rounds",
        groups=[f"{count} in flight" for count in IN_FLIGHT],
        series=series,
    )


def _idle(result: dict[str, Any]) -> str:
    return svg.bars(
        "Resident memory of an idle connection, KiB",
        f"{result['connections']:,} connections, each in a channel of its own and a shared one",
        groups=["KiB a connection"],
        series={line["server"]: [line["kib_per_connection"]] for line in result["summary"]},
    )


def _growth(result: dict[str, Any]) -> str:
    series: dict[str, list[tuple[float, float]]] = {}
    for line in result["summary"]:
        if line["size"]:
            series.setdefault(line["of"], []).append((line["size"], line["per_message_us"]))
    return svg.lines(
        "Processor time of one message, microseconds",
        "of the server; receivers of its channel, others connected, channels in use",
        series=series,
        across="how many",
    )


def _rounds(result: dict[str, Any]) -> int:
    return max(one["round"] for one in result["rounds"])
