"""What has happened to accounts and logins."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class UserRegistered:
    user_id: str
    user_type: str
    at: datetime


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A new login on some device, not a refresh."""

    user_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class LoginRevoked:
    """A login has ended, or all of the account's when `login_id` is None; sockets close with 3503.

    Reasons: `logout`, `refresh_reused`, `password_reset`, `banned`.
    """

    user_id: str
    login_id: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class UserBanned:
    """Told after the account's `LoginRevoked`."""

    user_id: str
    user_type: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class UserUnbanned:
    user_id: str
    user_type: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class UserWarned:
    """An administrator told somebody off; `reason` is for that person to read."""

    warning_id: str
    user_id: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class UserVerified:
    """An administrator decided whether somebody is who they say; False: not."""

    user_id: str
    verified: bool
    reason: str
    at: datetime
