"""Where a list goes on: the last row that was shown.

A cursor is opaque to clients and says only what they have seen; one of another list, another order or of
nobody's making is refused (422).
"""

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from server.core.errors import Refused, invalid
from server.core.ids import looks_like_id

_YEARS = range(2000, 2200)


def pack_cursor(list_name: str, values: Sequence[Any]) -> str:
    """`values` are ids, whole numbers, aware instants or None."""
    plain = [value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value for value in values]
    text = json.dumps([list_name, *plain], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def unpack_cursor(cursor: str, list_name: str, kinds: Sequence[Any]) -> list[Any]:
    """The values, each of its kind (a type, or `int | None`). Raises Refused: 422 about `cursor`."""
    try:
        found = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        raise _refused() from None
    if type(found) is not list or len(found) != len(kinds) + 1 or found[0] != list_name:
        raise _refused()
    return [_value(value, kind) for value, kind in zip(found[1:], kinds, strict=True)]


class Pages:
    """The pages of one list.

    `places` are the columns that it is sorted by, each with its kind; together they tell every row from every other.
    """

    def __init__(self, list_name: str, **places: Any) -> None:
        self._name = list_name
        self._columns = tuple(places)
        self._kinds = tuple(places.values())

    def after(self, cursor: str | None) -> tuple[Any, ...] | None:
        """The place of the last row that was shown; None: begin at the beginning. Raises Refused: 422 about `cursor`."""
        return None if cursor is None else tuple(unpack_cursor(cursor, self._name, self._kinds))

    def cut(self, rows: Sequence[Any], limit: int) -> tuple[list[Any], str | None]:
        """(what to show, the cursor of the next page) of rows that were asked for with one more than `limit`."""
        shown = list(rows[:limit])
        if len(rows) <= limit:
            return shown, None
        return shown, pack_cursor(self._name, [shown[-1][column] for column in self._columns])


def _value(value: Any, kind: Any) -> Any:
    if kind is datetime:
        return _instant(value)
    if isinstance(value, bool) or not isinstance(value, kind):
        raise _refused()
    if isinstance(value, str) and not looks_like_id(value):
        raise _refused()
    if isinstance(value, int) and abs(value) >= 2**31:
        raise _refused()
    return value


def _instant(value: Any) -> datetime:
    try:
        instant = datetime.fromisoformat(value)
    except (ValueError, TypeError):
        raise _refused() from None
    if instant.tzinfo is None or instant.year not in _YEARS:
        raise _refused()
    return instant


def _refused() -> Refused:
    return invalid("cursor", "游标无效")
