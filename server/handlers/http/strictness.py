"""What a request must look like before any use case sees it.

Every function here takes what arrived and either returns something safe or raises Refused; reliability.md
§4A lists the inputs they were written against.
"""
import re
import zlib
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any
from urllib.parse import unquote_to_bytes

from tornado.httputil import HTTPHeaders

from config.reading import fingerprint
from server.core.call import KeyedRequest
from server.core.errors import FieldError, Refused
from server.core.operation import Operation
from server.core.strict_json import BadJson, parse

_BEARER = re.compile(r"bearer ([A-Za-z0-9._~+/-]{1,4096}={0,2})", re.IGNORECASE)
_IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_BROKEN_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_QUERY_PARAMETERS = 100  # no operation has more than twenty
_GZIP = 16 + zlib.MAX_WBITS


def bearer_token(headers: HTTPHeaders) -> str | None:
    """The token of `Authorization: Bearer <token>`; None without the header. Raises `unauthorized`."""
    values = headers.get_list("Authorization")
    if not values:
        return None
    match = _BEARER.fullmatch(values[0])
    if len(values) > 1 or match is None:
        raise Refused("unauthorized")
    return match[1]


def media_type(headers: HTTPHeaders) -> tuple[str, dict[str, str]]:
    """The lower-case media type and its parameters; ("", {}) when missing or given twice."""
    values = headers.get_list("Content-Type")
    if len(values) != 1:
        return "", {}
    name, *rest = values[0].split(";")
    parameters = {}
    for part in rest:
        key, _, value = part.strip().partition("=")
        parameters[key.lower()] = value.strip('"')
    return name.strip().lower(), parameters


def json_body(headers: HTTPHeaders, body: bytes, *, limit_bytes: int) -> Any:
    """The parsed JSON of a body; nothing at all is `{}`. Raises `unsupported_type`, `too_large`, `malformed`."""
    name, parameters = media_type(headers)
    if not body and name != "application/json":
        return {}  # what HTTP libraries send for a command without fields, such as logging out
    if name != "application/json" or parameters.get("charset", "utf-8").lower() not in ("utf-8", "utf8"):
        raise Refused("unsupported_type")
    try:
        return parse(_decoded(headers, body, limit_bytes=limit_bytes))
    except BadJson:
        raise Refused("malformed") from None


def _decoded(headers: HTTPHeaders, body: bytes, *, limit_bytes: int) -> bytes:
    coding = headers.get("Content-Encoding", "identity").strip().lower()
    if coding == "identity":
        return body
    if coding != "gzip":
        raise Refused("unsupported_type")
    inflater = zlib.decompressobj(_GZIP)
    try:
        plain = inflater.decompress(body, limit_bytes + 1)  # a bomb stops here
    except zlib.error:
        raise Refused("malformed") from None
    if len(plain) > limit_bytes:
        raise Refused("too_large")
    if not inflater.eof or inflater.unused_data:
        raise Refused("malformed")
    return plain


def query_pairs(query: str) -> list[tuple[str, str]]:
    """The decoded pairs of a query string, in order. Raises `malformed`."""
    raw = query.encode("latin-1", "replace")
    pieces = [piece for piece in raw.split(b"&") if piece]
    if len(pieces) > _QUERY_PARAMETERS or _BROKEN_PERCENT.search(raw):
        raise Refused("malformed")
    pairs = []
    for piece in pieces:
        name, _, value = piece.partition(b"=")
        pairs.append((_plain(name), _plain(value)))
    return pairs


def _plain(raw: bytes) -> str:
    return plain_text(unquote_to_bytes(raw.replace(b"+", b" ")))


def plain_text(raw: bytes) -> str:
    """Text as JSON bodies may have it: UTF-8 without NUL. Raises `malformed`."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise Refused("malformed") from None
    if "\x00" in text:
        raise Refused("malformed")
    return text


def refuse_query(query: str) -> None:
    """A POST has its fields in the body only. Raises `unknown_field`."""
    names = [name for name, _ in query_pairs(query)]
    if names:
        raise Refused("unknown_field", errors=(FieldError(names[0], "unknown_field", "没有这个字段"),))


def takes_key(operation: Operation) -> bool:
    """Whether contract.md §2 lets this operation carry an `Idempotency-Key`."""
    outside = not operation.path.startswith("/api/") or operation.path.startswith("/api/user/")
    return operation.method == "POST" and not outside and operation.keyed != "never"


def keyed_request(operation: Operation, headers: HTTPHeaders, body: Any) -> KeyedRequest | None:
    """The request's idempotency key, if any. Raises `malformed`, `idempotency_key_required`."""
    if not takes_key(operation):
        return None
    values = headers.get_list("Idempotency-Key")
    if not values and operation.keyed == "required":
        raise Refused("idempotency_key_required")
    if not values:
        return None
    if len(values) > 1 or _IDEMPOTENCY_KEY.fullmatch(values[0]) is None:
        raise Refused("malformed")
    return KeyedRequest(operation.name, values[0], fingerprint(body))


def caller_address(
    peer: str, headers: HTTPHeaders, *, trusted_proxies: tuple[IPv4Network | IPv6Network, ...]
) -> str:
    """Who really called: the last address of `X-Forwarded-For` that no trusted proxy of ours has.

    Whatever others write into the header is ignored, because nobody vouches for it.
    """
    address = peer
    hops = [hop.strip() for value in headers.get_list("X-Forwarded-For") for hop in value.split(",")]
    while hops and _is_within(address, trusted_proxies):
        hop = hops.pop()
        if not _is_address(hop):
            break
        address = hop
    return address


def is_loopback(address: str) -> bool:
    """True for this machine's own address."""
    return _is_address(address) and ip_address(address).is_loopback


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_within(address: str, networks: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    return _is_address(address) and any(ip_address(address) in network for network in networks)
