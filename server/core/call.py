"""Who asks for what: the context that a use case receives.

A `Call` is made at an edge (HTTP or rpc), carries no transport and is never stored.
"""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Actor:
    """The account behind a request, as the database knew it when the request arrived."""

    user_id: str
    user_type: str  # "patient" | "caregiver" | "admin"
    login_id: str


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """An idempotency key with the fingerprint of its body; keys belong to a user and a route."""

    route: str
    key: str
    body_hash: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request was answered, whole, so that it can be repeated byte for byte."""

    status: int
    code: str
    message: str
    data: Any
    errors: list[dict[str, str]]
    request_id: str


@dataclass(slots=True)
class Call:
    """One request to a use case. `answer` is set by the unit of work when a keyed answer was kept."""

    actor: Actor | None
    request_id: str
    remote_address: str = ""
    success_status: int = 200
    keyed: KeyedRequest | None = None
    answer: Answer | None = field(default=None)

    @property
    def user(self) -> Actor:
        """The actor of an operation that requires a login."""
        if self.actor is None:
            raise RuntimeError("this operation was declared without a login")
        return self.actor


def is_idempotency_key(text: object) -> bool:
    """1-255 visible ASCII characters (contract.md §2)."""
    return type(text) is str and 1 <= len(text) <= 255 and all("!" <= character <= "~" for character in text)
