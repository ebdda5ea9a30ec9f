"""Answers what takes a while: rpc, history, presence."""

import asyncio
import logging
from collections import Counter

from server.core.errors import Refused, Unavailable
from server.storage.channel_log.port import ChannelLog, Slice
from server.storage.presence.port import Presence
from server.ws.effects import Slow
from server.ws.limits import Limits
from server.ws.ports import CallMethod, Identity, MayFollow, UnknownMethod
from server.ws.rules import ChannelRules
from server.ws.wire import answers, commands
from server.ws.wire.answers import Publication, Reply, Result
from server.ws.wire.codes import ErrorCode, Errors

_log = logging.getLogger(__name__)
_FIRST_FIELD_IS_TOLD = ("invalid", "unknown_field")
_TEMPORARY_STATUS = (429, 503)


class Desk:
    """One for all connections; keeps nothing between questions."""

    def __init__(
        self, *, call: CallMethod, may_follow: MayFollow, log: ChannelLog, presence: Presence, rules: ChannelRules,
        limits: Limits, counts: Counter[str],
    ) -> None:  # fmt: skip
        self._call = call
        self._may_follow = may_follow
        self._channel_log = log
        self._presence = presence
        self._rules = rules
        self._limits = limits
        self._counts = counts

    async def reply(self, command: Slow, *, identity: Identity, follows: bool, remote_address: str) -> Reply:
        """The reply to a command. `follows`: whether the connection is subscribed to its channel."""
        try:
            if isinstance(command, commands.Rpc):
                answer: Result | ErrorCode = await self._rpc(command, identity, remote_address)
            else:
                async with asyncio.timeout(self._limits.answer_within_s):
                    answer = await self._look_up(command, identity, follows=follows)
        except (Unavailable, TimeoutError):
            answer = Errors.INTERNAL
        except Exception:
            self._counts["bugs"] += 1
            _log.exception("a live command failed", extra={"command": type(command).__name__})
            answer = Errors.INTERNAL
        return Reply(command.id, answer)

    async def _rpc(self, command: commands.Rpc, identity: Identity, remote_address: str) -> Result | ErrorCode:
        try:
            async with asyncio.timeout(self._limits.call_within_s):
                data = await self._call(identity, command.method, command.data, remote_address)
        except Refused as refusal:
            return refusal_code(refusal)
        except Unavailable as trouble:
            return ErrorCode(503, trouble.code, temporary=True)
        except TimeoutError:
            return ErrorCode(503, "unavailable", temporary=True)
        except UnknownMethod:
            return Errors.METHOD_NOT_FOUND
        return Result("rpc", {"data": data})

    async def _look_up(
        self, command: commands.History | commands.Presence | commands.PresenceStats, identity: Identity, *,
        follows: bool,
    ) -> Result | ErrorCode:  # fmt: skip
        rule = self._rules.of(command.channel)
        if rule is None or not (follows or await self._may_follow(identity, command.channel)):
            return Errors.PERMISSION_DENIED
        if isinstance(command, commands.History):
            return await self._history(command) if rule.recoverable else Errors.NOT_AVAILABLE
        if not rule.presence:
            return Errors.NOT_AVAILABLE
        members = await self._presence.members(command.channel)
        if isinstance(command, commands.Presence):
            return answers.presence(members)
        return answers.presence_stats(clients=len(members), users=len({info.user for info in members.values()}))

    async def _history(self, command: commands.History) -> Result | ErrorCode:
        known = await self._slice(command)
        if known.is_cut:
            return Errors.HISTORY_AWAY
        since = command.since
        if since is not None and since.epoch not in ("", known.top.epoch):
            return Errors.UNRECOVERABLE
        publications = tuple(Publication(event.offset, event.data) for event in known.events)
        return answers.history(epoch=known.top.epoch, offset=known.top.offset, publications=publications)

    async def _slice(self, command: commands.History) -> Slice:
        most = self._limits.history_entries
        limit = most if command.limit < 0 else min(command.limit, most)
        if limit == 0:
            return Slice((), await self._channel_log.top(command.channel))
        since = command.since
        if command.reverse:
            return await self._channel_log.before(command.channel, since.offset if since else None, limit=limit)
        return await self._channel_log.since(
            command.channel, since.offset if since else 0, limit=limit, max_bytes=self._limits.recovery_bytes
        )


def refusal_code(refusal: Refused) -> ErrorCode:
    """The HTTP status as code, the stable code as message (contract §8)."""
    message = refusal.code
    if refusal.code in _FIRST_FIELD_IS_TOLD and refusal.errors:
        message = f"{message}:{refusal.errors[0].field}"
    return ErrorCode(refusal.status, message, temporary=refusal.status in _TEMPORARY_STATUS)
