"""The folder of pictures and its index page."""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

_ACROSS = {"phone": 4, "tablet": 2, "desktop": 1, "console": 2}
_HEAD = """# Every page, as people see it

Made by `python3 run.py web screens`: a server of its own, one day lived in the demo world, Debian's Chromium. Phones are 390 px wide, tablets
768, desktops 1366; a page longer than the screen is shown down to 1,900 px. Whoever changes a page makes its picture anew and looks at it.

![A visit that runs: the family's phone and the caregiver's](pair.png)
"""


@dataclass(frozen=True)
class Taken:
    """One picture of the folder; `name` without its suffix."""

    name: str
    caption: str
    size_bytes: int


class Album:
    """What was taken, by title, in the order of taking."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._taken: dict[str, list[Taken]] = defaultdict(list)
        self.missed: list[str] = []

    def __len__(self) -> int:
        return sum(len(pictures) for pictures in self._taken.values())

    @property
    def size_bytes(self) -> int:
        return sum(one.size_bytes for pictures in self._taken.values() for one in pictures)

    def add(self, title: str, taken: Taken) -> None:
        self._taken[title].append(taken)

    def miss(self, name: str, why: str) -> None:
        """The others are taken all the same."""
        self.missed.append(f"{name}: {why}")

    def write_index(self) -> None:
        parts = [_HEAD]
        for title, pictures in self._taken.items():
            parts += [f"## {title}\n", *_tables(pictures)]
        (self._folder / "README.md").write_text("\n".join(parts), encoding="utf-8")


def empty(folder: Path) -> None:
    """A page that is gone leaves no picture behind."""
    for old in folder.glob("*.png"):
        old.unlink()


def _tables(pictures: list[Taken]) -> list[str]:
    """Rows of as many as fit beside each other."""
    across = _ACROSS[pictures[0].name.split("-")[0]]
    rows = [pictures[start:start + across] for start in range(0, len(pictures), across)]
    width = 100 // across
    lines = ["<table>"]
    for row in rows:
        lines.append('<tr valign="top">')
        lines += [f'<td width="{width}%"><img src="{one.name}.png" alt="{one.caption}"><br>{one.caption}</td>' for one in row]
        lines.append("</tr>")
    return [*lines, "</table>\n"]
