"""The one place that opens clients of Redis.

One link a process, made of the settings (server/outside.py); everybody who needs Redis asks it for a desk. redis-py
by itself waits 60 s for a server that hangs and sends a command again when it heard no answer, so here deadlines are
short and nothing is repeated.
"""

import ssl
from contextlib import suppress
from functools import partial
from typing import Any

from redis.asyncio import ConnectionPool, Redis, RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff

from server.core.breaker import Breaker
from server.storage.redis.address import RedisAddress
from server.storage.redis.connections import PlainConnection, TlsConnection, WatchedConnection, WatchedTlsConnection
from server.storage.redis.desk import LOST, RedisDesk

_WITHIN_S = 0.3  # Redis answers in 1 ms
_SENTINEL_WITHIN_S = 0.1  # each; two that hang leave time for the third
_CONNECTIONS = 8
_FAILURES, _PAUSE_S = 3, 1.0


class RedisLink:
    """`tls` is needed where the address says so; `sentinel_password` is for Sentinels that ask for one.

    `desk(...)` for each use, `close()` at the end; nothing is connected before the first question. All keys begin
    with `prefix`.
    """

    prefix = "peihu:"

    def __init__(
        self, address: RedisAddress, *, tls: ssl.SSLContext | None = None, sentinel_password: str = ""
    ) -> None:
        if address.is_tls and tls is None:
            raise ValueError("an encrypted connection needs to know whom to trust")
        self.address = address
        self.desks: list[RedisDesk] = []
        self._trust: dict[str, Any] = {"trust": tls} if address.is_tls else {}
        self._sentinel_password = sentinel_password
        self._sentinels: list[Sentinel] = []

    def desk(
        self, name: str, *, within_s: float = _WITHIN_S, connections: int = _CONNECTIONS, failures: int = _FAILURES,
        pause_s: float = _PAUSE_S,
    ) -> RedisDesk:  # fmt: skip
        """A client of its own for one use, which `name` tells in logs and metrics.

        `within_s` is the deadline of one question; after `failures` unanswered ones nobody asks for `pause_s`.
        """
        words = self._words(connections, within_s)
        breaker = Breaker(failures=failures, pause_s=pause_s)
        how = {"name": name, "within_s": within_s, "connections": connections, "breaker": breaker}
        match self.address.kind:
            case "cluster":
                return self._open_cluster(self._cluster(words), how)
            case "sentinel":
                return self._open(self._watched(words), how)
        return self._open(self._single(*self.address.hosts[0], words), how)

    def node_desk(self, name: str, host: str, port: int, *, within_s: float, connections: int) -> RedisDesk:
        """A desk at one node of a Cluster; whoever has it closes it with `drop`."""
        breaker = Breaker(failures=_FAILURES, pause_s=_PAUSE_S)
        how = {"name": name, "within_s": within_s, "connections": connections, "breaker": breaker}
        return self._open(self._single(host, port, self._words(connections, within_s)), how)

    def _open(self, client: Redis, how: dict[str, Any]) -> RedisDesk:
        renew = partial(client.connection_pool.disconnect, inuse_connections=False)
        return self._keep(client, how, renew=renew, close=client.aclose)

    def _open_cluster(self, client: RedisCluster, how: dict[str, Any]) -> RedisDesk:
        nodes = client.nodes_manager

        async def close() -> None:
            await client.aclose()
            for names in ("nodes_cache", "startup_nodes"):  # after a failure redis-py believes that nothing is open
                await nodes.aclose(names)

        return self._keep(client, how, renew=nodes.initialize, close=close)

    def _keep(self, client: Any, how: dict[str, Any], *, renew: Any, close: Any) -> RedisDesk:
        desk = RedisDesk(client, renew=renew, close=close, **how)
        self.desks.append(desk)
        return desk

    async def drop(self, desk: RedisDesk) -> None:
        self.desks.remove(desk)
        await desk.close()

    async def close(self) -> None:
        for desk in self.desks:
            await desk.close()
        for sentinel in self._sentinels:
            with suppress(*LOST):
                await sentinel.aclose()

    def _words(self, connections: int, within_s: float) -> dict[str, Any]:
        """RESP2: every server and proxy knows it. The deadline is the desk's; one more in redis-py is one more task."""
        return {
            "socket_connect_timeout": within_s, "socket_timeout": None, "protocol": 2,
            "max_connections": connections, "retry": Retry(NoBackoff(), 0), "db": self.address.database,
            "username": self.address.username, "password": self.address.password,
        }  # fmt: skip

    def _single(self, host: str, port: int, words: dict[str, Any]) -> Redis:
        kind = TlsConnection if self._trust else PlainConnection
        return Redis.from_pool(ConnectionPool(kind, host=host, port=port, **words, **self._trust))

    def _watched(self, words: dict[str, Any]) -> Redis:
        quick = {
            "socket_connect_timeout": _SENTINEL_WITHIN_S, "socket_timeout": _SENTINEL_WITHIN_S, "protocol": 2,
            "retry": Retry(NoBackoff(), 0), "password": self._sentinel_password or None,
        }  # fmt: skip
        sentinel = Sentinel([])
        sentinel.sentinels = [self._single(host, port, quick) for host, port in self.address.hosts]
        self._sentinels.append(sentinel)
        kind = WatchedTlsConnection if self._trust else WatchedConnection
        return sentinel.master_for(self.address.service, connection_class=kind, **words, **self._trust)

    def _cluster(self, words: dict[str, Any]) -> RedisCluster:
        half_s = words["socket_connect_timeout"] / 2  # of a node that hangs, so that the next is still tried
        words = words | {"socket_connect_timeout": half_s, "socket_timeout": half_s}
        client = RedisCluster(
            startup_nodes=[ClusterNode(host, port) for host, port in self.address.hosts],
            require_full_coverage=False, **words,
        )  # fmt: skip
        kind = TlsConnection if self._trust else PlainConnection
        client.connection_kwargs |= {"connection_class": kind, **self._trust}
        for node in client.startup_nodes:
            node.connection_class = kind
            node.connection_kwargs |= self._trust
        return client
