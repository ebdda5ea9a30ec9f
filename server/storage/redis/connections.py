"""Connections to Redis that end at once and trust whom we say."""

import ssl
from typing import Any

from redis.asyncio.connection import Connection, SSLConnection
from redis.asyncio.sentinel import SentinelManagedConnection, SentinelManagedSSLConnection


class _Abrupt:
    """Gone with bytes that a server that hangs does not take: redis-py would keep the socket until it took them."""

    async def disconnect(self, nowait: bool = False, **named: Any) -> None:
        if nowait:
            self.abort()
        await super().disconnect(nowait=nowait, **named)  # type: ignore[misc]

    def abort(self) -> None:
        """Whoever reads notices."""
        if self._writer is not None:  # type: ignore[has-type]
            self._writer.transport.abort()  # type: ignore[has-type]


class _Trusting(_Abrupt):
    """Trusts whom we trust, instead of whom redis-py would besides."""

    def __init__(self, *, trust: ssl.SSLContext, **rest: Any) -> None:
        super().__init__(**rest)
        self.ssl_context: Any
        self.ssl_context.context = trust


class PlainConnection(_Abrupt, Connection):
    pass


class TlsConnection(_Trusting, SSLConnection):
    pass


class WatchedConnection(_Abrupt, SentinelManagedConnection):
    pass


class WatchedTlsConnection(_Trusting, SentinelManagedSSLConnection):
    pass
