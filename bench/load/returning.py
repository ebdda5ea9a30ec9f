"""Clients that are cut off and come back as official ones do.

Timing of the public clients: the first try after 0.5 to 1.0 s, then ever later at random up to 20 s; a
command without a reply for 5 s counts as a failed try.
"""

import heapq
import json
import random
import time
from collections.abc import Sequence
from typing import Any

from bench.load.client import READY, Client
from bench.load.crowd import Crowd
from bench.load.dialects import CentrifugeJson, Rejected, compact

_LEAST_S, _MOST_S, _REPLY_WITHIN_S = 0.5, 20.0, 5.0
_TEMPORARY = (100, 111)


class Follower(CentrifugeJson):
    """One client's memory: its positions, and every offset of the shared channel that it was handed."""

    def __init__(self, token: str, *, channel: str) -> None:
        super().__init__(token, channel=channel)
        self.offsets: list[int] = []
        self.top = 0
        self.epoch = ""
        self.subs: dict[str, Any] = {}
        self.tries = 0
        self.deadline = 0.0
        self.returned_at = 0.0
        self.lost = False  # the server said that it cannot give what was missed

    def hello(self) -> list[bytes]:
        self.deadline = time.perf_counter() + _REPLY_WITHIN_S
        connect: dict[str, Any] = {"token": self._token, "name": "bench"}
        subscribe: dict[str, Any] = {"channel": self._channel}
        if self.epoch:
            connect["subs"] = self.subs
            subscribe |= {"recover": True, "epoch": self.epoch, "offset": self.top}
        return [compact({"id": 1, "connect": connect}) + b"\n" + compact({"id": 2, "subscribe": subscribe})]

    def is_ready(self, payload: bytes) -> bool:
        ready = False
        for line in payload.split(b"\n"):
            reply = json.loads(line)
            if "error" in reply:
                raise _Refused(reply["error"]["code"])
            if "connect" in reply:
                self._connected(reply["connect"])
            elif "subscribe" in reply:
                self._subscribed(reply["subscribe"])
                ready = True
            else:
                self._pushed(reply)
        return ready

    def _connected(self, result: dict[str, Any]) -> None:
        for name, sub in result.get("subs", {}).items():
            self.subs[name] = {"recover": True, "epoch": sub.get("epoch", ""), "offset": sub.get("offset", 0)}

    def _subscribed(self, result: dict[str, Any]) -> None:
        if result.get("was_recovering"):
            self.lost = self.lost or not result.get("recovered")
            for publication in result.get("publications", ()):
                self._handed(publication["offset"])
        else:
            self.top = result.get("offset", 0)
        self.epoch = result.get("epoch", "")
        self.tries = 0
        self.returned_at = time.perf_counter()

    def _handed(self, offset: int) -> None:
        self.offsets.append(offset)
        self.top = offset

    def _pushed(self, message: dict[str, Any]) -> None:
        push = message.get("push", {})
        if push.get("channel") == self._channel and "pub" in push:
            self._handed(push["pub"]["offset"])

    def heard(self, _client: Client, payload: bytes) -> None:
        for line in payload.split(b"\n"):
            self._pushed(json.loads(line))


class _Refused(Exception):
    """An error reply with its code."""


class Herd:
    """Cuts all clients at once and lets them come back; `tries` counts connects, refused or not."""

    def __init__(self, crowd: Crowd, clients: Sequence[Client], *, chance: random.Random) -> None:
        self._crowd = crowd
        self._chance = chance
        self._due: list[tuple[float, int, Follower]] = []
        self._trying: dict[Client, Follower] = {}
        self._clients = {client: client.dialect for client in clients}
        self._number = 0
        self.tries = 0
        self.refused: dict[str, int] = {}

    def cut(self) -> None:
        for client, follower in self._clients.items():
            self._crowd.drop(client, reset=True)
            self._later(follower)
        self._clients.clear()

    def _later(self, follower: Any) -> None:
        spread_s = min(_MOST_S, _LEAST_S * 2**follower.tries)
        delay_s = min(_MOST_S, _LEAST_S + self._chance.uniform(0, spread_s))
        follower.tries += 1
        self._number += 1
        heapq.heappush(self._due, (time.perf_counter() + delay_s, self._number, follower))

    def ended(self, client: Client, why: str) -> None:
        """`Crowd`'s `on_end`: a try was refused or cut."""
        follower = self._trying.pop(client, None) or self._clients.pop(client, None)
        if follower is None:
            raise Rejected(f"a socket ended: {why}")
        self.refused[why] = self.refused.get(why, 0) + 1
        self._later(follower)

    def turn(self) -> None:
        """Start what is due, hear what came, give up what takes too long."""
        now = time.perf_counter()
        while self._due and self._due[0][0] <= now:
            follower = heapq.heappop(self._due)[2]
            follower.deadline = now + 4 * _REPLY_WITHIN_S  # the handshake itself has no deadline of the client's
            self._trying[self._crowd.start(follower)] = follower
            self.tries += 1
        self._crowd.turn(0.002)
        for client, follower in tuple(self._trying.items()):
            if client.state == READY:
                client.listener = follower.heard
                self._clients[client] = self._trying.pop(client)
            elif now > follower.deadline:
                self._crowd.drop(client)
                self.ended(client, "no reply")
