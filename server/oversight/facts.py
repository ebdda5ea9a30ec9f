"""What has happened to alarms."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class AlarmRaised:
    """Somebody should look; `text` is Chinese."""

    alarm_id: str
    kind: str
    order_id: str | None
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class AlarmClosed:
    """Solved, or an administrator has seen to it."""

    alarm_id: str
    kind: str
    order_id: str | None
    at: datetime
