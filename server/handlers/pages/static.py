"""The pages of the web application, and what is nowhere."""
import re
from pathlib import Path
from typing import Any

from tornado.web import HTTPError, StaticFileHandler, URLSpec

from server.core.call import Answer
from server.core.ids import new_id
from server.handlers.http.base import UnknownPath, envelope, security_headers
from server.handlers.http.edge import Edge
from server.handlers.http.sentences import code_of_status
from server.handlers.pages.entrance import Entrance, ToFolder

# Everything comes from our own origin; nothing is evaluated, framed or sent elsewhere. `blob:` is a picture that
# the page itself holds, which it reads to keep and to send it.
PAGE_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self' data:; "
    "connect-src 'self' blob:{sockets}; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
BUILT = ("m", "admin")  # folders of web/dist, and their addresses
_FOR_EVER_S = 31_536_000
_HOST = re.compile(r"[A-Za-z0-9.-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?")


def page_routes(web: Path, edge: Edge) -> list[URLSpec]:
    """Rules for everything below `web`, to stand last; unknown API paths stay in the envelope.

    `dist/<name>` is served at `/<name>/`, and `/` leads to one of them.
    """
    built = {name: web / "dist" / name for name in BUILT if (web / "dist" / name / "index.html").is_file()}
    return [
        URLSpec(r"/$", Entrance, {"edge": edge, "built": frozenset(built)}),
        *(URLSpec(rf"/{name}$", ToFolder, {"edge": edge, "folder": name}) for name in built),
        *(_folder(name, directory) for name, directory in built.items()),
        URLSpec(r"/.*$", UnknownPath, {"edge": edge}),
    ]


def _folder(name: str, directory: Path) -> URLSpec:
    return URLSpec(rf"/{name}/(.*)$", Pages, {"path": str(directory), "default_filename": "index.html"})


class Pages(StaticFileHandler):
    """What a build wrote: names below `assets/` carry the hash of their content, everything else is asked for again."""

    def set_default_headers(self) -> None:
        security_headers(self, content_policy=PAGE_POLICY.format(sockets=self._sockets()))

    def _sockets(self) -> str:
        """Our own sockets by name: Safari before 15.4 does not count them as 'self'."""
        host = self.request.host
        return f" ws://{host} wss://{host}" if _HOST.fullmatch(host) else ""

    def set_extra_headers(self, path: str) -> None:
        # Pages ask with their ETag and get 304.
        is_for_ever = path.startswith("assets/")
        self.set_header("Cache-Control", f"public, max-age={_FOR_EVER_S}, immutable" if is_for_ever else "no-cache")

    @classmethod
    def get_absolute_path(cls, root: str, path: str) -> str:
        """What lies outside the directory is nowhere; Tornado's 403 would say that something is there."""
        try:
            return super().get_absolute_path(root, path)
        except HTTPError:
            raise HTTPError(404) from None

    def validate_absolute_path(self, root: str, absolute_path: str) -> str | None:
        if not self.request.path.endswith("/") and Path(absolute_path).is_dir():
            raise HTTPError(404)  # Tornado would lead there
        try:
            return super().validate_absolute_path(root, absolute_path)
        except (HTTPError, ValueError):  # a folder; a NUL in the path
            raise HTTPError(404) from None

    def get_cache_time(self, path: str, modified: Any, mime_type: str) -> int:
        return 0  # `set_extra_headers` decides

    def write_error(self, status_code: int, **_: Any) -> None:
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.set_header("Cache-Control", "no-store")
        self.finish(envelope(Answer(status_code, code_of_status(status_code), "", None, [], new_id())))

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        status = getattr(value, "status_code", 500)
        if status >= 500:
            super().log_exception(typ, value, tb)
