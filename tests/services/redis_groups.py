"""Private groups of Redis servers: some under Sentinels, and a Cluster."""

import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress

import redis

from tests.services.private import DidNotStart, PrivateServer, free_port
from tests.services.programs import program
from tests.services.redis import Redis

_DOWN_AFTER_MS = 1_000
_AGREED_WITHIN_S = 60.0
_SLOTS = 16_384
_NODES = 3
_COPIED_AT_ONCE = ("--repl-diskless-sync-delay", "0")


class Sentinel(PrivateServer):
    """Watches a primary under the name "main"."""

    def __init__(self, *, primary_port: int, quorum: int) -> None:
        super().__init__("sentinel")
        self.configuration = self.directory / "sentinel.conf"
        self.configuration.write_text(
            f"port {self.port}\nbind 127.0.0.1\ndir {self.directory}\n"
            f"sentinel monitor main 127.0.0.1 {primary_port} {quorum}\n"
            f"sentinel down-after-milliseconds main {_DOWN_AFTER_MS}\n"
            "sentinel failover-timeout main 3000\n",
            encoding="ascii",
        )

    def start(self) -> None:
        """Raises Missing, DidNotStart."""
        command = [program("redis-server", "redis-server"), str(self.configuration), "--sentinel"]
        self.launch(command, is_ready=lambda: answers(self.port))

    def primary_port(self) -> int:
        """Where it sends those who ask."""
        with closing(redis.Redis(port=self.port)) as client:
            return int(client.sentinel_get_master_addr_by_name("main")[1])

    def knows(self, *, sentinels: int) -> bool:
        """Whether it could have another primary chosen."""
        with closing(redis.Redis(port=self.port)) as client:
            main = client.sentinel_masters()["main"]
            return main["num-slaves"] == 1 and main["num-other-sentinels"] == sentinels - 1


class WatchedRedis:
    """A primary, its replica and three Sentinels that put one in place of the other."""

    def __init__(self) -> None:
        self.servers = [Redis(options=_COPIED_AT_ONCE) for _ in range(2)]
        self.sentinels = [Sentinel(primary_port=self.servers[0].port, quorum=2) for _ in range(3)]

    def start(self) -> None:
        """Raises Missing, DidNotStart."""
        for server in self.servers:
            server.start()
        with closing(redis.Redis(port=self.servers[1].port)) as replica:
            replica.replicaof("127.0.0.1", self.servers[0].port)
        until(lambda: _is_copy(self.servers[1]), what="the replica")
        for sentinel in self.sentinels:
            sentinel.start()
        until(lambda: all(one.knows(sentinels=3) for one in self.sentinels), what="the Sentinels")

    @property
    def primary(self) -> Redis:
        port = self.sentinels[0].primary_port()
        return next(server for server in self.servers if server.port == port)

    def remove(self) -> None:
        for server in (*self.sentinels, *self.servers):
            server.remove()

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)
        return f"redis+sentinel://{hosts}/main/0"


class Node(Redis):
    """Of a Cluster. Nodes speak to each other on a second port, which by default is too high for some of ours."""

    def __init__(self, *, options: Sequence[str] = ()) -> None:
        self.second_port = free_port()
        words = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-port", str(self.second_port)]
        super().__init__(options=[*words, *_COPIED_AT_ONCE, *options])


class RedisCluster:
    """Three nodes that share the slots, and a replica of the first."""

    def __init__(self) -> None:
        self.nodes = [Node() for _ in range(_NODES)]
        self.replica = Node()

    def start(self) -> None:
        """Raises Missing, DidNotStart."""
        every = (*self.nodes, self.replica)
        for node in every:
            node.start()
        share = _SLOTS // _NODES
        for number, node in enumerate(self.nodes):
            with closing(redis.Redis(port=node.port)) as client:
                end = _SLOTS - 1 if number == _NODES - 1 else (number + 1) * share - 1
                client.execute_command("CLUSTER ADDSLOTSRANGE", number * share, end)
                client.execute_command("CLUSTER SET-CONFIG-EPOCH", number + 1)
        for node in every[1:]:
            with closing(redis.Redis(port=node.port)) as client:
                client.execute_command("CLUSTER MEET", "127.0.0.1", self.nodes[0].port, self.nodes[0].second_port)
        until(lambda: all(_known(node) == len(every) for node in every), what="the nodes to meet")
        with closing(redis.Redis(port=self.nodes[0].port)) as first, closing(redis.Redis(port=self.replica.port)) as client:
            client.execute_command("CLUSTER REPLICATE", first.execute_command("CLUSTER MYID"))
        until(lambda: all(_is_whole(node) for node in every) and _is_copy(self.replica), what="the Cluster")

    def remove(self) -> None:
        for node in (*self.nodes, self.replica):
            node.remove()

    @property
    def url(self) -> str:
        return "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)


def _is_copy(server: Redis) -> bool:
    with closing(redis.Redis(port=server.port)) as client:
        return client.info("replication").get("master_link_status") == "up"


def _known(node: Redis) -> int:
    with closing(redis.Redis(port=node.port)) as client:
        return len(client.execute_command("CLUSTER NODES"))


def _is_whole(node: Redis) -> bool:
    with closing(redis.Redis(port=node.port)) as client:
        told = client.execute_command("CLUSTER INFO")
    return told["cluster_state"] == "ok" and told["cluster_slots_ok"] == str(_SLOTS)


def answers(port: int) -> bool:
    with suppress(redis.RedisError), closing(redis.Redis(port=port)) as client:
        return bool(client.ping())
    return False


def until(condition: Callable[[], bool], *, what: str) -> None:
    deadline = time.monotonic() + _AGREED_WITHIN_S
    while time.monotonic() < deadline:
        with suppress(redis.RedisError):
            if condition():
                return
        time.sleep(0.05)
    raise DidNotStart(f"{what}: not within {_AGREED_WITHIN_S} s")
