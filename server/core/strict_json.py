"""JSON of strangers: one meaning or a refusal.

The standard parser takes duplicate keys, NaN, lone surrogates and digits without end; each of them
lets two programs read one text differently or breaks a later store, so all are refused here.
"""

import json
import math
from json.encoder import c_make_encoder, encode_basestring
from typing import Any

MAX_DEPTH = 32  # no body of ours is deeper than 6; deeper ones exist to exhaust stacks
_LOWEST, _HIGHEST = -(2**63), 2**64 - 1
_LONGEST_INTEGER = len(str(_LOWEST))


class BadJson(ValueError):
    """The text is refused; `reason` is one of the stable words raised in this file."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def parse(text: bytes | str) -> Any:
    """The value of one JSON text in UTF-8. Raises BadJson.

    Reasons: `not_utf8`, `byte_order_mark`, `syntax`, `duplicate_key`, `not_finite`,
    `number_too_large`, `too_deep`, `lone_surrogate`, `nul_character`.
    """
    if isinstance(text, bytes):
        text = _decoded(text)
    if text.startswith("\ufeff"):
        raise BadJson("byte_order_mark")
    try:
        value = _decoder.decode(text)
    except BadJson:
        raise
    except ValueError:
        raise BadJson("syntax") from None
    except RecursionError:
        raise BadJson("too_deep") from None
    if _may_be_odd(text):
        _refuse_odd(value)
    return value


def dumps(value: Any) -> str:
    """Compact JSON text, characters as they are; raises ValueError for NaN and infinities."""
    return "".join(_encode(value, 0))


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise BadJson("not_utf8") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise BadJson("duplicate_key")
    return members


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise BadJson("not_finite")
    return number


def _integer(digits: str) -> int:
    if len(digits) > _LONGEST_INTEGER:  # before int(): its cost grows with the square of the digits
        raise BadJson("number_too_large")
    number = int(digits)
    if not _LOWEST <= number <= _HIGHEST:
        raise BadJson("number_too_large")
    return number


def _constant(_name: str) -> Any:
    raise BadJson("not_finite")


def _may_be_odd(text: str) -> bool:
    """False for nearly every text, which then needs no second walk."""
    if text.count("[") + text.count("{") > MAX_DEPTH or "\\u0000" in text:
        return True
    return "\\ud" in text or "\\uD" in text or not text.isascii() and not _is_utf8(text)


def _is_utf8(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _refuse_odd(value: Any) -> None:
    pending = [(value, 1)]
    while pending:
        item, depth = pending.pop()
        if isinstance(item, str):
            _refuse_odd_text(item)
        elif isinstance(item, list | dict):
            if depth > MAX_DEPTH:
                raise BadJson("too_deep")
            inner = item if isinstance(item, list) else [*item.keys(), *item.values()]
            pending.extend((part, depth + 1) for part in inner)


def _refuse_odd_text(text: str) -> None:
    if "\x00" in text:
        raise BadJson("nul_character")
    if not _is_utf8(text):
        raise BadJson("lone_surrogate")


_decoder = json.JSONDecoder(
    object_pairs_hook=_unique, parse_float=_finite, parse_int=_integer, parse_constant=_constant
)
_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
# `JSONEncoder.encode` builds this one anew for every text, which takes longer than a short text itself.
_encode = c_make_encoder(
    None, _encoder.default, encode_basestring, None, ":", ",", False, False, _encoder.allow_nan
)
