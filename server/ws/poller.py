"""Watches the sockets of all connections at once.

The loop would keep a handle, a key and a callback a socket and put each wake-up through its queue. One epoll
holds them all and is itself the only file that the loop watches for them.
"""

import asyncio
import select
from typing import Protocol

READABLE, WRITABLE = 1, 4  # as epoll has them
_AT_ONCE = 64  # wake-ups in one turn of the loop; the rest come in the next, after whoever waits there


class Watched(Protocol):
    """A socket, as the poller sees it."""

    def ready(self, events: int) -> None:
        """What it is watched for has come, or its end. Must not raise."""


class Poller(Protocol):
    """Level-triggered; `forget` a socket in the turn in which it is closed, and before that."""

    def __len__(self) -> int:
        """The sockets that are watched."""

    def start(self) -> None:
        """Watch from now on; needs a running loop."""

    def stop(self) -> None:
        """Watch nothing more; repeated calls do nothing."""

    def watch(self, fd: int, watched: Watched, *, events: int) -> None:
        """Begin. Raises RuntimeError before `start`."""

    def change(self, fd: int, *, events: int) -> None:
        """Watch for other events."""

    def forget(self, fd: int) -> None:
        """Watch it no more."""


def open_poller() -> Poller:
    """The best that this system has."""
    return EpollPoller() if hasattr(select, "epoll") else LoopPoller()


class LoopPoller:
    """For systems without epoll, as developers' machines may be: the loop watches each socket by itself."""

    def __init__(self) -> None:
        self._watched: dict[int, Watched] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def __len__(self) -> int:
        return len(self._watched)

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()

    def stop(self) -> None:
        for fd in tuple(self._watched):
            self.forget(fd)
        self._loop = None

    def watch(self, fd: int, watched: Watched, *, events: int) -> None:
        if self._loop is None:
            raise RuntimeError("the poller has not been started")
        self._watched[fd] = watched
        self.change(fd, events=events)

    def change(self, fd: int, *, events: int) -> None:
        """See `Poller`; where nothing is watched for, an end is noticed by the pings only."""
        watched = self._watched.get(fd)
        if self._loop is None or watched is None:
            return
        if events & READABLE:
            self._loop.add_reader(fd, watched.ready, READABLE)
        else:
            self._loop.remove_reader(fd)
        if events & WRITABLE:
            self._loop.add_writer(fd, watched.ready, WRITABLE)
        else:
            self._loop.remove_writer(fd)

    def forget(self, fd: int) -> None:
        if self._watched.pop(fd, None) is not None and self._loop is not None:
            self._loop.remove_reader(fd)
            self._loop.remove_writer(fd)


class EpollPoller:
    """One epoll for all; a closed socket leaves it by itself."""

    def __init__(self) -> None:
        self._watched: dict[int, Watched] = {}
        self._epoll: select.epoll | None = None

    def __len__(self) -> int:
        return len(self._watched)

    def start(self) -> None:
        """Watch from now on; needs a running loop."""
        self._epoll = select.epoll()
        asyncio.get_running_loop().add_reader(self._epoll.fileno(), self._wake)

    def stop(self) -> None:
        """Watch nothing more; repeated calls do nothing."""
        if self._epoll is not None:
            asyncio.get_running_loop().remove_reader(self._epoll.fileno())
            self._epoll.close()
            self._epoll = None

    def watch(self, fd: int, watched: Watched, *, events: int) -> None:
        """Begin. Raises RuntimeError before `start`."""
        self._known_epoll.register(fd, events)
        self._watched[fd] = watched

    def change(self, fd: int, *, events: int) -> None:
        """Watch for other events; 0 is only the end of both directions, or a failure."""
        if self._epoll is not None:
            self._epoll.modify(fd, events)

    def forget(self, fd: int) -> None:
        self._watched.pop(fd, None)

    @property
    def _known_epoll(self) -> select.epoll:
        if self._epoll is None:
            raise RuntimeError("the poller has not been started")
        return self._epoll

    def _wake(self) -> None:
        for fd, events in self._known_epoll.poll(0, _AT_ONCE):
            watched = self._watched.get(fd)
            if watched is not None:  # not closed by one that was woken before it
                watched.ready(events)
