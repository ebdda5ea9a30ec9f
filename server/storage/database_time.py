"""The database's own clock.

Instances need not agree on the time with each other; what several of them must agree on is decided by this.
"""

import time
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from server.core.clock import server_now
from server.storage.columns import Instant
from server.storage.sql import Database
from server.storage.transaction import Transaction


class _DatabaseNow(FunctionElement[Any]):
    """The present instant in UTC, to the millisecond."""

    type = Instant()
    inherit_cache = True


@compiles(_DatabaseNow, "sqlite")
def _on_sqlite(*_: Any, **__: Any) -> str:
    return "strftime('%Y-%m-%d %H:%M:%f000', 'now')"


@compiles(_DatabaseNow, "mysql")
@compiles(_DatabaseNow, "mariadb")
def _on_mysql(*_: Any, **__: Any) -> str:
    return "UTC_TIMESTAMP(3)"


NOW = _DatabaseNow()  # for statements
_NOW = select(NOW)


async def database_now(tx: Transaction) -> Any:
    """The present instant of the database, an aware datetime."""
    return await tx.value(_NOW)


async def skew_s(database: Database) -> float:
    """By how many seconds this machine's clock is ahead of the database's; negative: behind.

    True to half of the time that the question took, which is subtracted. Raises Unavailable.
    """
    begun = time.monotonic()
    async with database.read() as tx:
        there = await database_now(tx)
    halfway = timedelta(seconds=(time.monotonic() - begun) / 2)
    return (server_now() - halfway - there).total_seconds()
