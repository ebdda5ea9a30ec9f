"""What one connection to MySQL or MariaDB promises.

Both drivers fall back to plain text when a server offers no TLS, and the asynchronous one bounds only the TCP
connect. Here a connection is made within a deadline, handshake included, and with TLS where TLS was asked for.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import aiomysql
import pymysql
from pymysql.constants import CLIENT, CR

# Strict, because a value that does not fit must be refused and not bent; UTC, because instants are stored so.
# A lock that is not had in 3 s is somebody's who is stuck: the transaction begins anew or its caller comes later.
# The server ends a statement that we have given up, or it would go on and keep its locks; each brand has a word of
# its own for that, in comments that the other one skips.
_SESSION = (
    "SET SESSION sql_mode='STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,"
    "NO_ENGINE_SUBSTITUTION', time_zone='+00:00', innodb_lock_wait_timeout={lock_s}"
    " /*M!100100 , max_statement_time={seconds} */ /*!80000 , max_execution_time={milliseconds} */"
)
# READ COMMITTED: a statement sees what is committed when it begins, as the conditions of our UPDATEs expect, and no
# gaps are locked, over which REPEATABLE READ runs into deadlocks (docs/adr/0013-mysql.md).
_WRITES = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE"
# One snapshot for all that a reader reads, taken with its first statement, and no writing by mistake.
_READS = "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"

_LOCK_S, _LOCK_WHILE_MIGRATING_S = 3, 10  # of others who serve meanwhile: none of their requests takes longer

Connect = Callable[..., Awaitable[aiomysql.Connection]]


def session_statements(*, reads_only: bool, statement_timeout_s: float) -> tuple[str, str]:
    """What a new connection of a pool is told."""
    seconds = f"{statement_timeout_s:.3f}"
    limited = _SESSION.format(seconds=seconds, milliseconds=round(statement_timeout_s * 1_000), lock_s=_LOCK_S)
    return limited, _READS if reads_only else _WRITES


def connecting(*, session: tuple[str, ...], within_s: float, tls: ssl.SSLContext | None) -> Connect:
    """Makes connections for a pool. They raise OperationalError 2003 when there is none within the deadline."""
    kind = aiomysql.Connection if tls is None else _TlsOnly

    async def connect(*args: Any, **options: Any) -> aiomysql.Connection:
        connection = kind(*args, **options, charset="utf8mb4", ssl=tls)
        try:
            async with asyncio.timeout(within_s):
                await connection._connect()  # noqa: SLF001 - what aiomysql.connect() awaits
                for statement in session:
                    await connection.query(statement)
        except TimeoutError:
            connection.close()
            raise pymysql.err.OperationalError(CR.CR_CONN_HOST_ERROR, f"no answer within {within_s:g} s") from None
        except BaseException:
            connection.close()
            raise
        return connection

    return connect


def connect_and_wait(**options: Any) -> pymysql.Connection:  # type: ignore[type-arg]
    """The same for migrations, which run before the loop; `ssl` is an SSLContext or None."""
    kind = pymysql.Connection if options.get("ssl") is None else _TlsOnlySync
    connection = kind(**options, charset="utf8mb4", autocommit=False, read_timeout=options["connect_timeout"])
    connection._read_timeout = None  # that was for the handshake, which connect_timeout does not bound
    with connection.cursor() as cursor:
        # What builds an index may take its time.
        cursor.execute(_SESSION.format(seconds="0", milliseconds=0, lock_s=_LOCK_WHILE_MIGRATING_S))
        cursor.execute(_WRITES)
    return connection


class NoTls(pymysql.err.OperationalError):
    """The server offers no TLS, so nothing was sent to it."""

    def __init__(self) -> None:
        super().__init__(CR.CR_SSL_CONNECTION_ERROR, "the server offers no TLS")


class _TlsOnly(aiomysql.Connection):  # type: ignore[misc]
    async def _request_authentication(self) -> None:
        if not self.server_capabilities & CLIENT.SSL:
            raise NoTls
        await super()._request_authentication()


class _TlsOnlySync(pymysql.Connection):  # type: ignore[type-arg]
    def _request_authentication(self) -> None:
        if not self.server_capabilities & CLIENT.SSL:
            raise NoTls
        super()._request_authentication()
