"""A browser window that tolerates no error of its page."""
import re
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, expect

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}
CUT = r"ERR_INTERNET_DISCONNECTED|ERR_NETWORK_CHANGED"
# A page that is left takes its requests along; that is no failure.
_LEFT = "net::ERR_ABORTED"
_INPUT = "input, textarea"


class Window:
    """One person's own browser: a context of its own with one page."""

    def __init__(
        self, browser: Browser, *, url: str, size: dict[str, int] = PHONE, agent: str | None = None, scale: float = 1
    ) -> None:
        self._url = url
        self._foreseen: list[str] = []
        self._faults: list[str] = []
        self._context = browser.new_context(
            viewport=size, locale="zh-CN", timezone_id="Asia/Shanghai", bypass_csp=False, reduced_motion="reduce",
            user_agent=agent, device_scale_factor=scale,
        )  # fmt: skip
        self.page: Page = self._context.new_page()
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self._note(f"page error: {error}"))
        self.page.on("requestfailed", self._failed)
        self.page.on("request", self._asked)

    def open(self, place: str) -> None:
        self.page.goto(f"{self._url}{place}")

    def enter_app(self, name: str, *, then: str) -> None:
        """Log in by the demo's card; `then` is what the first page shows."""
        self.open("/m/#/pages/login/index")
        self.button(name).click()
        self.sees(then)

    def button(self, name: str | re.Pattern[str]) -> Locator:
        return self.page.get_by_role("button", name=name)

    def tap(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def tab(self, name: str) -> None:
        self.page.get_by_role("tab", name=re.compile(f"^{name}")).click()

    def says(self, words: str, *, into: str) -> None:
        """Type into the field of that name; uni-app's own element around the input may be what has it."""
        named = self.page.get_by_label(into, exact=True)
        field = named.and_(self.page.locator(_INPUT)).or_(named.locator(_INPUT))
        field.filter(visible=True).fill(words)

    def sees(self, words: str | re.Pattern[str], *, within_s: float = 15) -> None:
        expect(self.shown(words).first).to_be_visible(timeout=within_s * 1_000)

    def sees_no_more(self, words: str | re.Pattern[str], *, within_s: float = 15) -> None:
        expect(self.shown(words)).to_have_count(0, timeout=within_s * 1_000)

    def shown(self, words: str | re.Pattern[str]) -> Locator:
        """Where these words are to be seen; a page below the one on top does not count."""
        return self.page.get_by_text(words).filter(visible=True)

    @contextmanager
    def without_network(self) -> Iterator[None]:
        """What the browser says of the cut itself is no fault."""
        self.foresee(CUT)
        self._context.set_offline(True)
        try:
            yield
        finally:
            self._context.set_offline(False)

    def foresee(self, fault: str) -> None:
        """A fault (regular expression) that the test itself brings about."""
        self._foreseen.append(fault)

    def close(self) -> None:
        """Raises AssertionError when the page failed at anything."""
        self._context.close()
        left = [fault for fault in self._faults if not any(re.search(known, fault) for known in self._foreseen)]
        assert not left, "\n".join(left)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._note(f"console: {message.text} ({message.location.get('url')})")

    def _failed(self, request: Request) -> None:
        if request.failure != _LEFT:
            self._note(f"request failed: {request.method} {request.url}: {request.failure}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self._url, "data:", "blob:")):
            self._note(f"another host was asked: {request.url}")

    def _note(self, fault: str) -> None:
        self._faults.append(fault)
