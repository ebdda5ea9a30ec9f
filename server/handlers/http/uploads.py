"""Multipart forms: exactly the declared files and fields.

A route's own body limit is told to the connection before the body is read (`EdgeHandler.prepare`), so that
the server's limit stays small for everything else. A file's name and claimed type are never used.
"""
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tornado.httputil import HTTPFile, HTTPInputError, ParseMultipartConfig, parse_multipart_form_data

from config.reading import read_pairs
from server.core.call import Call
from server.core.errors import FieldError, Refused, invalid
from server.handlers.http.edge import Edge
from server.handlers.http.endpoints import Endpoint, Received
from server.handlers.http.strictness import media_type, plain_text, refuse_query

_BOUNDARY_CHARACTERS = 70  # RFC 2046 §5.1.1
_PARTS = ParseMultipartConfig(max_parts=32, max_part_header_size=1_024)


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """What came in a file part; never empty, not yet known to be anything."""

    content: bytes


@dataclass(frozen=True, slots=True)
class Upload:
    """A multipart POST, declared once for REST and the OpenAPI page.

    `command` is a `Query` of the text fields. `run(call, command, files)` gets them validated and the
    files by part name: all of `required_files`, any of `optional_files`, at least one. It answers the `data`.
    """

    path: str  # "/api/file/upload"
    command: type[Any]
    run: Callable[[Call, Any, Mapping[str, UploadedFile]], Awaitable[Any]]
    roles: frozenset[str]
    summary: str  # Chinese, one line, for the API page
    required_files: tuple[str, ...] = ()
    optional_files: tuple[str, ...] = ()
    status: int = 200
    refusals: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """`file.upload` for `/api/file/upload`."""
        return self.path.removeprefix("/api/").replace("/", ".")


@dataclass(frozen=True, slots=True)
class _Form:
    command: Any
    files: Mapping[str, UploadedFile]


def upload_endpoint(upload: Upload, edge: Edge) -> Endpoint:
    """An upload as the handler serves it."""

    def read(received: Received, call: Call) -> _Form:
        refuse_query(received.query)
        texts, parts = _parts(received)
        files = _files(upload, parts)
        return _Form(read_pairs(upload.command, _pairs(texts)), files)

    async def run(call: Call, form: _Form) -> Any:
        return await upload.run(call, form.command, form.files)

    return Endpoint(
        method="POST",
        path=upload.path,
        name=upload.name,
        roles=upload.roles,
        body_limit_bytes=edge.upload_bytes,
        body_timeout_s=edge.upload_timeout_s,
        read=read,
        run=run,
        status=upload.status,
    )


def _parts(received: Received) -> tuple[dict[str, list[bytes]], dict[str, list[HTTPFile]]]:
    name, parameters = media_type(received.headers)
    if name != "multipart/form-data" or received.headers.get("Content-Encoding", "identity") != "identity":
        raise Refused("unsupported_type")
    boundary = parameters.get("boundary", "")
    if not 0 < len(boundary) <= _BOUNDARY_CHARACTERS or not boundary.isascii():
        raise Refused("malformed")
    texts: dict[str, list[bytes]] = {}
    files: dict[str, list[HTTPFile]] = {}
    try:
        parse_multipart_form_data(boundary.encode(), received.body, texts, files, config=_PARTS)
    except (HTTPInputError, ValueError, LookupError):
        raise Refused("malformed") from None
    return texts, files


def _pairs(texts: Mapping[str, list[bytes]]) -> list[tuple[str, str]]:
    return [(name, plain_text(raw)) for name, raws in texts.items() for raw in raws]


def _files(upload: Upload, parts: Mapping[str, list[HTTPFile]]) -> dict[str, UploadedFile]:
    known = upload.required_files + upload.optional_files
    for name, found in parts.items():
        if name not in known:
            raise Refused("unknown_field", errors=(FieldError(name, "unknown_field", "没有这个字段"),))
        if len(found) > 1:
            raise invalid(name, "同一文件只能上传一个", code="repeated")
        if found[0].content_type.lower().startswith("multipart/"):
            raise Refused("unsupported_type")
        if not found[0].body:
            raise invalid(name, "文件内容为空", code="empty")
    for name in upload.required_files or (known if not parts else ())[:1]:
        if name not in parts:
            raise invalid(name, "必填", code="required")
    return {name: UploadedFile(found[0].body) for name, found in parts.items()}
