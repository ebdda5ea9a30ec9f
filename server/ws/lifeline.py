"""When a connection is pinged, missed or expired: pure time."""

from dataclasses import dataclass

from server.ws.limits import Limits
from server.ws.wire.codes import Disconnect, Disconnects


@dataclass(slots=True)
class Lifeline:
    """Deadlines of one connection on one monotonic clock, in seconds; None where none is running."""

    limits: Limits
    ends_at: float | None  # the connection is closed with `ending` then
    ending: Disconnect = Disconnects.STALE
    ping_at: float | None = None
    pong_due_at: float | None = None

    def next_at(self) -> float | None:
        """The earliest deadline."""
        return min((at for at in (self.ends_at, self.ping_at, self.pong_due_at) if at is not None), default=None)

    def wait(self) -> None:
        """It is our turn: the client's silence is no fault of its."""
        self.ends_at = None

    def refuse(self, now: float) -> None:
        """A refused client closes by itself; one that does not is closed."""
        self.ends_at, self.ending = now + self.limits.authenticate_within_s, Disconnects.CONNECTION_CLOSED
        self.ping_at = self.pong_due_at = None

    def begin(self, now: float, *, ttl_s: float, chance: float) -> None:
        """Connected: the first ping comes at a random time, so that connections of one second spread out."""
        self.renew(now, ttl_s=ttl_s)
        self.ping_at = now + self.limits.ping_interval_s * (0.5 + chance / 2)

    def renew(self, now: float, *, ttl_s: float) -> None:
        """A token with this many seconds to live; clients ask for a new one only when it has run out."""
        self.ends_at, self.ending = now + ttl_s + self.limits.expiry_grace_s, Disconnects.EXPIRED

    def pong(self) -> None:
        """Any pong will do; one that nobody asked for is a phone that woke up."""
        self.pong_due_at = None

    def overdue(self, now: float) -> Disconnect | None:
        """Why the connection must end now, if it must."""
        if self.ends_at is not None and now >= self.ends_at:
            return self.ending
        if self.pong_due_at is not None and now >= self.pong_due_at:
            return Disconnects.NO_PONG
        return None

    def ping_is_due(self, now: float) -> bool:
        """True when a ping must be sent now; its pong is awaited from then on."""
        if self.ping_at is None or now < self.ping_at:
            return False
        self.ping_at = now + self.limits.ping_interval_s
        self.pong_due_at = now + self.limits.pong_timeout_s
        return True
