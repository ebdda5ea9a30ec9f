"""What is served was built from the sources that are here."""
import json
import shutil
from pathlib import Path

import pytest

from server.building import apps, output_hash, source_hash, stamp, target

WEB = Path(__file__).resolve().parents[2] / "web"
HINT = "the pages are not those of the sources: python3 run.py web build (docs: web/mobile/README.md)"


def test_built_pages_are_those_of_their_sources_and_nobody_edited_them():
    written = json.loads((WEB / "dist" / "BUILD.json").read_text(encoding="utf-8"))
    assert {app.name for app in apps(WEB)} >= {"mobile"}
    assert written == stamp(WEB), HINT


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the sources and of what was built, to be spoiled."""
    shutil.copytree(WEB, tmp_path / "web", ignore=shutil.ignore_patterns("node_modules"))
    return tmp_path / "web" / "mobile"


def test_a_changed_a_new_and_a_renamed_source_are_found(copy: Path):
    seen = {source_hash(copy)}
    page = copy / "src" / "pages" / "me" / "index.vue"
    page.write_text(page.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    seen.add(source_hash(copy))
    page.rename(page.with_name("other.vue"))
    seen.add(source_hash(copy))
    (copy / "src" / "new.ts").write_text("", encoding="utf-8")
    seen.add(source_hash(copy))
    lock = copy / "package-lock.json"
    lock.write_bytes(lock.read_bytes() + b" ")
    seen.add(source_hash(copy))
    assert len(seen) == 5


def test_what_a_build_does_not_read_does_not_matter(copy: Path):
    before = source_hash(copy)
    (copy / "README.md").write_text("other words", encoding="utf-8")
    (copy / "tests" / "more.test.ts").write_text("", encoding="utf-8")
    (copy / "node_modules").mkdir()
    (copy / "node_modules" / "x.js").write_text("", encoding="utf-8")
    assert source_hash(copy) == before


def test_an_edited_build_is_found(copy: Path):
    before = output_hash(copy)
    page = target(copy) / "index.html"
    page.write_bytes(page.read_bytes() + b"\n")
    assert output_hash(copy) != before


def test_built_pages_ask_no_other_host():
    """In fonts, pictures, scripts and style sheets; links that a person follows are words."""
    for path in (WEB / "dist").rglob("*"):
        if path.suffix in (".css", ".html"):
            text = path.read_text(encoding="utf-8")
            assert "//" not in text.replace("http://www.w3.org/", ""), path
        elif path.suffix == ".js":
            text = path.read_text(encoding="utf-8")
            for host in ("dcloud.net.cn", "alicdn.com", "unpkg.com", "jsdelivr", "googleapis"):
                assert host not in text, (path, host)
