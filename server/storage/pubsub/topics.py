"""Names of what is said over Redis, and the lanes they run in.

A Redis Cluster spreads topics over its nodes and takes several in one command only where they lie together. So
channels are dealt to a fixed number of lanes, which every instance must count alike; a lane lies on one node as a
whole. A single server is one lane.
"""

from zlib import crc32

_LANES_OF_A_CLUSTER = 64


class Topics:
    """`database` keeps programs apart that share a server: topics know no numbered databases."""

    def __init__(self, *, prefix: str, database: int, is_cluster: bool) -> None:
        self.lanes = _LANES_OF_A_CLUSTER if is_cluster else 1
        self._before = f"{prefix}{database}:"
        self.is_cluster = is_cluster

    def lane(self, channel: str) -> int:
        return crc32(channel.encode()) % self.lanes

    def channel(self, channel: str) -> bytes:
        return self._named(self.lane(channel), f"channel:{channel}")

    def everybody(self, lane: int) -> bytes:
        """What all instances hear."""
        return self._named(lane, "all")

    def beat(self, lane: int, instance_id: str) -> bytes:
        """What one instance hears of itself."""
        return self._named(lane, f"beat:{instance_id}")

    def nothing(self, lane: int) -> bytes:
        """A key that never exists; only a server that may write takes a command that would remove it."""
        return self._named(lane, "nothing")

    def together(self, topic: bytes) -> bytes:
        """Topics with the same mark may be named in one command."""
        return topic[: topic.index(b"}")] if self.is_cluster else b""

    def _named(self, lane: int, name: str) -> bytes:
        return f"{self._before}{{{lane}}}:{name}".encode() if self.is_cluster else f"{self._before}{name}".encode()
