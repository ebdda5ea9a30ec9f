"""Files served as they are, to those who may see them."""
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from config.reading import read_pairs
from server.core.call import Call
from server.handlers.http.base import EdgeHandler, security_headers
from server.handlers.http.endpoints import Endpoint, Received
from server.handlers.http.strictness import query_pairs

# A file that somebody uploaded is shown, never run, and never as part of our own pages.
_FILE_POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"


@dataclass(frozen=True, slots=True)
class FileBody:
    """What a download answers; `media_type` is one that we wrote ourselves."""

    content: bytes
    media_type: str
    max_age_s: int = 0  # how long the asker's own browser may keep it


@dataclass(frozen=True, slots=True)
class Download:
    """A GET that answers a file; `{names}` of the path are fields of `command` beside the query's."""

    path: str  # "/api/file/{file_id}"
    command: type[Any]
    run: Callable[[Call, Any], Awaitable[FileBody]]
    roles: frozenset[str]
    summary: str  # Chinese, one line, for the API page

    @property
    def name(self) -> str:
        return self.path.partition("/{")[0].removeprefix("/api/").replace("/", ".")


def download_endpoint(download: Download) -> Endpoint:
    """A download as the handler serves it; a Range is ignored, files are small."""

    def read(received: Received, call: Call) -> Any:
        return read_pairs(download.command, [*received.path_values.items(), *query_pairs(received.query)])

    return Endpoint(
        method="GET",
        path=download.path,
        name=download.name,
        roles=download.roles,
        body_limit_bytes=0,
        read=read,
        run=download.run,
        show=_show,
    )


def _show(handler: EdgeHandler, file: FileBody) -> None:
    security_headers(handler, content_policy=_FILE_POLICY)
    if file.max_age_s:
        handler.set_header("Cache-Control", f"private, max-age={file.max_age_s}")
    extension = file.media_type.partition("/")[2]
    handler.set_header("Content-Disposition", f'inline; filename="file.{extension}"')
    handler.finish_with(file.content, file.media_type)
