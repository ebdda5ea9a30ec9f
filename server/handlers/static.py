"""The pages of the web application, and what is nowhere."""
from pathlib import Path
from typing import Any

from tornado.web import HTTPError, StaticFileHandler, URLSpec

from server.core.call import Answer
from server.core.ids import new_id
from server.handlers.base import UnknownPath, envelope, security_headers
from server.handlers.edge import Edge
from server.handlers.sentences import code_of_status

# Everything comes from our own origin; nothing is evaluated, framed or sent elsewhere.
PAGE_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_FOR_EVER_S = 31_536_000


def page_routes(directory: Path, edge: Edge) -> list[URLSpec]:
    """Rules for the files of `directory`, to stand last; unknown API paths stay in the envelope."""
    return [
        URLSpec(r"/(?:api|sandbox)(?:/.*)?$", UnknownPath, {"edge": edge}),
        URLSpec(r"/(.*)$", Pages, {"path": str(directory), "default_filename": "index.html"}),
    ]


class Pages(StaticFileHandler):
    """Files as they are: asked for again each time, unless their address carries their version."""

    def set_default_headers(self) -> None:
        security_headers(self, content_policy=PAGE_POLICY)

    def set_extra_headers(self, path: str) -> None:
        # Pages ask with their ETag and get 304; `?v=` names a content that never changes.
        fixed = self.get_query_argument("v", "") != ""
        self.set_header("Cache-Control", f"public, max-age={_FOR_EVER_S}, immutable" if fixed else "no-cache")

    @classmethod
    def get_absolute_path(cls, root: str, path: str) -> str:
        """What lies outside the directory is nowhere; Tornado's 403 would say that something is there."""
        try:
            return super().get_absolute_path(root, path)
        except HTTPError:
            raise HTTPError(404) from None

    def validate_absolute_path(self, root: str, absolute_path: str) -> str | None:
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
