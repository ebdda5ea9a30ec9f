"""The protocol's three families of codes, as data.

Numbers and texts are the public protocol's (protocol.md §9, §10). A reason is never empty and never
JSON: the JavaScript client would reconnect for ever.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """Answers one command. Only `temporary` ones are tried again by clients."""

    code: int
    message: str
    temporary: bool = False


@dataclass(frozen=True, slots=True)
class Unsubscription:
    """Ends one subscription; clients subscribe again by themselves from 2500 on."""

    code: int
    reason: str

    @property
    def resubscribes(self) -> bool:
        return self.code >= 2500


@dataclass(frozen=True, slots=True)
class Disconnect:
    """Ends the connection with a close frame."""

    code: int
    reason: str

    @property
    def reconnects(self) -> bool:
        return not (3500 <= self.code < 4000 or 4500 <= self.code < 5000)


class Errors:
    """Error codes in replies."""

    INTERNAL = ErrorCode(100, "internal server error", temporary=True)
    PERMISSION_DENIED = ErrorCode(103, "permission denied")
    METHOD_NOT_FOUND = ErrorCode(104, "method not found")
    ALREADY_SUBSCRIBED = ErrorCode(105, "already subscribed")
    LIMIT_EXCEEDED = ErrorCode(106, "limit exceeded")
    BAD_REQUEST = ErrorCode(107, "bad request")
    NOT_AVAILABLE = ErrorCode(108, "not available")
    TOKEN_EXPIRED = ErrorCode(109, "token expired")
    TOO_MANY_REQUESTS = ErrorCode(111, "too many requests", temporary=True)
    UNRECOVERABLE = ErrorCode(112, "unrecoverable position")
    HISTORY_AWAY = ErrorCode(503, "unavailable", temporary=True)  # ours; as of an rpc


class Unsubscriptions:
    """Codes of unsubscribe pushes."""

    ACCESS_ENDED = Unsubscription(2000, "access ended")
    BY_SERVER = Unsubscription(2000, "server unsubscribe")
    INSUFFICIENT_STATE = Unsubscription(2500, "insufficient state")


class Disconnects:
    """Close codes."""

    CONNECTION_CLOSED = Disconnect(3000, "connection closed")
    SHUTDOWN = Disconnect(3001, "shutdown")
    INTERNAL = Disconnect(3004, "internal server error")
    EXPIRED = Disconnect(3005, "connection expired")
    SLOW = Disconnect(3008, "slow")
    INSUFFICIENT_STATE = Disconnect(3010, "insufficient state")
    NO_PONG = Disconnect(3012, "no pong")
    TOO_MANY_REQUESTS = Disconnect(3013, "too many requests")
    INVALID_TOKEN = Disconnect(3500, "invalid token")
    BAD_REQUEST = Disconnect(3501, "bad request")
    STALE = Disconnect(3502, "stale")
    FORCED = Disconnect(3503, "force disconnect")
    CONNECTION_LIMIT = Disconnect(3504, "connection limit")
