"""What the live channels ask of the rest of the house.

Filled by the composition root; this room imports no area.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a connection token speaks for. `expires_at` is in unix seconds; `info` is shown to others."""

    user_id: str
    user_type: str
    login_id: str
    expires_at: float
    info: dict[str, Any] | None = None


class UnknownMethod(Exception):
    """Raised by `CallMethod` for an rpc method that does not exist."""


# The identity of a token. Raises Refused("token_expired"), Refused("unauthorized") or Unavailable.
Authenticate = Callable[[str], Awaitable[Identity]]

# Whether this identity may follow the channel now. Raises Unavailable.
MayFollow = Callable[[Identity, str], Awaitable[bool]]


# The address of who opened a connection, of the peer's and the request's headers: a proxy of ours tells another's.
AddressOf = Callable[[str, Any], str]


class CallMethod(Protocol):
    """Runs one rpc for an identity and returns its JSON-able `data`."""

    async def __call__(self, identity: Identity, method: str, data: Any, remote_address: str) -> Any:
        """Raises Refused, Unavailable or UnknownMethod; anything else is a bug and answered as one."""


class Transport(Protocol):
    """The socket under a connection, as the edge that speaks HTTP hands it over."""

    stream: Any  # a PlainStream, or a Tornado IOStream, into which only `stream.py` looks

    def close(self, code: int, reason: str) -> None:
        """Send a close frame and let the peer answer it."""

    def abort(self) -> None:
        """Drop the socket without a word."""
