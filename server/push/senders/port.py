"""How a text leaves the process, whatever carries it."""

from collections.abc import Mapping
from typing import Protocol


class Rejected(Exception):
    """The carrier will never take this message: a wrong number, no grant (WeChat 43101), a stop list."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Sender(Protocol):
    """One carrier. Its own deadline is below the 5 s that a dispatcher gives it."""

    knows_once_key: bool  # whether it tells by itself that it has this message already

    async def send(
        self,
        recipient: str,
        *,
        template: str,
        text: str,
        params: Mapping[str, str],
        code: str | None,
        once_key: str,
    ) -> str | None:
        """Hand the message over; return when the carrier has it, with its own name for it where it gives one.

        `recipient`: 11 digits of a mobile number, or an openid. `text` is the whole sentence, for carriers that
        take sentences; `params` are the variables of `template`, for those that have templates of their own.
        `code`: the one-time code inside the text. It may be called again with the same `once_key` after a
        crash, and then sends nothing new where the carrier can tell. Raises Unavailable (again later) or
        Rejected.
        """
