"""One client: carries out what its session decides.

The socket edge gives it messages and the end, the wheel gives it time, the hub and the registry tell it
what happened elsewhere. Nothing runs for it while it is idle.
"""

import asyncio
from collections.abc import Awaitable

from server.ws.calls import Calls
from server.ws.effects import (
    Answer,
    Close,
    Effect,
    Leave,
    Run,
    SendPing,
    Slow,
    Tell,
)
from server.ws.outbound import Outbound
from server.ws.ports import Transport
from server.ws.room import Room
from server.ws.seat import Seat
from server.ws.session import Session, State
from server.ws.wire.answers import Reply
from server.ws.wire.codec import Codec
from server.ws.wire.codes import Disconnect, Disconnects, ErrorCode, Unsubscription

_GOODBYE_S = 1.0  # a slow reader has this long to read why it is closed


class Connection:
    """Implements `Obedient`, `Caller` and `Timed`."""

    __slots__ = ("session", "outbound", "codec", "seats", "_room", "_transport", "remote_address", "_calls")

    def __init__(
        self, room: Room, transport: Transport, *, session: Session, codec: Codec, remote_address: str
    ) -> None:
        self.session = session
        self.codec = codec
        self.seats: dict[str, Seat] = {}
        self.outbound = Outbound(
            transport.stream, turn=room.turn, queue_bytes=room.limits.queue_bytes, on_slow=self._too_slow
        )
        self._room = room
        self._transport = transport
        self.remote_address = remote_address
        self._calls: Calls | None = None

    @property
    def is_busy(self) -> bool:
        """Whether somebody works on a command of it."""
        return self._calls is not None and self._calls.is_busy

    def receive(self, message: str | bytes) -> Awaitable[None] | None:
        """One message of the client; the next must wait for what this returns."""
        return self._room.hearing.hear(self, message)

    def do_all(self, effects: tuple[Effect, ...]) -> None:
        """See `Obedient`."""
        for effect in effects:
            self._do(effect)

    def _do(self, effect: Effect) -> None:
        match effect:
            case Answer(reply=reply):
                self.reply(reply)
            case Tell(push=push):
                self.outbound.put(self.codec.encode_push(push))
            case SendPing():
                self.outbound.put(self.codec.ping)
            case Leave(channel=channel):
                self._room.entrance.leave_channel(self, channel)
            case Run(command=command):
                self._run(command)
            case Close(disconnect=disconnect):
                self._close(disconnect)

    def reply(self, reply: Reply) -> None:
        """Queue a reply; too many answers to nonsense in a row end the connection."""
        if isinstance(reply.answer, ErrorCode):
            self._room.counts[f"error_{reply.answer.code}"] += 1
        self.outbound.put_reply(self.codec.encode_reply(reply))
        if self.session.is_fed_up(reply):
            self.close(Disconnects.BAD_REQUEST)

    def _run(self, command: Slow) -> None:
        if self._calls is None:
            room = self._room
            self._calls = Calls(self, desk=room.desk, tasks=room.tasks, limits=room.limits, counts=room.counts)
        self._calls.put(command)

    def lost_track(self, channel: str) -> None:
        """See `Occupant`."""
        self.do_all(self.session.lost_track(channel))

    def unsubscribe(self, channel: str, ending: Unsubscription) -> None:
        """See `Guest`."""
        self.do_all(self.session.subscriptions.unsubscribe(channel, ending))

    def close(self, disconnect: Disconnect) -> None:
        """End the connection with a close frame; repeated calls do nothing."""
        self.do_all(self.session.end(disconnect))

    def tick(self, now: float) -> float | None:
        """See `Timed`."""
        try:
            self.do_all(self.session.tick(now))
        except Exception:
            self._room.hearing.fail(self, "a deadline failed")
        return None if self.session.state is State.CLOSED else self.session.lifeline.next_at()

    def set_deadline(self) -> None:
        """Let the wheel come when the session's next deadline has come."""
        at = self.session.lifeline.next_at()
        if at is not None and self.session.state is not State.CLOSED:
            self._room.wheel.set(self, at)

    def _close(self, disconnect: Disconnect) -> None:
        self._room.counts[f"closed_{disconnect.code}"] += 1
        self.outbound.close()
        self._transport.close(disconnect.code, disconnect.reason)
        self._leave(lingers=disconnect.reconnects and disconnect is not Disconnects.NO_PONG)

    def gone(self) -> None:
        """The socket is closed, by whomever."""
        self.session.state = State.CLOSED
        self.outbound.close()
        self._leave()

    def _leave(self, *, lingers: bool = True) -> None:
        self._room.wheel.remove(self)
        self._room.entrance.leave(self, lingers=lingers)
        if self._calls is not None:
            self._calls.drop_waiting()

    def abort(self) -> None:
        """Drop the socket without a word."""
        self._transport.abort()

    def _too_slow(self) -> None:
        self.close(Disconnects.SLOW)
        asyncio.get_running_loop().call_later(_GOODBYE_S, self._transport.abort)
