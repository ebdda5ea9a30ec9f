"""What travels between instances: small, strict, versioned.

An envelope is a flat msgpack list; what may be nested in it, a control message's body, travels as JSON text, whose
reader is strict already. Whatever is not exactly one of ours (another version, another shape, too large) is poison:
it is counted and dropped by whoever opens it.
"""

from dataclasses import dataclass
from typing import Any

import msgpack

from server.core.strict_json import BadJson, dumps, parse
from server.storage.pubsub.port import ChannelMessage, ControlMessage

_VERSION = 1
_CHANNEL, _CONTROL, _SIGN = 0, 1, 2
MOST_BYTES = 2 * 1024 * 1024  # an event has at most 1 MiB
_FLAT = {"max_str_len": 1_024, "max_bin_len": MOST_BYTES, "max_array_len": 8, "max_map_len": 0, "max_ext_len": 0}


class Poison(ValueError):
    """Bytes that nobody of ours has sent."""


@dataclass(frozen=True, slots=True)
class Sign:
    """`word` is "beat", of life, or "gap", of having lost something; `at_ms` on the sender's own clock."""

    word: str
    at_ms: int


Content = ChannelMessage | ControlMessage | Sign


def pack(sender: str, content: Content) -> bytes:
    """`sender`: the instance's id. Raises ValueError for a body that is no JSON, and for what is too large."""
    if isinstance(content, ChannelMessage):
        fields: tuple[Any, ...] = (_CHANNEL, content.channel, content.epoch, content.offset, content.data)
    elif isinstance(content, ControlMessage):
        fields = (_CONTROL, content.kind, _text(content.body))
    else:
        fields = (_SIGN, content.word, content.at_ms)
    raw = bytes(msgpack.packb((_VERSION, sender, *fields), use_bin_type=True))
    if len(raw) > MOST_BYTES:
        raise ValueError(f"an envelope of {len(raw)} bytes")
    return raw


def _text(body: dict[str, object]) -> bytes:
    """Read once before it leaves: better refused here than by everybody else."""
    try:
        text = dumps(body).encode()
    except (TypeError, RecursionError) as problem:
        raise ValueError(str(problem)) from None
    _body(text)
    return text


def unpack(raw: bytes) -> tuple[str, Content]:
    """The sender and what it sent. Raises Poison."""
    if len(raw) > MOST_BYTES:
        raise Poison("too large")
    try:
        fields = msgpack.unpackb(raw, raw=False, strict_map_key=True, **_FLAT)
    except (ValueError, OverflowError) as problem:  # also msgpack's own, and text that is no UTF-8
        raise Poison(type(problem).__name__) from None
    match fields:
        case [int() as version, str() as sender, int() as kind, *rest] if _VERSION == version is not True:
            return sender, _content(kind, rest)
    raise Poison("another shape or version")


def _content(kind: int, fields: list[Any]) -> Content:
    match kind, fields:
        case 0, [str() as channel, str() as epoch, (int() | None) as offset, bytes() as data]:
            if offset is None or _is_count(offset):
                return ChannelMessage(channel, epoch, offset, data)
        case 1, [str() as name, bytes() as text]:
            return ControlMessage(name, _body(text))
        case 2, [("beat" | "gap") as word, int() as at_ms] if _is_count(at_ms):
            return Sign(word, at_ms)
    raise Poison("another shape")


def _is_count(number: int) -> bool:
    return number is not True and number is not False and number >= 0


def _body(text: bytes) -> dict[str, object]:
    try:
        body = parse(text)
    except BadJson as refusal:
        raise Poison(refusal.reason) from None
    if not isinstance(body, dict):
        raise Poison("a body that is no map")
    return body
