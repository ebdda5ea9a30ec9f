"""Lets connections in, and into channels."""

import asyncio
import random
import time
from typing import Protocol

from server.core.errors import Refused, Unavailable
from server.ws.effects import Answer, Effect
from server.ws.hub import Hub
from server.ws.limits import Limits
from server.ws.outbound import Outbound
from server.ws.ports import Authenticate, Identity, MayFollow
from server.ws.recovery import Joined
from server.ws.registry import Member, Registry
from server.ws.roll import Roll
from server.ws.rules import ChannelRules
from server.ws.seat import Occupant, Seat
from server.ws.session import Session, State
from server.ws.wire.answers import Reply
from server.ws.wire.codec import Codec
from server.ws.wire.codes import Disconnects, ErrorCode, Errors
from server.ws.wire.commands import Connect, Refresh, Resume, Subscribe


class Guest(Member, Occupant, Protocol):
    """A connection, as the entrance sees it."""

    session: Session
    outbound: Outbound
    codec: Codec
    seats: dict[str, Seat]

    def reply(self, reply: Reply) -> None:
        """Queue a reply."""


class ConnectionGone(Exception):
    """The connection closed while somebody was asked for it; there is nothing left to do."""


class Entrance:
    """One for all connections; each method is awaited before the next command of the connection."""

    def __init__(
        self, *, authenticate: Authenticate, may_follow: MayFollow, hub: Hub, registry: Registry, roll: Roll,
        rules: ChannelRules, limits: Limits,
    ) -> None:  # fmt: skip
        self._authenticate = authenticate
        self._may_follow = may_follow
        self._hub = hub
        self._registry = registry
        self._roll = roll
        self._rules = rules
        self._limits = limits

    async def connect(self, guest: Guest, command: Connect) -> tuple[Effect, ...]:
        """Find out who it is, join the server-side channels, answer."""
        session = guest.session
        try:
            async with asyncio.timeout(self._limits.answer_within_s):
                return await self._let_in(guest, command)
        except Refused as refusal:
            if refusal.code == "token_expired":
                return session.refused(command, Errors.TOKEN_EXPIRED, now=_now())
            return session.end(Disconnects.INVALID_TOKEN)
        except (Unavailable, TimeoutError):
            self.leave(guest)
            guest.outbound.drop_held()
            return session.refused(command, Errors.INTERNAL, now=_now())

    async def _let_in(self, guest: Guest, command: Connect) -> tuple[Effect, ...]:
        session, asked_at = guest.session, _now()
        identity = await self._authenticate(command.token)
        _still_open(session)
        no_entry = self._registry.add(guest, identity, asked_at=asked_at)
        if no_entry is not None:
            return session.end(no_entry)
        channels = session.identified(identity)
        guest.outbound.hold()  # pushes of channels already joined come after the one reply for all
        joined: dict[str, Joined] = {}
        for channel in channels:
            joined[channel] = await self._prepare(guest, channel, command.subs.get(channel))
            self._enter(guest, channel, joined[channel])
        reply = session.connected(command, joined, now=_now(), ttl_s=_ttl_s(identity), chance=random.random())
        guest.outbound.release(guest.codec.encode_reply(reply))
        return ()

    async def subscribe(self, guest: Guest, command: Subscribe) -> tuple[Effect, ...]:
        """Ask permission, take a seat, answer; the reply leaves before any push of the channel."""
        session, channel = guest.session, command.channel
        try:
            async with asyncio.timeout(self._limits.answer_within_s):
                if not await self._may_follow(session.known_identity, channel):
                    return (Answer(session.subscriptions.join_failed(command, Errors.PERMISSION_DENIED)),)
                joined = await self._prepare(guest, channel, command.resume, join_leave=command.join_leave)
        except TimeoutError:  # fast, because a client drops its whole connection after 5 s
            return (Answer(session.subscriptions.join_failed(command, Errors.TOO_MANY_REQUESTS)),)
        except Refused:
            return (Answer(session.subscriptions.join_failed(command, Errors.PERMISSION_DENIED)),)
        except Unavailable:
            return (Answer(session.subscriptions.join_failed(command, Errors.INTERNAL)),)
        reply = session.subscriptions.joined(command, joined)
        guest.reply(reply)
        if isinstance(reply.answer, ErrorCode):
            self._hub.leave(guest.seats.pop(channel))
        else:
            self._enter(guest, channel, joined)
        return ()

    async def refresh(self, guest: Guest, command: Refresh) -> tuple[Effect, ...]:
        """Prolong the connection by a newer token."""
        session = guest.session
        try:
            async with asyncio.timeout(self._limits.answer_within_s):
                identity = await self._authenticate(command.token)
        except Refused as refusal:
            expired = refusal.code == "token_expired"
            return session.end(Disconnects.EXPIRED if expired else Disconnects.INVALID_TOKEN)
        except (Unavailable, TimeoutError):
            return (Answer(Reply(command.id, Errors.INTERNAL)),)
        _still_open(session)
        effects = session.refreshed(command, identity, now=_now(), ttl_s=_ttl_s(identity))
        if session.state is State.CONNECTED:
            self._registry.replace(guest, identity)
        return effects

    def leave(self, guest: Guest, *, lingers: bool = True) -> None:
        """Take the connection out of everything; harmless when repeated. `lingers`: it may be back in a moment."""
        if guest.session.identity is not None:
            self._registry.remove(guest, guest.session.identity)
        for channel in tuple(guest.seats):
            self.leave_channel(guest, channel, lingers=lingers)

    def leave_channel(self, guest: Guest, channel: str, *, lingers: bool = True) -> None:
        """Give one seat up; unknown channels are ignored."""
        seat = guest.seats.pop(channel, None)
        if seat is None:
            return
        was_inside = not seat.joining
        self._hub.leave(seat)
        if was_inside and self._has_presence(channel):
            self._roll.leave(channel, guest.session.info, lingers=lingers)

    async def _prepare(self, guest: Guest, channel: str, resume: Resume | None, *, join_leave: bool = False) -> Joined:
        _still_open(guest.session)
        watches = join_leave and self._has_presence(channel)
        seat = Seat(channel, guest, guest.outbound, guest.codec, watches=watches)
        guest.seats[channel] = seat
        self._hub.reserve(seat)
        joined = None
        try:
            joined = await self._hub.prepare(seat, resume)
        finally:
            if joined is None:
                guest.seats.pop(channel, None)
                self._hub.leave(seat)
        _still_open(guest.session)
        return joined

    def _enter(self, guest: Guest, channel: str, joined: Joined) -> None:
        self._hub.enter(guest.seats[channel], joined)
        if self._has_presence(channel):
            self._roll.join(channel, guest.session.info)

    def _has_presence(self, channel: str) -> bool:
        rule = self._rules.of(channel)
        return rule is not None and rule.presence


def _still_open(session: Session) -> None:
    if session.state is State.CLOSED:
        raise ConnectionGone


def _now() -> float:
    return asyncio.get_running_loop().time()


def _ttl_s(identity: Identity) -> float:
    return identity.expires_at - time.time()
