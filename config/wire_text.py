"""Strict readings of the texts that requests carry.

Patterns come before any parser: `int()` takes full-width digits and underscores, `fromisoformat` takes
week dates and naive times, and both would let a client mean something else than it wrote. Each function
raises PydanticCustomError whose type is a stable code and whose message is Chinese for people.
"""
import re
import unicodedata
from datetime import UTC, date, datetime, timedelta, timezone

from pydantic_core import PydanticCustomError

_INSTANT = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?"
    r"(?:([Zz])|([+-])([0-9]{2}):([0-9]{2}))"
)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME_OF_DAY = re.compile(r"([0-9]{2}):([0-9]{2})")
_DIGITS = re.compile(r"[0-9]{1,10}")
_INSTANT_YEARS = range(2000, 2101)  # a visit or a note lies in this century
_DATE_YEARS = range(1870, 2101)  # the oldest patient, the latest certificate
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_CONTROLS = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")  # all of Unicode's Cc but tab and line ends
_ZERO_WIDTH_JOINER = "\u200d"  # holds family emoji together


def require_text(value: object) -> str:
    """The value itself if it is text that can be stored; not a number, no NUL, no lone surrogate."""
    if type(value) is not str:
        raise PydanticCustomError("wrong_type", "应为文本")
    if _UNSTORABLE.search(value):
        raise PydanticCustomError("invalid", "含有无法保存的字符")
    return value


def _require_length(text: str, *, shortest: int, longest: int) -> str:
    """Lengths are counted in code points, which is what MySQL's VARCHAR counts."""
    if len(text) > longest:
        raise PydanticCustomError("too_long", "最多{longest}个字", {"longest": longest})
    if len(text) < shortest:
        raise PydanticCustomError("too_short", "不能为空" if shortest == 1 else "至少{shortest}个字",
                                  {"shortest": shortest})
    return text


def read_line(value: object, *, shortest: int, longest: int) -> str:
    """One line in NFC without edges of blanks and without invisible characters.

    Bidi overrides and zero-width characters are taken out, since they make one name look like another;
    control characters and line ends are refused.
    """
    text = require_text(value)
    if any(unicodedata.category(character) in ("Cc", "Zl", "Zp") for character in text):
        raise PydanticCustomError("invalid", "不能含有控制字符或换行")
    visible = "".join(
        character
        for character in text
        if character == _ZERO_WIDTH_JOINER or unicodedata.category(character) != "Cf"
    )
    visible = unicodedata.normalize("NFC", visible).strip()
    if visible and all(unicodedata.category(character)[0] in "CMZ" for character in visible):
        raise PydanticCustomError("invalid", "不能只含不可见字符")
    return _require_length(visible, shortest=shortest, longest=longest)


def read_prose(value: object, *, shortest: int, longest: int) -> str:
    """Free text as it was typed; lines and tabs allowed. With `shortest` 1 it must not be blank."""
    text = require_text(value)
    if _CONTROLS.search(text):
        raise PydanticCustomError("invalid", "不能含有控制字符")
    if shortest and not text.strip():
        raise PydanticCustomError("too_short", "不能为空")
    return _require_length(text, shortest=shortest, longest=longest)


def read_opaque(value: object, *, shortest: int, longest: int) -> str:
    """An id, a key or a token: exactly what was sent, only bounded."""
    return _require_length(require_text(value), shortest=shortest, longest=longest)


def read_digits(value: object) -> int:
    """A whole number of a query: 1 to 10 ASCII digits, no sign, no blanks."""
    text = require_text(value)
    if not _DIGITS.fullmatch(text):
        raise PydanticCustomError("invalid", "应为整数")
    return int(text)


def read_truth(value: object) -> bool:
    """`true` or `false` of a query."""
    if require_text(value) not in ("true", "false"):
        raise PydanticCustomError("invalid", "应为 true 或 false")
    return value == "true"


def read_instant(value: object) -> datetime:
    """RFC 3339 with seconds and an offset, as aware UTC cut to the millisecond.

    Refused: no offset, 24:00, second 60, offsets of a day or more, years outside 2000-2100.
    """
    found = _INSTANT.fullmatch(require_text(value)[:64])
    if not found:
        raise PydanticCustomError("invalid", "时间应为带时区的格式，如 2026-01-02T09:00:00+08:00")
    *parts, fraction, zulu, sign, offset_hours, offset_minutes = found.groups()
    milliseconds = int((fraction or "0").ljust(3, "0")[:3])
    try:
        zone = UTC if zulu else _zone(sign, int(offset_hours), int(offset_minutes))
        local = datetime(*map(int, parts), milliseconds * 1000, tzinfo=zone)
        instant = local.astimezone(UTC)
    except (ValueError, OverflowError):
        raise PydanticCustomError("invalid", "时间不存在") from None
    if instant.year not in _INSTANT_YEARS:
        raise PydanticCustomError("out_of_range", "时间超出范围")
    return instant


def _zone(sign: str, hours: int, minutes: int) -> timezone:
    if minutes > 59:
        raise ValueError("no such offset")  # `timezone` itself refuses 24 hours and more
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if sign == "-" else offset)


def read_query_instant(value: object) -> datetime:
    """As `read_instant`; a `+` that a client left unescaped in an address arrives as a blank."""
    return read_instant(require_text(value).replace(" ", "+"))


def read_date(value: object) -> date:
    """`YYYY-MM-DD` that exists, 1870-2100."""
    text = require_text(value)
    if not _DATE.fullmatch(text):
        raise PydanticCustomError("invalid", "日期应为 YYYY-MM-DD 格式")
    try:
        day = date(int(text[:4]), int(text[5:7]), int(text[8:]))
    except ValueError:
        raise PydanticCustomError("invalid", "日期不存在") from None
    if day.year not in _DATE_YEARS:
        raise PydanticCustomError("out_of_range", "日期超出范围")
    return day


def read_time_of_day(value: object) -> int:
    """`HH:MM` from 00:00 to 24:00 as minutes since midnight."""
    found = _TIME_OF_DAY.fullmatch(require_text(value))
    if not found:
        raise PydanticCustomError("invalid", "时刻应为 HH:MM 格式")
    hours, minutes = int(found[1]), int(found[2])
    if minutes > 59 or hours * 60 + minutes > 1_440:
        raise PydanticCustomError("out_of_range", "时刻应在 00:00 至 24:00 之间")
    return hours * 60 + minutes
