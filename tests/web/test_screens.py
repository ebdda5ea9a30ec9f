"""docs/screens shows every page, and nothing that is gone."""
import json
import re
from pathlib import Path

from tests.screens.desks import places

ROOT = Path(__file__).resolve().parents[2]
SCREENS = ROOT / "docs" / "screens"
LARGEST_BYTES = 3_500_000


def test_every_page_of_the_app_is_photographed():
    told = json.loads((ROOT / "web/mobile/src/pages.json").read_text(encoding="utf-8"))
    pages = {page["path"] for page in told["pages"]}
    pages |= {f"{package['root']}/{page['path']}" for package in told["subPackages"] for page in package["pages"]}
    taken = re.findall(r'at\("([\w/-]+)"', (ROOT / "tests/screens/phones.py").read_text(encoding="utf-8"))
    assert pages == {f"{path}/index" for path in taken}


def test_every_place_of_the_console_has_its_picture():
    assert places()
    for path, title in places():
        assert (SCREENS / f"console-{path.strip('/') or 'workbench'}.png").is_file(), f"{title}: python3 run.py web screens"


def test_the_index_shows_what_is_there_and_it_is_small():
    shown = set(re.findall(r'[("]([\w-]+\.png)[)"]', (SCREENS / "README.md").read_text(encoding="utf-8")))
    assert shown == {path.name for path in SCREENS.glob("*.png")}
    assert sum(path.stat().st_size for path in SCREENS.iterdir()) < LARGEST_BYTES
