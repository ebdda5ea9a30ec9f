"""What one connection to Redis hears: wished and confirmed.

Redis answers in the order in which it was asked, so every wish knows which answer is its own. An answer that nobody
expects means that what we believe is not so any more: a lane moved to another node. Knows no I/O.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

_AT_ONCE = 500  # topics in one command
Confirmed = asyncio.Future[bool]
Command = tuple[str | bytes, ...]


@dataclass(frozen=True, slots=True)
class Words:
    """The commands for topics, which differ in a Cluster; `message` is how a message begins."""

    subscribe: str
    unsubscribe: str
    message: bytes


PLAIN = Words("SUBSCRIBE", "UNSUBSCRIBE", b"message")
SHARDED = Words("SSUBSCRIBE", "SUNSUBSCRIBE", b"smessage")


class Unexpected(Exception):
    """An answer that nobody waits for."""


@dataclass(slots=True)
class _Sent:
    """A command: its topics are answered in their order, as commands are in theirs."""

    kind: bytes
    topics: list[bytes]
    followers: dict[bytes, list[Confirmed]]  # of those topics whose confirmation somebody waits for
    answered: int = 0


class Subscriptions:
    """Of several wishes for one topic that have not left yet the last counts.

    `together` marks topics that may be named in one command.
    """

    def __init__(self, *, words: Words, together: Callable[[bytes], bytes]) -> None:
        self._words = words
        self._together = together
        self._wished: dict[bytes, bool] = {}  # False: to be heard no more
        self._followers: dict[bytes, list[Confirmed]] = {}  # of wishes that have not left
        self._sent: deque[_Sent] = deque()
        self._late: set[bytes] = set()
        self._to_open: int | None = None  # answers until everything from the beginning is confirmed

    def __len__(self) -> int:
        """What is on its way."""
        return len(self._wished) + len(self._sent) + len(self._late)

    @property
    def is_open(self) -> bool:
        """Everything that was wished for at the beginning is confirmed."""
        return self._to_open == 0

    def begin(self, topics: Iterable[bytes]) -> None:
        self._wished |= dict.fromkeys(topics, True)
        self._to_open = len(self._wished)

    def subscribe(self, topic: bytes) -> Confirmed:
        """Done when Redis has confirmed it."""
        confirmed: Confirmed = asyncio.get_running_loop().create_future()
        self._wished[topic] = True
        self._followers.setdefault(topic, []).append(confirmed)
        return confirmed

    def unsubscribe(self, topic: bytes) -> None:
        self._late.discard(topic)
        self._wished[topic] = False
        _tell(self._followers.pop(topic, ()), confirmed=False)

    def went_on(self, topic: bytes) -> None:
        """Somebody waits no longer; the confirmation, when it comes, is late."""
        self._late.add(topic)

    def commands(self) -> list[Command]:
        """All that was wished for, in as few as can be. Their answers are expected from here on, in this order."""
        wished, self._wished = self._wished, {}
        followers, self._followers = self._followers, {}
        parcels: dict[tuple[bool, bytes], list[bytes]] = {}
        for topic, is_wanted in wished.items():
            parcels.setdefault((is_wanted, self._together(topic)), []).append(topic)
        commands: list[Command] = []
        for (is_wanted, _), topics in parcels.items():
            word = self._words.subscribe if is_wanted else self._words.unsubscribe
            for begin in range(0, len(topics), _AT_ONCE):
                some = topics[begin : begin + _AT_ONCE]
                whose = {topic: followers[topic] for topic in some if topic in followers}
                self._sent.append(_Sent(word.lower().encode(), some, whose))
                commands.append((word, *some))
        return commands

    def answered(self, kind: bytes, topic: bytes) -> bool:
        """Whether somebody had given up waiting for it. Raises Unexpected."""
        sent = self._sent[0] if self._sent else None
        if sent is None or (sent.kind, sent.topics[sent.answered]) != (kind, topic):
            raise Unexpected
        sent.answered += 1
        if sent.answered == len(sent.topics):
            self._sent.popleft()
        _tell(sent.followers.get(topic, ()), confirmed=True)
        if self._to_open:
            self._to_open -= 1
        is_late = topic in self._late
        self._late.discard(topic)
        return is_late

    def end(self) -> None:
        """Whoever still waits is told that nothing was confirmed."""
        for followers in (*(one.followers for one in self._sent), self._followers):
            for some in followers.values():
                _tell(some, confirmed=False)


def _tell(followers: Iterable[Confirmed], *, confirmed: bool) -> None:
    for follower in followers:
        if not follower.done():
            follower.set_result(confirmed)
