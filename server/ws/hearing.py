"""What a client says: read, decided by its session, obeyed.

Most of it is done at once; only where somebody else must be asked, or the client must read first, is there
something to wait for, and then nothing further is obeyed meanwhile.
"""

import logging
from collections import Counter
from collections.abc import Awaitable, Iterator
from typing import Protocol

from server.ws.effects import Authenticate, Effect, Join, Reauthenticate
from server.ws.entrance import Entrance
from server.ws.guest import Guest
from server.ws.pace import Paces
from server.ws.seating import ConnectionGone
from server.ws.wire.codes import Disconnects
from server.ws.wire.commands import BadFrame, Command

_log = logging.getLogger(__name__)
_SLOW = (Authenticate, Join, Reauthenticate)  # somebody else must be asked


class Obedient(Guest, Protocol):
    """The connection, as its hearing sees it."""

    def do_all(self, effects: tuple[Effect, ...]) -> None:
        """Carry out what needs nobody else."""

    def set_deadline(self) -> None:
        """Let the wheel come when the session's next deadline has come."""


class Hearing:
    """One for all connections; keeps nothing of them."""

    def __init__(self, *, entrance: Entrance, paces: Paces, counts: Counter[str]) -> None:
        self._entrance = entrance
        self._paces = paces
        self._counts = counts

    def hear(self, guest: Obedient, message: str | bytes) -> Awaitable[None] | None:
        """One message; the next must wait for what this returns. Raises nothing."""
        if message == guest.codec.pong and guest.session.lifeline.pong_due_at is not None:
            guest.session.lifeline.pong()  # by far the most frequent message
            return None
        try:
            commands = iter(guest.codec.decode(message))
            slow = self._obey(guest, commands)
            return None if slow is None else self._wait(guest, slow, commands)
        except BadFrame:
            guest.close(Disconnects.BAD_REQUEST)
        except Exception:
            self.fail(guest, "a live command failed")
        return None

    def _obey(self, guest: Obedient, commands: Iterator[Command]) -> tuple[Effect, ...] | None:
        """Until something is slow, which is returned, or until their end."""
        for command in commands:
            self._counts[f"command_{type(command).__name__.lower()}"] += 1
            self._paces.note(guest)
            effects = guest.session.receive(command)
            if any(isinstance(effect, _SLOW) for effect in effects):
                return effects
            guest.do_all(effects)
            if guest.outbound.has_large_reply:
                return ()
        return None

    async def _wait(self, guest: Obedient, slow: tuple[Effect, ...] | None, commands: Iterator[Command]) -> None:
        try:
            while slow is not None:
                for effect in slow:
                    guest.do_all(await self._asked(guest, effect))
                if guest.outbound.has_large_reply:
                    await guest.outbound.drained()
                slow = self._obey(guest, commands)
        except ConnectionGone:
            return
        except Exception:
            self.fail(guest, "a live command failed")

    async def _asked(self, guest: Obedient, effect: Effect) -> tuple[Effect, ...]:
        match effect:
            case Authenticate(command=connect):
                effects = await self._entrance.connect(guest, connect)
                guest.set_deadline()
                return effects
            case Join(command=subscribe):
                return await self._entrance.subscribe(guest, subscribe)
            case Reauthenticate(command=refresh):
                return await self._entrance.refresh(guest, refresh)
        return (effect,)

    def fail(self, guest: Guest, what: str) -> None:
        """A bug costs its own connection. Call where the exception is handled."""
        self._counts["bugs"] += 1
        _log.exception(what)
        guest.close(Disconnects.INTERNAL)
