"""Lets handshakes in as fast as they can be served.

Clients give a connect up after 5 s, but wait much longer for a handshake. Thousands who come at once would all be
let in, served in turn and given up before their turn came, again and again: the work of whoever was too late
is lost. So they wait here, where it costs nothing, in order of arrival; who would wait too long is refused.
"""

import asyncio
from collections import deque

_AT_ONCE = 32  # the bound on what one turn of the loop begins
_TICK_S = 0.02
_LATE_S = 0.1  # a tick that comes later means more was let in than the loop could do meanwhile
_SLOWER, _FASTER = 0.7, 1.1
_SLOWEST_SHARE = 0.2  # of the pace in settings: refusing costs a third of what letting in costs


class Gate:
    """At most `per_s` a second, and fewer while the loop is late. One for all sockets of an instance."""

    def __init__(self, *, per_s: float, waits_s: float) -> None:
        self._most_per_s = self.pace_per_s = per_s
        self._waits_s = waits_s
        self._full = max(1.0, min(per_s, _AT_ONCE))
        self._left, self._filled_at = self._full, 0.0
        self._waiting: deque[asyncio.Future[bool]] = deque()
        self._due_at = 0.0
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._waiting)

    def enters_at_once(self) -> bool:
        """Whether one may come in now; then it is counted."""
        return not self._waiting and not self._is_closed and self._take(_now())

    async def enters(self) -> bool:
        """Wait for one's turn. False: refused, because the turn would come too late."""
        if self.enters_at_once():
            return True
        if self._is_closed or len(self._waiting) >= self._most_per_s * self._waits_s:
            return False
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        if len(self._waiting) == 1:
            self._tick_later()
        return await turn

    def close(self) -> None:
        """Nobody comes in any more."""
        self._is_closed = True
        while self._waiting:
            _tell(self._waiting.popleft(), may_enter=False)

    def _take(self, now: float) -> bool:
        self._left = min(self._full, self._left + (now - self._filled_at) * self.pace_per_s)
        self._filled_at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def _tick_later(self) -> None:
        self._due_at = _now() + _TICK_S
        asyncio.get_running_loop().call_at(self._due_at, self._tick)

    def _tick(self) -> None:
        now = _now()
        self._adapt(late_s=now - self._due_at)
        while self._waiting and (self._waiting[0].done() or self._take(now)):
            _tell(self._waiting.popleft(), may_enter=True)
        if self._waiting:
            self._tick_later()
        else:
            self.pace_per_s = self._most_per_s

    def _adapt(self, *, late_s: float) -> None:
        if late_s > _LATE_S:
            self.pace_per_s = max(self.pace_per_s * _SLOWER, self._most_per_s * _SLOWEST_SHARE)
        else:
            self.pace_per_s = min(self.pace_per_s * _FASTER, self._most_per_s)


def _tell(turn: asyncio.Future[bool], *, may_enter: bool) -> None:
    if not turn.done():  # else whoever waited has left
        turn.set_result(may_enter)


def _now() -> float:
    return asyncio.get_running_loop().time()
