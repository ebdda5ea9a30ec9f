"""From declared operations to Tornado's rules."""
import re
from collections.abc import Iterable
from typing import Any

from tornado.web import URLSpec

from config.reading import read_command, read_pairs
from server.core.call import Call
from server.core.operation import Operation
from server.handlers.http.downloads import Download, download_endpoint
from server.handlers.http.edge import Edge
from server.handlers.http.endpoints import Endpoint, EndpointHandler, Received
from server.handlers.http.strictness import json_body, keyed_request, query_pairs, refuse_query
from server.handlers.http.uploads import Upload, upload_endpoint

Declared = Operation | Upload | Download


def operation_routes(
    declared: Iterable[Declared], edge: Edge, *, loopback_only: bool = False
) -> list[URLSpec]:
    """One rule a path; two declarations of one method and path are a mistake and raise ValueError."""
    by_path: dict[str, dict[str, Endpoint]] = {}
    for one in declared:
        if isinstance(one, Operation) and not one.rest:
            continue
        endpoint = _endpoint(one, edge, loopback_only=loopback_only)
        methods = by_path.setdefault(endpoint.path, {})
        if endpoint.method in methods:
            raise ValueError(f"{endpoint.method} {endpoint.path} is declared twice")
        methods[endpoint.method] = endpoint
    return [
        URLSpec(_pattern(path), EndpointHandler, {"edge": edge, "endpoints": endpoints})
        for path, endpoints in by_path.items()
    ]


def _endpoint(one: Declared, edge: Edge, *, loopback_only: bool) -> Endpoint:
    match one:
        case Upload():
            return upload_endpoint(one, edge)
        case Download():
            return download_endpoint(one)
        case _:
            return operation_endpoint(one, edge, loopback_only=loopback_only)


def operation_endpoint(operation: Operation, edge: Edge, *, loopback_only: bool = False) -> Endpoint:
    """An operation as the handler serves it: a query for GET, a JSON body for POST."""

    def read(received: Received, call: Call) -> Any:
        if operation.method == "GET":
            return read_pairs(operation.command, query_pairs(received.query))
        refuse_query(received.query)
        value = json_body(received.headers, received.body, limit_bytes=edge.body_bytes)
        command = read_command(operation, value)
        keyed = keyed_request(operation, received.headers, value)
        call.keyed = keyed if call.actor is not None else None  # keys belong to a user
        return command

    return Endpoint(
        method=operation.method,
        path=operation.path,
        name=operation.name,
        roles=operation.roles,
        body_limit_bytes=edge.body_bytes,
        read=read,
        run=operation.run,
        status=operation.status,
        loopback_only=loopback_only,
    )


def _pattern(path: str) -> str:
    """`/api/file/{file_id}` as a pattern; a value is one segment of plain characters."""
    parts = re.split(r"\{(\w+)\}", path)
    texts = [re.escape(part) if at % 2 == 0 else rf"(?P<{part}>[A-Za-z0-9_-]{{1,64}})" for at, part in enumerate(parts)]
    return "".join(texts) + "$"
