"""What the built pages weigh: files, bytes, and bytes as a proxy with gzip sends them."""
import gzip
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

BUILT = Path(__file__).resolve().parents[2] / "web" / "dist"


@dataclass(frozen=True)
class Weight:
    files: int
    bytes_: int
    packed: int


def weigh(paths: Iterable[Path]) -> Weight:
    contents = [path.read_bytes() for path in paths]
    return Weight(len(contents), sum(map(len, contents)), sum(len(gzip.compress(one, 6)) for one in contents))


def first_load(app: Path) -> list[Path]:
    """The page itself, and the scripts and styles that it names: what must come before anything is seen."""
    index = app / "index.html"
    named = re.findall(r'(?:src|href)="\./(assets/[^"]+)"', index.read_text(encoding="utf-8"))
    return [index, *(app / name for name in named)]


def everything(app: Path) -> list[Path]:
    return [path for path in app.rglob("*") if path.is_file()]


def packages() -> dict[str, Weight]:
    """By what is fetched when; H5 has a chunk a page, fetched as it is opened or soon after the first."""
    mobile, console = BUILT / "m", BUILT / "admin"
    chunks = {
        f"H5, pages of {who}": [path for path in (mobile / "assets").iterdir() if path.name.startswith(prefix)]
        for who, prefix in (("both", "pages-"), ("families", "pages-family-"), ("caregivers", "pages-caregiver-"))
    }
    chunks["H5, pages of both"] = [
        path for path in chunks["H5, pages of both"] if not path.name.startswith(("pages-family-", "pages-caregiver-"))
    ]
    found = {"H5, first load": first_load(mobile), **chunks, "H5, everything": everything(mobile)}
    found |= {"console, first load": first_load(console), "console, everything": everything(console)}
    return {name: weigh(paths) for name, paths in found.items()}
