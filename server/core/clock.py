"""Server time, business time and the Shanghai calendar.

Business time = server time + an offset that only the sandbox moves (contract.md §9). It drives
deadlines and the instants of orders and events; tokens, sockets, codes and limits use server time.
"""

from datetime import UTC, date, datetime, time, timedelta, timezone

SHANGHAI = timezone(timedelta(hours=8))  # no daylight saving since 1991 (domain.md §3)


def server_now() -> datetime:
    """The present instant in UTC, to the millisecond (the precision that is stored)."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


class BusinessClock:
    """Tells business time; the offset is set from the stored row and never goes back."""

    def __init__(self) -> None:
        self._offset = timedelta()

    @property
    def offset_s(self) -> float:
        return self._offset.total_seconds()

    def now(self) -> datetime:
        """Business time in UTC, to the millisecond."""
        return server_now() + self._offset

    def move_to(self, offset_s: float) -> bool:
        """Take the stored offset in seconds; a smaller one is ignored. True when it moved."""
        offset = timedelta(seconds=offset_s)
        if offset <= self._offset:
            return False
        self._offset = offset
        return True


def shanghai_text(instant: datetime | None) -> str | None:
    """RFC 3339 with milliseconds and `+08:00`, as all answers show instants."""
    if instant is None:
        return None
    return instant.astimezone(SHANGHAI).isoformat(timespec="milliseconds")


def shanghai_date(instant: datetime) -> date:
    return instant.astimezone(SHANGHAI).date()


def shanghai_midnight(day: date) -> datetime:
    """The first instant of a Shanghai day, in UTC."""
    return datetime.combine(day, time(), SHANGHAI).astimezone(UTC)


def age_on(birth_date: date, today: date) -> int:
    """Whole years from a birth date to a day."""
    before_birthday = (today.month, today.day) < (birth_date.month, birth_date.day)
    return today.year - birth_date.year - before_birthday
