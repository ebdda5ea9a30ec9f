"""The protocol of one connection, without I/O.

Commands and answers of others go in as data, effects come out; no socket, no loop, no clock. The states
are `State`; in CLOSED and REFUSED whatever comes is ignored.
"""

from collections.abc import Mapping
from enum import Enum

from server.storage.presence.port import ClientInfo
from server.ws.effects import Answer, Authenticate, Close, Effect, Reauthenticate, Run, SendPing
from server.ws.lifeline import Lifeline
from server.ws.limits import Limits
from server.ws.ports import Identity
from server.ws.recovery import Joined
from server.ws.rules import ChannelRules
from server.ws.subscriptions import Subscriptions
from server.ws.wire import answers, commands
from server.ws.wire.answers import Address, Reply, Result
from server.ws.wire.codes import Disconnect, Disconnects, ErrorCode, Errors, Unsubscriptions
from server.ws.wire.commands import Command

SERVER_VERSION = "peihu/1"
_NONSENSE = (Errors.BAD_REQUEST, Errors.METHOD_NOT_FOUND)


class State(Enum):
    """Waiting for connect, asking who it is, connected, refused with an error reply, closed."""

    WAITING = "waiting"
    AUTHENTICATING = "authenticating"
    CONNECTED = "connected"
    REFUSED = "refused"
    CLOSED = "closed"


class Session:
    """Decides what each command means now. Instants are seconds on one monotonic clock."""

    __slots__ = (
        "client", "address", "state", "identity", "subscriptions", "lifeline", "_limits", "_rules", "_nonsense",
    )  # fmt: skip

    def __init__(
        self, client: str, *, limits: Limits, rules: ChannelRules, now: float, address: Address | None = None
    ) -> None:
        self.client = client
        self.address = address
        self.state = State.WAITING
        self.identity: Identity | None = None
        self.subscriptions = Subscriptions(rules=rules, most=limits.channels_per_connection)
        self.lifeline = Lifeline(limits, now + limits.authenticate_within_s)
        self._limits = limits
        self._rules = rules
        self._nonsense = 0

    @property
    def info(self) -> ClientInfo:
        """What others may see of this connection."""
        identity = self.known_identity
        return ClientInfo(identity.user_id, self.client, identity.info)

    @property
    def known_identity(self) -> Identity:
        if self.identity is None:
            raise RuntimeError("the session is not connected")
        return self.identity

    def receive(self, command: Command) -> tuple[Effect, ...]:
        """What to do about one command; commands come in the order they were sent."""
        if self.state is State.CONNECTED:
            return self._obey(command)
        if self.state is State.WAITING and isinstance(command, commands.Connect):
            self.state = State.AUTHENTICATING
            self.lifeline.wait()
            return (Authenticate(command),)
        if self.state in (State.WAITING, State.AUTHENTICATING):
            return self.end(Disconnects.BAD_REQUEST)
        return ()

    def _obey(self, command: Command) -> tuple[Effect, ...]:
        match command:
            case commands.Pong():
                self.lifeline.pong()
                return ()
            case commands.Send():
                return ()
            case commands.Rpc() | commands.History() | commands.Presence() | commands.PresenceStats():
                return (Run(command),)
            case commands.Subscribe():
                return self.subscriptions.subscribe(command)
            case commands.Unsubscribe(channel=channel):
                left = self.subscriptions.forget(channel)
                return (*left, _answer(command.id, Result("unsubscribe")))
            case commands.Refresh():
                return (Reauthenticate(command),)
            case commands.SubRefresh(channel=channel):
                return (_answer(command.id, self._sub_refresh_error(channel)),)
            case commands.Ping():
                return (_answer(command.id, Result("ping")),)
            case commands.Publish():
                return (_answer(command.id, Errors.PERMISSION_DENIED),)
            case commands.Malformed(error=error):
                return (_answer(command.id, error),)
        return self.end(Disconnects.BAD_REQUEST)  # a second connect must not switch the user

    def _sub_refresh_error(self, channel: str) -> ErrorCode:
        return Errors.NOT_AVAILABLE if channel in self.subscriptions else Errors.PERMISSION_DENIED

    def identified(self, identity: Identity) -> tuple[str, ...]:
        """The token is good; the channels to join for this connection before it is told so."""
        self.identity = identity
        channels = self._rules.at_connect(identity)
        self.subscriptions.begin_by_server(channels)
        return channels

    def connected(
        self, command: commands.Connect, joined: Mapping[str, Joined], *, now: float, ttl_s: float, chance: float
    ) -> Reply:
        """All server-side channels are joined; `chance` in [0, 1) spreads the first ping."""
        self.state = State.CONNECTED
        self.lifeline.begin(now, ttl_s=ttl_s, chance=chance)
        subs = {channel: self.subscriptions.settle(channel, place) for channel, place in joined.items()}
        result = answers.connected(
            client=self.client, version=SERVER_VERSION, ttl_s=_whole(ttl_s), ping_s=self._limits.ping_interval_s,
            subs=subs, address=self.address,
        )  # fmt: skip
        return Reply(command.id, result)

    def refused(self, command: commands.Connect, error: ErrorCode, *, now: float) -> tuple[Effect, ...]:
        """The connect gets an error; the client closes the connection itself."""
        self.state = State.REFUSED
        self.subscriptions.clear()
        self.lifeline.refuse(now)
        return (_answer(command.id, error),)

    def refreshed(
        self, command: commands.Refresh, identity: Identity, *, now: float, ttl_s: float
    ) -> tuple[Effect, ...]:
        """A newer token of the same user prolongs the connection; of another user it ends it."""
        if identity.user_id != self.known_identity.user_id:
            return self.end(Disconnects.INVALID_TOKEN)
        self.identity = identity
        self.lifeline.renew(now, ttl_s=ttl_s)
        return (
            _answer(command.id, answers.refreshed(client=self.client, version=SERVER_VERSION, ttl_s=_whole(ttl_s))),
        )

    def lost_track(self, channel: str) -> tuple[Effect, ...]:
        """The channel cannot be delivered without a gap; a server-side one has no way to resubscribe."""
        if self.subscriptions.is_by_server(channel):
            return self.end(Disconnects.INSUFFICIENT_STATE)
        return self.subscriptions.end(channel, Unsubscriptions.INSUFFICIENT_STATE)

    def tick(self, now: float) -> tuple[Effect, ...]:
        """What the time asks for; `lifeline.next_at()` says when to come again."""
        overdue = self.lifeline.overdue(now)
        if overdue is not None:
            return self.end(overdue)
        return (SendPing(),) if self.lifeline.ping_is_due(now) else ()

    def is_fed_up(self, reply: Reply) -> bool:
        """Count answers to nonsense; True when a client has sent nothing else for too long."""
        self._nonsense = self._nonsense + 1 if reply.answer in _NONSENSE else 0
        return self._nonsense >= self._limits.errors_in_a_row

    def end(self, disconnect: Disconnect) -> tuple[Effect, ...]:
        """Close the connection; repeated calls do nothing."""
        if self.state is State.CLOSED:
            return ()
        self.state = State.CLOSED
        return (Close(disconnect),)


def _answer(command_id: int, answer: Result | ErrorCode) -> Answer:
    return Answer(Reply(command_id, answer))


def _whole(ttl_s: float) -> int:
    return max(1, int(ttl_s))  # 0 would be left out by other codecs, and clients read it without default
