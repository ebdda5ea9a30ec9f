"""How much the first load may weigh: a page that grows is noticed here, not by whoever waits in a hospital's lift."""
from pathlib import Path

from tests.web.weight import BUILT, first_load, packages, weigh

KIB = 1024
BOUNDS_KIB = {"H5, first load": 180, "H5, everything": 320, "console, first load": 400}  # as gzip sends them
FIRST_FILES = 10


def test_the_built_pages_weigh_no_more_than_their_bounds():
    found = packages()
    assert {name: found[name].packed for name, most in BOUNDS_KIB.items() if not 0 < found[name].packed < most * KIB} == {}


def test_the_first_load_of_h5_is_few_files_and_all_of_them_are_there():
    paths = first_load(BUILT / "m")
    assert [path.name for path in paths if not path.is_file()] == []
    assert {path.suffix for path in paths} == {".html", ".css", ".js"} and len(paths) <= FIRST_FILES


def test_a_first_load_is_what_the_page_names(tmp_path: Path):
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "a.js").write_text("x" * 1_000)
    (tmp_path / "assets" / "later.js").write_text("y" * 1_000)
    (tmp_path / "index.html").write_text('<script type="module" src="./assets/a.js"></script>')
    weight = weigh(first_load(tmp_path))
    assert (weight.files, weight.bytes_) == (2, 1_000 + (tmp_path / "index.html").stat().st_size)
    assert weight.packed < weight.bytes_
