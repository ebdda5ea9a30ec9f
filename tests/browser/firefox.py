"""Debian's Firefox over WebDriver BiDi, which it speaks by itself.

One process; each person has a user context of its own, as a private window has. A person is a real pointer and
a real keyboard: what is covered or out of sight is not tapped. Errors of a page and requests that fail are kept.
"""

import json
import re
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.e2e.server import until
from tests.services.private import die_with_parent

_SPEAKS = re.compile(r"WebDriver BiDi listening on (ws://\S+)")
_STARTS_WITHIN_S, _ANSWERS_WITHIN_S, _SHOWS_WITHIN_S = 90.0, 60.0, 40.0
_REST_MS = 300  # uni-app tells of what is typed ten times a second at most; nobody taps sooner after a letter
_EVENTS = ("log.entryAdded", "network.fetchError")
_LEFT = ("NS_BINDING_ABORTED", "NS_ERROR_ABORT")  # a page that is left takes its requests along
_PREFERENCES = {
    "intl.accept_languages": "zh-CN, zh",
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "app.normandy.enabled": False,
    "ui.prefersReducedMotion": 1,
}
# What is seen and can be tapped: has these words as its name, or as a line of its text.
_FIND = """(selector, words) => {
  const isShown = (one) => one.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && one.getClientRects().length;
  const named = (one) => (one.getAttribute("aria-label") ?? one.innerText ?? "").trim();
  const says = (one) => named(one).split("\\n").some((line) => line.trim() === words);
  const fits = (one) => (words === null || says(one)) && isShown(one);
  const found = [...document.querySelectorAll(selector)].filter(fits);
  const one = found.find((each) => named(each) === words) ?? found[0] ?? null;
  one?.scrollIntoView({ block: "center" });
  return one;
}"""
_SAYS = "(words) => document.body?.innerText.includes(words) ?? false"


class Firefox:
    """The browser's own wire: commands one after the other, events as they come between."""

    def __init__(self, wire: ClientConnection) -> None:
        self._wire = wire
        self._number = 0
        self.events: list[dict[str, Any]] = []
        self.ask("session.new", capabilities={})
        self.ask("session.subscribe", events=list(_EVENTS))

    def ask(self, method: str, **params: Any) -> Any:
        """The result. Raises AssertionError for what the browser refuses."""
        self._number += 1
        self._wire.send(json.dumps({"id": self._number, "method": method, "params": params}))
        while True:
            told = json.loads(self._wire.recv(timeout=_ANSWERS_WITHIN_S))
            if told.get("id") == self._number:
                assert told["type"] == "success", f"{method}: {told.get('error')}: {told.get('message')}"
                return told["result"]
            self.events.append(told)

    def window(self, *, url: str, size: dict[str, int]) -> "FirefoxWindow":
        user = self.ask("browser.createUserContext")["userContext"]
        tab = self.ask("browsingContext.create", type="window", userContext=user)["context"]
        self.ask("browsingContext.setViewport", context=tab, viewport=size)
        return FirefoxWindow(self, tab, url=url)


class FirefoxWindow:
    """One person's page."""

    def __init__(self, firefox: Firefox, tab: str, *, url: str) -> None:
        self._firefox, self._tab, self._url = firefox, tab, url

    def open(self, place: str) -> None:
        self._firefox.ask("browsingContext.navigate", context=self._tab, url=f"{self._url}{place}", wait="complete")

    def tap(self, words: str, *, selector: str = "button, [role=button], [role=radio], [role=tab], [role=link]") -> None:
        """By the pointer, in the middle of what has this name."""
        element = self._find(selector, words)
        press = [
            {"type": "pointerMove", "x": 0, "y": 0, "origin": {"type": "element", "element": {"sharedId": element}}},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        pointer = {"type": "pointer", "id": "finger", "parameters": {"pointerType": "mouse"}, "actions": press}
        self._firefox.ask("input.performActions", context=self._tab, actions=[pointer])

    def types(self, words: str, *, into: str) -> None:
        """By the keyboard, into the one field of that kind (CSS); only the window on top hears it."""
        self._firefox.ask("browsingContext.activate", context=self._tab)
        self._call("(one) => one.focus()", {"sharedId": self._find(into, None)})
        keys: list[dict[str, Any]] = [{"type": kind, "value": letter} for letter in words for kind in ("keyDown", "keyUp")]
        keys.append({"type": "pause", "duration": _REST_MS})
        self._firefox.ask("input.performActions", context=self._tab, actions=[{"type": "key", "id": "keys", "actions": keys}])

    def sees(self, words: str) -> None:
        """Fails the test when it is not there in time."""
        until(lambda: self._call(_SAYS, _text(words)).get("value"), within_s=_SHOWS_WITHIN_S, what=f"{words!r} in Firefox")

    def texts(self, selector: str) -> list[str]:
        found = self._call("(selector) => [...document.querySelectorAll(selector)].map((one) => one.innerText.trim())", _text(selector))
        return [one["value"] for one in found["value"]]

    def _find(self, selector: str, words: str | None) -> str:
        def look() -> str | None:
            return self._call(_FIND, _text(selector), _text(words)).get("sharedId")

        return until(look, within_s=_SHOWS_WITHIN_S, what=f"{words or selector!r} in Firefox")

    def _call(self, function: str, *arguments: dict[str, Any]) -> dict[str, Any]:
        asked = self._firefox.ask(
            "script.callFunction", functionDeclaration=function, awaitPromise=False, arguments=list(arguments),
            target={"context": self._tab},
        )  # fmt: skip
        assert asked["type"] == "success", asked.get("exceptionDetails", {}).get("text")
        return asked["result"]


def _text(words: str | None) -> dict[str, Any]:
    return {"type": "null"} if words is None else {"type": "string", "value": words}


def faults(events: list[dict[str, Any]]) -> list[str]:
    """Errors of pages and requests that came to nothing."""
    found = []
    for event in events:
        told = event.get("params", {})
        if event.get("method") == "log.entryAdded" and told.get("level") == "error":
            found.append(f"console: {told.get('text')}")
        if event.get("method") == "network.fetchError" and told.get("errorText") not in _LEFT:
            found.append(f"request failed: {told['request']['url']}: {told.get('errorText')}")
    return found


@contextmanager
def running(program: str) -> Iterator[Firefox]:
    """A browser with an empty profile; gone at the end, its profile too."""
    with tempfile.TemporaryDirectory(prefix="peihu-firefox-", ignore_cleanup_errors=True) as profile:
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in _PREFERENCES.items()]
        Path(profile, "user.js").write_text("\n".join(lines), encoding="ascii")
        log = Path(profile, "browser.log")
        with log.open("wb") as written:
            process = subprocess.Popen(
                [program, "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port=0"],
                stdout=written, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, preexec_fn=die_with_parent,
            )  # fmt: skip
        try:
            spoken = until(
                lambda: _SPEAKS.search(log.read_text(errors="replace")), within_s=_STARTS_WITHIN_S, what="Firefox's wire"
            )
            with connect(f"{spoken.group(1)}/session", max_size=None, open_timeout=_ANSWERS_WITHIN_S) as wire:
                yield Firefox(wire)
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(10)
    if process.poll() is None:
        process.kill()
        process.wait()
