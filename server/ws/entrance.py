"""Lets connections in, and into channels."""

import asyncio
import random
import time

from server.core.errors import Refused, Unavailable
from server.ws.effects import Answer, Effect
from server.ws.guest import Guest
from server.ws.limits import Limits
from server.ws.ports import Authenticate, Identity, MayFollow
from server.ws.rate import Bucket
from server.ws.recovery import Joined
from server.ws.registry import Registry
from server.ws.seating import Seating, still_open
from server.ws.session import State
from server.ws.wire.answers import Reply
from server.ws.wire.codes import Disconnects, ErrorCode, Errors
from server.ws.wire.commands import Connect, Refresh, Subscribe

_CONNECTS_A_HANDSHAKE = 2  # a second: a loop that stood still makes connects come closer than their handshakes


class Entrance:
    """One for all connections; each method is awaited before the next command of the connection."""

    def __init__(
        self, *, authenticate: Authenticate, may_follow: MayFollow, registry: Registry, seating: Seating,
        limits: Limits,
    ) -> None:  # fmt: skip
        self._authenticate = authenticate
        self._may_follow = may_follow
        self._registry = registry
        self._seating = seating
        self._limits = limits
        # Handshakes are bounded already, and connects follow them; this is for those who waited to come all at once.
        at_once = limits.handshakes_per_s
        self._connects = Bucket(_CONNECTS_A_HANDSHAKE * at_once, now=0.0, at_once=max(at_once, 1.0))

    async def connect(self, guest: Guest, command: Connect) -> tuple[Effect, ...]:
        """Find out who it is, join the server-side channels, answer."""
        session = guest.session
        if self._connects.take(_now()):
            return session.refused(command, Errors.TOO_MANY_REQUESTS, now=_now())
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
        still_open(session)
        no_entry = self._registry.add(guest, identity, asked_at=asked_at)
        if no_entry is not None:
            return session.end(no_entry)
        channels = session.identified(identity)
        guest.outbound.hold()  # pushes of channels already joined come after the one reply for all
        joined: dict[str, Joined] = {}
        for channel in channels:
            seat, joined[channel] = await self._seating.prepare(guest, channel, command.subs.get(channel))
            self._seating.enter(guest, seat, joined[channel])
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
                seat, joined = await self._seating.prepare(
                    guest, channel, command.resume, join_leave=command.join_leave
                )
        except TimeoutError:  # fast, because a client drops its whole connection after 5 s
            return (Answer(session.subscriptions.join_failed(command, Errors.TOO_MANY_REQUESTS)),)
        except Refused:
            return (Answer(session.subscriptions.join_failed(command, Errors.PERMISSION_DENIED)),)
        except Unavailable:
            return (Answer(session.subscriptions.join_failed(command, Errors.INTERNAL)),)
        reply = session.subscriptions.joined(command, joined)
        guest.reply(reply)
        if isinstance(reply.answer, ErrorCode):
            self._seating.give_up(guest, seat)
        else:
            self._seating.enter(guest, seat, joined)
        return ()

    async def subscribe_unasked(self, guest: Guest, channel: str) -> None:
        """Join a connection to a channel because the server wants it; the push leaves before any other of it.

        Nothing when it follows the channel already. An order is no permission: raises Refused for who may not
        follow it; Unavailable; ConnectionGone.
        """
        session = guest.session
        still_open(session)
        slot = session.subscriptions.begin_unasked(channel)
        if slot is None:
            return
        push = None
        try:
            async with asyncio.timeout(self._limits.answer_within_s):
                if not await self._may_follow(session.known_identity, channel):
                    raise Refused("forbidden")
                seat, joined = await self._seating.prepare(guest, channel, None)
            push = session.subscriptions.joined_unasked(channel, slot, joined)
        except TimeoutError:
            raise Unavailable() from None
        finally:
            if push is None:
                session.subscriptions.withdraw(channel, slot)
        if push is None:
            self._seating.give_up(guest, seat)
            return
        guest.outbound.put(guest.codec.encode_push(push))
        self._seating.enter(guest, seat, joined)

    async def refresh(self, guest: Guest, command: Refresh) -> tuple[Effect, ...]:
        """Prolong the connection by a newer token."""
        session, asked_at = guest.session, _now()
        try:
            async with asyncio.timeout(self._limits.answer_within_s):
                identity = await self._authenticate(command.token)
        except Refused as refusal:
            expired = refusal.code == "token_expired"
            return session.end(Disconnects.EXPIRED if expired else Disconnects.INVALID_TOKEN)
        except (Unavailable, TimeoutError):
            return (Answer(Reply(command.id, Errors.INTERNAL)),)
        still_open(session)
        revoked = self._registry.revoked_since(asked_at, identity)
        if revoked is not None:
            return session.end(revoked)
        effects = session.refreshed(command, identity, now=_now(), ttl_s=_ttl_s(identity))
        if session.state is State.CONNECTED:
            self._registry.replace(guest, identity)
        return effects

    def leave(self, guest: Guest, *, lingers: bool = True) -> None:
        """Take the connection out of everything; harmless when repeated. `lingers`: it may be back in a moment."""
        if guest.session.identity is not None:
            self._registry.remove(guest, guest.session.identity)
        for channel in tuple(guest.seats):
            self._seating.leave(guest, channel, lingers=lingers)

    def leave_channel(self, guest: Guest, channel: str) -> None:
        """Give one seat up; unknown channels are ignored."""
        self._seating.leave(guest, channel)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _ttl_s(identity: Identity) -> float:
    return identity.expires_at - time.time()
