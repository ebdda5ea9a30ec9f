"""Charts as SVG: grouped bars, lines on logarithmic axes."""

import math
from collections.abc import Mapping, Sequence
from html import escape

_COLOURS = ("#0f766e", "#64748b", "#b45309", "#7c3aed", "#be123c", "#0369a1")
_WIDTH, _LEFT, _RIGHT, _TOP, _PLOT, _BOTTOM = 960, 80, 24, 76, 300, 44
_HEIGHT = _TOP + _PLOT + _BOTTOM
_STYLE = (
    "<style>.small{font-size:12.5px;fill:#475569}.head{font-weight:600;font-size:17px}"
    ".grid{stroke:#e2e8f0}.axis{stroke:#94a3b8}.ours{font-weight:600;fill:#0f766e}</style>"
)


def bars(title: str, note: str, *, groups: Sequence[str], series: Mapping[str, Sequence[float | None]]) -> str:
    """Each series has one value a group; None: no bar. The first series is ours."""
    most = _round_up(max(value for values in series.values() for value in values if value is not None))
    parts = _legend(tuple(series))
    for step in range(5):
        value = most * step / 4
        parts += _line_across(_y(value / most), _short(value))
    plot = _WIDTH - _LEFT - _RIGHT
    slot = plot / len(groups)
    width = slot * 0.8 / len(series)
    for place, group in enumerate(groups):
        start = _LEFT + slot * place + slot * 0.1
        parts.append(_text(start + slot * 0.4, _TOP + _PLOT + 24, group, anchor="middle"))
        for number, values in enumerate(series.values()):
            value = values[place]
            if value is None:
                continue
            x, y = start + width * number, _y(value / most)
            parts.append(
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{width - 3:.1f}" height="{_TOP + _PLOT - y:.1f}" rx="2" '
                f'fill="{_COLOURS[number]}"/>'
            )
            kind = "small ours" if number == 0 else "small"
            parts.append(_text(x + width / 2 - 1.5, y - 5, _short(value), anchor="middle", kind=kind))
    return _picture(title, note, parts)


def lines(title: str, note: str, *, series: Mapping[str, Sequence[tuple[float, float]]], across: str) -> str:
    """Points (x, y), both above 0, on logarithmic axes."""
    points = [point for row in series.values() for point in row]
    x_from, x_to = _decades([x for x, _ in points])
    y_from, y_to = _decades([y for _, y in points])
    parts = _legend(tuple(series))
    for decade in range(y_from, y_to + 1):
        parts += _line_across(_y((decade - y_from) / (y_to - y_from)), _short(10.0**decade))
    plot = _WIDTH - _LEFT - _RIGHT
    for decade in range(x_from, x_to + 1):
        x = _LEFT + plot * (decade - x_from) / (x_to - x_from)
        parts.append(_text(x, _TOP + _PLOT + 20, _short(10.0**decade), anchor="middle"))
        parts.append(f'<line class="grid" x1="{x:.1f}" y1="{_TOP}" x2="{x:.1f}" y2="{_TOP + _PLOT}"/>')
    parts.append(_text(_LEFT + plot / 2, _TOP + _PLOT + 38, across, anchor="middle"))
    for number, row in enumerate(series.values()):
        places = [
            (
                _LEFT + plot * (math.log10(x) - x_from) / (x_to - x_from),
                _y((math.log10(y) - y_from) / (y_to - y_from)),
            )
            for x, y in sorted(row)
        ]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        colour = _COLOURS[number]
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in places]
    return _picture(title, note, parts)


def _picture(title: str, note: str, parts: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-size="14" '
        "font-family=\"system-ui, 'Noto Sans CJK SC', sans-serif\">"
    )
    words = [_text(_LEFT, 26, title, kind="head"), _text(_LEFT, 46, note)]
    ground = f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>'
    described = f"<title>{escape(title)}</title><desc>{escape(note)}</desc>"
    return "\n".join([head, described, _STYLE, ground, *words, *parts, "</svg>"]) + "\n"


def _legend(names: Sequence[str]) -> list[str]:
    parts, x = [], float(_LEFT)
    for number, name in enumerate(names):
        parts.append(f'<rect x="{x:.0f}" y="56" width="11" height="11" rx="2" fill="{_COLOURS[number]}"/>')
        parts.append(_text(x + 16, 66, name))
        x += 34 + 7.2 * len(name)
    return parts


def _line_across(y: float, label: str) -> list[str]:
    line = f'<line class="grid" x1="{_LEFT}" y1="{y:.1f}" x2="{_WIDTH - _RIGHT}" y2="{y:.1f}"/>'
    return [line, _text(_LEFT - 8, y + 4, label, anchor="end")]


def _text(x: float, y: float, words: str, *, anchor: str = "start", kind: str = "small") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _y(share: float) -> float:
    return _TOP + _PLOT * (1 - share)


def _round_up(value: float) -> float:
    """To 1, 2, 4 or 8 times a power of ten, so that quarters are round."""
    power = 10 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 4, 8, 10) if step * power >= value)


def _decades(values: Sequence[float]) -> tuple[int, int]:
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return low, max(high, low + 1)


def _short(value: float) -> str:
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:.3g}"
