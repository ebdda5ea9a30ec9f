"""What can go wrong on purpose, with codes that never change.

Three families and no more (docs/architecture.md, "Errors"):
`Refused` is the caller's business and carries a stable code, `Unavailable` is ours and passes, and any
other exception is a bug. Each boundary translates them once.
"""

from dataclasses import dataclass
from typing import Any

# Codes beyond those of contract.md §2 that a use case may answer, and the HTTP status each has.
STATUS_OF_CODE: dict[str, int] = {
    "malformed": 400,
    "sms_code_wrong": 400,
    "idempotency_key_required": 400,
    "unauthorized": 401,
    "token_expired": 401,
    "login_failed": 401,
    "wechat_unbound": 401,
    "refresh_reused": 401,
    "forbidden": 403,
    "not_found": 404,
    "wrong_state": 409,
    "phone_taken": 409,
    "caregiver_busy": 409,
    "patient_busy": 409,
    "quote_expired": 409,
    "amount_mismatch": 409,
    "payment_in_progress": 409,
    "offer_taken": 409,
    "offer_expired": 409,
    "offer_withdrawn": 409,
    "start_code_wrong": 409,
    "outside_start_window": 409,
    "already_finished": 409,
    "already_reviewed": 409,
    "chat_closed": 409,
    "idempotency_in_progress": 409,
    "too_large": 413,
    "unsupported_type": 415,
    "invalid": 422,
    "unknown_field": 422,
    "outside_hours": 422,
    "too_soon": 422,
    "too_far_ahead": 422,
    "off_grid": 422,
    "invalid_duration": 422,
    "not_offered": 422,
    "idempotency_mismatch": 422,
    "too_many_requests": 429,
    "too_many_attempts": 429,
    "unavailable": 503,
}


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field that was refused: its dotted name, a stable code, a Chinese sentence."""

    field: str
    code: str
    message: str


class Refused(Exception):
    """The request cannot be done and nothing changed; `code` is a key of STATUS_OF_CODE.

    `message` is Chinese for people; without it the edge uses the code's own sentence.
    """

    def __init__(
        self,
        code: str,
        message: str | None = None,
        *,
        errors: tuple[FieldError, ...] = (),
        data: Any = None,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(code if message is None else f"{code}: {message}")
        self.code = code
        self.message = message
        self.errors = errors
        self.data = data
        self.retry_after_s = retry_after_s

    @property
    def status(self) -> int:
        return STATUS_OF_CODE[self.code]


class CommittedRefusal(Refused):
    """A refusal whose traces stay: what the transaction wrote is committed (a counted wrong code)."""


def invalid(field: str, message: str, *, code: str = "invalid") -> Refused:
    """A 422 `invalid` about one field."""
    return Refused("invalid", errors=(FieldError(field, code, message),))


class Unavailable(Exception):
    """We cannot do it now; the same request may succeed after `retry_after_s` seconds."""

    def __init__(self, code: str = "unavailable", *, retry_after_s: int = 1) -> None:
        super().__init__(code)
        self.code = code
        self.retry_after_s = retry_after_s
