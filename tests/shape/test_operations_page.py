"""The operators' page lists every setting, and no other."""

from tests.shape.declared import settings
from tests.shape.papers import rows
from tests.shape.source import ROOT, Module

PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
SETTINGS = Module("config/settings.py", (ROOT / "config" / "settings.py").read_text(encoding="utf-8"))


def listed(page: str) -> list[str]:
    return [row.cells[0].strip("`") for row in rows(page, first_cell=r"`[a-z0-9_.]+`")]


def test_the_page_lists_exactly_the_settings_that_there_are() -> None:
    names = settings(SETTINGS)
    assert len(names) > 30, "the reader of settings has gone blind"
    assert sorted(names - set(listed(PAGE))) == []
    assert sorted(set(listed(PAGE)) - names) == []
    assert len(listed(PAGE)) == len(set(listed(PAGE)))


def test_the_environment_name_beside_a_setting_is_its_own() -> None:
    for row in rows(PAGE, first_cell=r"`[a-z0-9_.]+`"):
        name = row.cells[0].strip("`")
        assert row.cells[1] == f"`PEIHU_{name.upper().replace('.', '__')}`"


def test_a_setting_that_is_left_out_is_found() -> None:
    inner = "class Inner(Section):\n    size: int = 1\n"
    text = inner + "class Settings(Section):\n    port: int = 1\n    ws: Inner = Inner()\n"
    page = "| `port` | `PEIHU_PORT` | 1 |\n| `ws.gone` | `PEIHU_WS__GONE` | 1 |\n"
    names = settings(Module("a.py", text))
    assert names == {"port", "ws.size"}
    assert names - set(listed(page)) == {"ws.size"}
    assert set(listed(page)) - names == {"ws.gone"}
