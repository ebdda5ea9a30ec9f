"""The directory of scheduled backups, and which of them stay.

An archive has its name only when it was read back whole, so a name is the proof: what is listed here is good. Nothing
else in the directory is touched.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from server.core.clock import shanghai_date

_START, _END, _DRAFT = "peihu-scheduled-", ".peihu", ".draft"
_STAMP = "%Y%m%dT%H%M%SZ"
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Kept:
    """A backup that is there."""

    path: Path
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Rotation:
    """How many stay: one for each of so many days and weeks that have one, and all of the last 24 hours."""

    daily: int
    weekly: int


class BackupShelf:
    """Every method looks into the directory, so it blocks; they raise OSError."""

    def __init__(self, *, directory: Path, rotation: Rotation) -> None:
        self.directory = directory
        self._rotation = rotation

    def path_for(self, at: datetime) -> Path:
        return self.directory / f"{_START}{at.astimezone(UTC):{_STAMP}}{_END}"

    def kept(self) -> list[Kept]:
        """The latest first."""
        found = [Kept(path, made_at) for path in self.directory.iterdir() if (made_at := _made_at(path.name))]
        return sorted(found, key=lambda one: one.made_at, reverse=True)

    def clear_drafts(self) -> None:
        """What a backup that was killed left behind; only while no other can be under way."""
        for path in self.directory.glob(f".{_START}*{_DRAFT}"):
            path.unlink(missing_ok=True)

    def rotate(self, *, now: datetime) -> list[Path]:
        """Remove what has had its time; what was removed."""
        kept = self.kept()
        stay = staying([one.made_at for one in kept], now=now, rotation=self._rotation)
        gone = [one.path for one in kept if one.made_at not in stay]
        for path in gone:
            path.unlink(missing_ok=True)
        return gone


def _made_at(name: str) -> datetime | None:
    if not (name.startswith(_START) and name.endswith(_END)):
        return None
    try:
        return datetime.strptime(name[len(_START) : -len(_END)], _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None


def staying(made_at: Collection[datetime], *, now: datetime, rotation: Rotation) -> set[datetime]:
    """Which of them stay; of a day and of a week (of Shanghai) the latest does, and the latest of all always."""
    latest_first = sorted(made_at, reverse=True)
    recent = {one for one in latest_first if one > now - _DAY}
    days = _first_of_each((shanghai_date(one), one) for one in latest_first)
    weeks = _first_of_each((shanghai_date(one).isocalendar()[:2], one) for one in latest_first)
    return recent | set(days[: max(rotation.daily, 1)]) | set(weeks[: rotation.weekly])


def _first_of_each(named: Iterable[tuple[object, datetime]]) -> list[datetime]:
    first: dict[object, datetime] = {}
    for name, one in named:
        first.setdefault(name, one)
    return list(first.values())
