"""Carries the sandbox provider's notifications to us.

Like a real provider it knows nothing of our state: it sends until an answer of 2xx, with growing pauses,
and goes on after a restart because everything stands in its book.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta

from server.core.clock import server_now
from server.core.errors import Unavailable
from server.core.tasks import Tasks
from server.payment.sandbox_book import Letter, SandboxBook
from server.payment.sandbox_letters import SandboxKey
from server.payment.sandbox_till import SandboxTill
from server.payment.sandbox_wakeups import Wakeups

# await post(url, headers, body) -> HTTP status; 0 when nobody answered in time.
Post = Callable[[str, Mapping[str, str], bytes], Awaitable[int]]

_log = logging.getLogger(__name__)
_CLAIM = timedelta(seconds=10)  # longer than a post may take
_PAUSES_S = (1.0, 2.0, 5.0, 15.0, 30.0, 60.0, 180.0, 600.0, 1200.0, 1800.0)  # the last one repeats
_GIVE_UP_AFTER = timedelta(hours=24)  # as WeChat Pay does


class SandboxCourier:
    """One eternal task; `run_once` is a round of it."""

    def __init__(
        self,
        *,
        book: SandboxBook,
        till: SandboxTill,
        key: SandboxKey,
        wakeups: Wakeups,
        post: Post,
        sweep_every_s: float = 1.0,
        pauses_s: tuple[float, ...] = _PAUSES_S,
    ) -> None:
        self._book = book
        self._till = till
        self._key = key
        self._wakeups = wakeups
        self._post = post
        self._sweep_every_s = sweep_every_s
        self._pauses_s = pauses_s
        self._tasks = Tasks("sandbox_courier")

    def start(self) -> None:
        self._tasks.forever("rounds", self._go_round)

    async def stop(self) -> None:
        await self._tasks.stop()

    async def _go_round(self) -> None:
        while True:
            try:
                for letter in await self._collect():
                    self._tasks.start("letter", self._carry_or_leave(letter))
            except Unavailable:
                _log.info("the sandbox's book cannot be read now")
            await self._wakeups.wait(at_most_s=self._sweep_every_s)

    async def run_once(self) -> None:
        """Settle what is due and carry every letter that is due, one after another."""
        for letter in await self._collect():
            await self._carry(letter)

    async def _collect(self) -> list[Letter]:
        await self._till.settle_due()
        now = server_now()
        return await self._book.claim_letters(now, until=now + _CLAIM)

    async def _carry_or_leave(self, letter: Letter) -> None:
        """A letter whose end cannot be noted now is carried once more when its claim has run out."""
        try:
            await self._carry(letter)
        except Unavailable:
            _log.info("a notification's end could not be noted", extra={"letter_id": letter.letter_id})

    async def _carry(self, letter: Letter) -> None:
        body = letter.body.encode()
        status = await self._post(letter.url, self._key.sign(body, at=server_now()), body)
        now = server_now()
        if 200 <= status < 300:
            await self._book.letter_sent(letter, at=now)
            return
        _log.info("notification not taken", extra={"letter_id": letter.letter_id, "status": status})
        await self._book.letter_again(letter, at=self._next_try(letter, now))

    def _next_try(self, letter: Letter, now: datetime) -> datetime | None:
        if now - letter.created_at > _GIVE_UP_AFTER:
            return None
        pause_s = self._pauses_s[min(letter.attempts, len(self._pauses_s) - 1)]
        self._wakeups.after(pause_s)
        return now + timedelta(seconds=pause_s)
