"""Who began a login through the official account ends it.

OAuth's `state` against a foreign code: without it somebody could let another person's browser log in with
his own code, and read what that person then enters. The page keeps a `proof` to itself (session storage,
never in an address) and WeChat carries its `state` around; only who has both may use the code.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta

from server.core.clock import server_now

_STATE = re.compile(r"[0-9a-f]{8,12}x[0-9a-f]{64}")  # WeChat takes letters and digits, up to 128
_PROOF_BYTES = 24


@dataclass(frozen=True, slots=True)
class BegunLogin:
    """`state` travels through WeChat, `proof` stays in the page."""

    state: str
    proof: str


class LoginStates:
    """Makes and checks pairs of state and proof; nothing is stored, so any instance can."""

    def __init__(self, *, secret: str, lifetime: timedelta) -> None:
        self._key = hmac.new(secret.encode(), b"peihu/wechat-login-state", hashlib.sha256).digest()
        self._lifetime = lifetime

    def begin(self) -> BegunLogin:
        proof = secrets.token_hex(_PROOF_BYTES)
        until = f"{int((server_now() + self._lifetime).timestamp()):08x}"
        return BegunLogin(f"{until}x{self._mark(until, proof)}", proof)

    def fits(self, state: str, proof: str) -> bool:
        """True for a pair that was begun here not too long ago."""
        if not _STATE.fullmatch(state):
            return False
        until, _, mark = state.partition("x")
        genuine = hmac.compare_digest(mark, self._mark(until, proof))
        return genuine and server_now().timestamp() < int(until, 16)

    def _mark(self, until: str, proof: str) -> str:
        return hmac.new(self._key, f"{until}/{proof}".encode(), hashlib.sha256).hexdigest()
