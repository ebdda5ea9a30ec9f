"""Errors of the SQL database: again, later, or never.

A deadlock or a lock that somebody holds passes; the whole transaction is then run again. A server that is gone is
looked for by the next request, not by this one. A full disk waits for people. Everything else is a bug and stays what
it is.
"""

import asyncio
import logging
import random
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from server.core.errors import Unavailable

Result = TypeVar("Result")

_log = logging.getLogger(__name__)
_ATTEMPTS = 4
_PATIENCE_S = 5.0  # no new attempt after it: whoever asked is told within his own deadline
_NO_ROOM_RETRY_S = 5
_SQLITE_TAKES_NOTHING = {
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
}
# A full disk twice, a full table, and a server that only reads: a replica, or one that is being replaced.
_MYSQL_TAKES_NOTHING = {1021, 1030, 1114, 1290, 1836}
# Lock wait, deadlock, snapshot isolation of MariaDB, and a savepoint that went away with a deadlock.
_MYSQL_TRANSIENT = {1020, 1205, 1213, 1305}
# Too many connections (of all, of this user), blocked host, shutting down, killed, no such host or port, gone away,
# lost, out of step, without TLS; and let in no more, which an operator mends while we run.
_MYSQL_LOST = {1040, 1053, 1129, 1203, 1226, 1927, 2002, 2003, 2005, 2006, 2013, 2014, 2026, 2055, 3169}
_MYSQL_LOST |= {1044, 1045, 1049}
_MYSQL_TOOK_TOO_LONG = {1317, 1969, 3024}  # interrupted, by us or by the server's own limit


class CommitUnknown(Unavailable):
    """Nobody can say whether the commit was done: the server kept silent. It must not be tried again blindly."""


async def retried(once: Callable[[], Awaitable[Result]], *, met: Exception | None = None) -> Result:
    """What `once()` returns, tried again after what passes; `met` is what the first attempt has met already.

    Raises Unavailable when it does not pass, and whatever else `once` raises.
    """
    clock = asyncio.get_running_loop().time
    give_up_at = clock() + _PATIENCE_S
    for attempt in range(1, _ATTEMPTS + 1):
        if met is None:
            try:
                return await once()
            except (DBAPIError, PoolTimeout) as error:
                met = error
        _require_passing(met, is_last=attempt == _ATTEMPTS or clock() >= give_up_at)
        met = None
        await asyncio.sleep(random.uniform(0.005, 0.05) * attempt)
    raise AssertionError("unreachable")


def _require_passing(error: Exception, *, is_last: bool) -> None:
    if _takes_nothing(error):
        _log.warning("the store takes no writes: %s", error.orig)  # type: ignore[attr-defined]
        raise Unavailable(retry_after_s=_NO_ROOM_RETRY_S) from error
    if not is_passing(error):
        raise error
    if is_last or not is_transient(error):
        raise Unavailable() from error


def _takes_nothing(error: Exception) -> bool:
    """True when the store's disk is full or broken: nothing is written until somebody makes room."""
    original = getattr(error, "orig", None)
    if isinstance(original, sqlite3.Error):
        return (original.sqlite_errorcode & 0xFF) in _SQLITE_TAKES_NOTHING
    return _code(error) in _MYSQL_TAKES_NOTHING


def is_passing(error: Exception) -> bool:
    """True for what may succeed when the whole transaction is tried again, now or later."""
    return is_transient(error) or is_lost(error) or _code(error) in _MYSQL_TOOK_TOO_LONG


def is_transient(error: BaseException | None) -> bool:
    """True for what is over at once: the others are done, or one of two has given way."""
    return _code(error) in _MYSQL_TRANSIENT or "database is locked" in str(getattr(error, "orig", ""))


def is_lost(error: BaseException) -> bool:
    """True when the connection went away, or never came: what was not committed is undone."""
    if isinstance(error, PoolTimeout) or getattr(error, "connection_invalidated", False):
        return True
    if isinstance(error, InterfaceError):  # of aiomysql: closed, because a statement was cancelled; of SQLite: a bug
        return not isinstance(error.orig, sqlite3.Error)
    return _code(error) in _MYSQL_LOST


def _code(error: BaseException | None) -> Any:
    original = getattr(error, "orig", None)
    return original.args[0] if original is not None and original.args else None
