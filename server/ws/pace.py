"""Notices who never stops talking."""

import asyncio

from server.ws.guest import Guest
from server.ws.limits import Limits
from server.ws.rate import Bucket
from server.ws.wire.codes import Disconnects


class Paces:
    """The pace of those connections that said something of late; nothing is kept of silent ones.

    Even a refusal costs more than what it answers: beyond the bound there is no answer but 3013.
    """

    def __init__(self, limits: Limits) -> None:
        self._per_s = limits.commands_per_s
        self._at_once = limits.commands_per_s + limits.commands_per_frame
        self._full_after_s = self._at_once / self._per_s
        self._lately: dict[str, Bucket] = {}
        self._before: dict[str, Bucket] = {}
        self._turns_at = 0.0

    def note(self, guest: Guest) -> None:
        """It said something that no ping of ours asked for: a command, or a ping of its own."""
        if self.is_too_fast(guest.session.client):
            guest.close(Disconnects.TOO_MANY_REQUESTS)

    def is_too_fast(self, client: str) -> bool:
        now = asyncio.get_running_loop().time()
        if now >= self._turns_at:  # whoever is forgotten here has been silent until its bucket was full again
            self._before, self._lately = self._lately, {}
            self._turns_at = now + self._full_after_s
        bucket = self._lately.get(client)
        if bucket is None:
            bucket = self._before.get(client) or Bucket(self._per_s, now=now, at_once=self._at_once)
            self._lately[client] = bucket
        return bucket.take(now) > 0
