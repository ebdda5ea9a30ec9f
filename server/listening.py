"""Listening sockets that outlast a shortage of descriptors.

When a process or the machine has no descriptor left, `accept` fails while the connection stays in the queue, so
that a loop asks again at once and for ever: a whole processor and thousands of log lines a second. Here the door
closes for a second instead. Whoever is inside is served meanwhile, and whoever waits outside is let in later.
"""

import errno
import logging
import socket
from collections.abc import Iterable
from typing import Any

from tornado.ioloop import IOLoop

_log = logging.getLogger(__name__)
_SHORTAGES = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_CLOSED_FOR_S = 1.0


class PatientSocket(socket.socket):
    """Takes the place of a listening socket in Tornado's hands."""

    def accept(self) -> tuple[socket.socket, Any]:
        """As every socket's, but a shortage looks as if nobody were there."""
        try:
            return super().accept()
        except OSError as error:
            if error.errno not in _SHORTAGES:
                raise
            _log.warning("no file descriptor is left for new connections: %s", error.strerror)
            loop = IOLoop.current()
            loop.update_handler(self, 0)
            loop.call_later(_CLOSED_FOR_S, self._open, loop)
            raise BlockingIOError from error

    def _open(self, loop: IOLoop) -> None:
        if self.fileno() >= 0:  # not stopped meanwhile
            loop.update_handler(self, IOLoop.READ)


def patient(sockets: Iterable[socket.socket]) -> list[socket.socket]:
    """The same listening sockets, which must not be used under their old objects any more."""
    return [PatientSocket(fileno=one.detach()) for one in sockets]
