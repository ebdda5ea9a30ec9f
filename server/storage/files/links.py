"""Addresses that open a file for minutes without a login.

An `<img>` sends no token, so the address itself carries a signature. It names one file and one instant
of server time, and nothing else can be made of it.
"""

import base64
import hashlib
import hmac
from datetime import datetime, timedelta

from server.core.clock import server_now

LIVES_FOR = timedelta(minutes=5)  # contract.md §5
_MOST_DIGITS = 12  # of seconds since 1970


class FileLinks:
    """Signs and checks; every instance with the same secret agrees."""

    def __init__(self, *, secret: str) -> None:
        self._key = hmac.new(secret.encode(), b"peihu/file-links", hashlib.sha256).digest()

    def sign(self, file_id: str, *, now: datetime | None = None) -> str:
        """`/api/file/<id>?expires=<unix seconds>&signature=<43 characters>`."""
        expires = int(((now or server_now()) + LIVES_FOR).timestamp())
        return f"/api/file/{file_id}?expires={expires}&signature={self._signature(file_id, str(expires))}"

    def url(self, file_id: str | None) -> str | None:
        """As `sign`, None for no file."""
        return None if file_id is None else self.sign(file_id)

    def check(self, file_id: str, *, expires: str, signature: str, now: datetime | None = None) -> bool:
        """Whether an address is one of ours and still runs."""
        genuine = hmac.compare_digest(self._signature(file_id, expires).encode(), signature.encode())
        if not genuine or not (expires.isascii() and expires.isdigit() and len(expires) <= _MOST_DIGITS):
            return False
        return (now or server_now()).timestamp() <= int(expires)

    def _signature(self, file_id: str, expires: str) -> str:
        digest = hmac.new(self._key, f"{file_id}\n{expires}".encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")
