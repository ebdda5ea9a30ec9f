"""Which Redis server holds which lanes."""

from typing import Any

from redis.exceptions import SlotNotCoveredError

from server.storage.pubsub.topics import Topics
from server.storage.redis.desk import RedisDesk
from server.storage.redis.link import RedisLink

_WITHIN_S = 0.5
_Node = tuple[str, int]


class Nodes:
    """Of a Cluster: it says itself who holds what, and that changes. Keeps a desk at each node."""

    def __init__(self, link: RedisLink, topics: Topics) -> None:
        self._link = link
        self._topics = topics
        self._map = link.desk("bus map", within_s=_WITHIN_S, connections=1)
        self._desks: dict[_Node, RedisDesk] = {}

    async def look(self) -> dict[RedisDesk, list[int]]:
        """Lanes by desk; those that no node holds now are left out. Raises Unavailable."""
        return {self._desk(node): lanes for node, lanes in (await self._map.ask(self._read)).items()}

    async def drop_all_but(self, desks: set[RedisDesk]) -> None:
        for node, desk in list(self._desks.items()):
            if desk not in desks:
                await self._link.drop(self._desks.pop(node))

    async def _read(self, cluster: Any) -> dict[_Node, list[int]]:
        await cluster.nodes_manager.initialize()
        found: dict[_Node, list[int]] = {}
        for lane in range(self._topics.lanes):
            try:
                node = cluster.get_node_from_key(self._topics.everybody(lane))
            except SlotNotCoveredError:
                continue
            found.setdefault((node.host, node.port), []).append(lane)
        return found

    def _desk(self, node: _Node) -> RedisDesk:
        if node not in self._desks:
            self._desks[node] = self._link.node_desk("bus", *node, within_s=_WITHIN_S, connections=1)
        return self._desks[node]
