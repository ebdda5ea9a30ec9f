"""A phone with the mini program, as a process of Node's that is led by lines of JSON."""
import json
import subprocess
from pathlib import Path
from typing import Any

from tests.e2e.server import until
from tests.mini.built import DOMAIN, MOBILE
from tests.services.private import die_with_parent

_HAPPENS_WITHIN_S = 20.0


class Phone:
    """One person's; what the mini program does wrong (an error, another host) is told by `close`."""

    def __init__(self, node: str, root: Path, *, port: int, folder: Path) -> None:
        asked = {"root": str(root), "domain": DOMAIN, "server": f"127.0.0.1:{port}", "folder": str(folder)}
        self._process = subprocess.Popen(
            [node, "phone.mjs", json.dumps(asked)], cwd=MOBILE / "tests" / "mini", preexec_fn=die_with_parent,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8",
        )  # fmt: skip
        self._do("launch")

    def open(self, route: str, query: str = "") -> None:
        """As from a link, with nothing below it."""
        self._do("open", url=f"/{route}?{query}")

    def tap(self, name: str) -> None:
        """What has this text or label, as soon as it is there."""
        self._do_when_there("tap", name=name)

    def write(self, text: str, *, into: str) -> None:
        self._do_when_there("tell", name=into, kind="input", detail={"value": text})

    def agree(self, name: str, kind: str, **detail: str) -> None:
        """WeChat's own answer to a button, such as `getphonenumber`."""
        self._do_when_there("tell", name=name, kind=kind, detail=detail)

    def has(self, **person: str) -> None:
        """What this person gives when WeChat asks: `login`, a code; `picture`, a path."""
        self._do("person", **person)

    def screen(self) -> dict[str, Any]:
        return self._do("screen")

    def sees(self, words: str) -> None:
        """A piece of text that has these words."""
        until(lambda: any(words in line for line in self.screen()["text"]), within_s=_HAPPENS_WITHIN_S, what=f"“{words}”")

    def is_on(self, route: str) -> dict[str, str]:
        """The page's query, once it is there."""
        until(lambda: self.screen()["route"] == route, within_s=_HAPPENS_WITHIN_S, what=f"the page {route}")
        return self.screen()["query"]

    def rests(self) -> list[str]:
        """What the page says when every request has been answered."""
        until(lambda: not self.screen()["waiting"], within_s=_HAPPENS_WITHIN_S, what="the last answer")
        return self.screen()["text"]

    def close(self) -> None:
        """Raises AssertionError when the mini program did anything wrong."""
        faults = self.screen()["faults"]
        self.end()
        assert not faults, "\n".join(faults)

    def end(self) -> None:
        self._process.communicate("")

    def _do(self, deed: str, **more: Any) -> dict[str, Any]:
        told = self._ask(deed, **more)
        assert "error" not in told, told["error"]
        return told

    def _do_when_there(self, deed: str, **more: Any) -> None:
        told: dict[str, Any] = {}

        def done() -> bool:
            told.clear()
            told.update(self._ask(deed, **more))
            return "error" not in told

        try:
            until(done, within_s=_HAPPENS_WITHIN_S)
        except AssertionError:
            raise AssertionError(f"{told['error']}\n{self.screen()}") from None

    def _ask(self, deed: str, **more: Any) -> dict[str, Any]:
        self._process.stdin.write(json.dumps({"do": deed} | more) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"the phone ended with {self._process.wait()}"
        return json.loads(line)
