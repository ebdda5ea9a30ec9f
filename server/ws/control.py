"""Orders to all instances about sockets and access."""

import asyncio
from collections import Counter

from server.storage.pubsub.port import ControlMessage
from server.ws.errands import KINDS as ERRANDS
from server.ws.errands import Errands
from server.ws.fallback.switchboard import ANSWERED, ASKED, Switchboard
from server.ws.hub import Hub
from server.ws.registry import Registry, Revocation
from server.ws.roll import KIND as MEMBERSHIP
from server.ws.roll import read_body
from server.ws.wire.codes import Disconnect, Disconnects

_FOR_OTHERS = ("rules",)  # the rulebook hears the bus too
_LONGEST_REASON_BYTES = 123  # what a close frame holds


class Control:
    """Obeys the bus's control messages. What it cannot read it counts and leaves."""

    def __init__(
        self, *, hub: Hub, registry: Registry, switchboard: Switchboard, errands: Errands, counts: Counter[str]
    ) -> None:
        self._hub = hub
        self._switchboard = switchboard
        self._errands = errands
        self._registry = registry
        self._counts = counts

    def obey(self, message: ControlMessage) -> None:
        """Kinds: "revoke", "access_ended", "membership", those of errands.py and of the switchboard."""
        body = message.body
        if message.kind == "revoke":
            self._revoke(body)
        elif message.kind == "access_ended":
            user_id, channel = body.get("user_id"), body.get("channel")
            if isinstance(user_id, str) and isinstance(channel, str):
                self._registry.access_ended(user_id, channel)
        elif message.kind == MEMBERSHIP:
            push = read_body(body)
            if push is not None:
                self._hub.tell_watchers(push)
        elif message.kind in (ASKED, ANSWERED):
            self._switchboard.obey(message)
        elif message.kind in ERRANDS:
            self._errands.obey(message)
        elif message.kind not in _FOR_OTHERS:
            self._counts["unknown_orders"] += 1

    def _revoke(self, body: dict[str, object]) -> None:
        user_id, login_id, code, reason = (body.get(name) for name in ("user_id", "login_id", "code", "reason"))
        disconnect = Disconnects.FORCED
        if isinstance(code, int) and 3000 <= code < 5000:
            disconnect = Disconnect(code, _reason(reason))
        self.revoke(
            user_id=user_id if isinstance(user_id, str) else None,
            login_id=login_id if isinstance(login_id, str) else None,
            disconnect=disconnect,
        )

    def revoke(self, *, user_id: str | None, login_id: str | None, disconnect: Disconnect) -> int:
        """Close the connections of a login, or all of a user; returns how many."""
        if not user_id and not login_id:
            self._counts["unknown_orders"] += 1
            return 0
        revocation = Revocation(user_id or None, login_id or None, disconnect)
        return self._registry.revoke(revocation, now=asyncio.get_running_loop().time())


def _reason(reason: object) -> str:
    """Plain words, never empty and never too long (protocol.md §10)."""
    if not isinstance(reason, str) or not reason:
        return Disconnects.FORCED.reason
    return reason.encode()[:_LONGEST_REASON_BYTES].decode(errors="ignore")
