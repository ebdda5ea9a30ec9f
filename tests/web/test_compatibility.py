"""The builds are set to what docs/compatibility.md promises."""
import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MOBILE = ROOT / "web" / "mobile"
PROMISE = (ROOT / "docs" / "compatibility.md").read_text(encoding="utf-8")


def row(of: str) -> str:
    """The line of a table that begins so."""
    (line,) = (line for line in PROMISE.splitlines() if line.startswith(f"| {of} |"))
    return line


def test_scripts_and_styles_of_h5_are_written_for_the_oldest_browsers():
    config = (MOBILE / "vite.config.ts").read_text(encoding="utf-8")
    (language,) = re.findall(r'LANGUAGE = "(\w+)"', config)
    (listed,) = re.findall(r"OLDEST_BROWSERS = (\[.*?\]);", config)
    oldest = dict(re.fullmatch(r"([a-z]+)([\d.]+)", name).groups() for name in json.loads(listed))
    assert f"written down to {language} " in row("`web/mobile/vite.config.ts`, `LANGUAGE`")
    assert row("Browsers for H5 on a desk").startswith(
        f"| Browsers for H5 on a desk | Chrome and Edge {oldest['chrome']}, Safari {oldest['safari']}, "
    )
    assert f"Chromium {oldest['chrome']} " in row("Android") and f"Safari {oldest['safari']})" in row("iOS")


def test_the_developer_tools_run_the_base_library_that_is_promised():
    manifest = json.loads((MOBILE / "src" / "manifest.json").read_text(encoding="utf-8"))
    least = manifest["mp-weixin"]["libVersion"]
    assert row("WeChat's base library (基础库)").startswith(f"| WeChat's base library (基础库) | {least} |")
    assert f"| 设置, 基础库最低可用版本 | {least} " in (ROOT / "docs" / "wechat-release.md").read_text(encoding="utf-8")
