"""One thing a client can ask for, declared once.

`handlers/` declares the operations in tables by subject; the same objects serve the WebSocket's rpc
(method name = the path's words), so both edges validate and answer alike.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from server.core.call import Call

Run = Callable[[Call, Any], Awaitable[Any]]

ANYONE: frozenset[str] = frozenset()  # no login needed
PATIENT = frozenset({"patient"})
CAREGIVER = frozenset({"caregiver"})
ADMIN = frozenset({"admin"})
PARTY = frozenset({"patient", "caregiver"})
EVERYONE = frozenset({"patient", "caregiver", "admin"})  # any login


@dataclass(frozen=True, slots=True)
class Operation:
    """A path, the model of its input, the use case behind it and who may ever call it.

    `command` is a pydantic model class: the JSON body of a POST, the query of a GET. `run` gets the
    call and the validated command and returns the `data` of the answer (JSON-able).
    """

    method: str  # "GET" | "POST"
    path: str  # "/api/order/accept"
    command: type[Any]
    run: Run
    roles: frozenset[str]
    summary: str  # Chinese, one line, for the API page
    status: int = 200
    rpc: bool = False  # also callable over the live channel
    rest: bool = True  # False: over the live channel only (`chat.typing`)
    keyed: str = "accepted"  # Idempotency-Key: "accepted" | "required" | "never"
    refusals: tuple[str, ...] = ()  # the 4xx codes a client should expect besides the common ones
    about: str = ""  # Chinese paragraphs for the API page: rules, definitions of numbers
    example: Any = None  # a whole `data`, for the API page; tests hold real answers against it

    @property
    def name(self) -> str:
        """`order.accept` for `/api/order/accept`."""
        return self.path.removeprefix("/api/").replace("/", ".")
