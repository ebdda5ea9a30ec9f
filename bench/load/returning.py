"""Clients that are cut off and come back as official ones do.

Timing of the public clients: the first try after 0.5 to 1.0 s, then ever later at random up to 20 s; the
same for a subscription that got a temporary error; a command without a reply for 5 s costs the connection.
"""

import heapq
import json
import math
import random
import time
from collections.abc import Sequence
from typing import Any

from bench.load.client import READY, Client
from bench.load.crowd import Crowd
from bench.load.dialects import CentrifugeJson, Rejected, compact

_LEAST_S, _MOST_S, _REPLY_WITHIN_S = 0.5, 20.0, 5.0


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
        self.trouble = ""  # "connect" or "subscribe", which got a temporary error
        self.subscribes = 0
        self._asked = 2  # the id of the last subscribe

    def hello(self) -> list[bytes]:
        self.deadline, self.trouble, self.subscribes, self._asked = time.perf_counter() + _REPLY_WITHIN_S, "", 0, 2
        connect: dict[str, Any] = {"token": self._token, "name": "bench"}
        if self.epoch:
            connect["subs"] = self.subs
        return [compact({"id": 1, "connect": connect}) + b"\n" + self._subscribe()]

    def _subscribe(self) -> bytes:
        about: dict[str, Any] = {"channel": self._channel}
        if self.epoch:
            about |= {"recover": True, "epoch": self.epoch, "offset": self.top}
        return compact({"id": self._asked, "subscribe": about})

    def subscribe_again(self) -> bytes:
        self.deadline, self.trouble = time.perf_counter() + _REPLY_WITHIN_S, ""
        self._asked += 1
        return self._subscribe()

    def is_ready(self, payload: bytes) -> bool:
        ready = False
        for line in payload.split(b"\n"):
            reply = json.loads(line)
            if "error" in reply:
                self._refused(reply)
            elif "connect" in reply:
                self._connected(reply["connect"])
            elif "subscribe" in reply:
                self._subscribed(reply["subscribe"])
                ready = True
            else:
                self._pushed(reply)
        return ready

    def _refused(self, reply: dict[str, Any]) -> None:
        if not self.epoch or not reply["error"].get("temporary"):
            raise Rejected(str(reply))
        self.trouble = "connect" if reply["id"] == 1 else "subscribe"

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


class Herd:
    """Cuts all clients at once and lets them come back; `tries` counts connects, refused or not."""

    def __init__(self, crowd: Crowd, clients: Sequence[Client], *, chance: random.Random) -> None:
        self._crowd = crowd
        self._chance = chance
        self._due: list[tuple[float, int, Follower]] = []
        self._patient: list[tuple[float, int, Client]] = []  # who subscribe again on the same connection
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
        follower.tries += 1
        self._number += 1
        heapq.heappush(self._due, (self._time_of_try(follower.tries), self._number, follower))

    def _time_of_try(self, number: int) -> float:
        spread_s = min(_MOST_S, _LEAST_S * 2 ** (number - 1))
        return time.perf_counter() + min(_MOST_S, _LEAST_S + self._chance.uniform(0, spread_s))

    def ended(self, client: Client, why: str) -> None:
        """`Crowd`'s `on_end`: a try was refused or cut."""
        follower = self._trying.pop(client, None) or self._clients.pop(client, None)
        if follower is None:
            raise Rejected(f"a socket ended: {why}")
        self._note(why)
        self._later(follower)

    def _note(self, why: str) -> None:
        self.refused[why] = self.refused.get(why, 0) + 1

    def turn(self) -> None:
        """Start what is due, hear what came, give up what takes too long."""
        now = time.perf_counter()
        while self._due and self._due[0][0] <= now:
            follower = heapq.heappop(self._due)[2]
            follower.deadline = now + 4 * _REPLY_WITHIN_S  # the handshake itself has no deadline of the client's
            client = self._crowd.start(follower)
            client.listener = follower.heard  # a publication may come in the very read that makes it ready
            self._trying[client] = follower
            self.tries += 1
        while self._patient and self._patient[0][0] <= now:
            client = heapq.heappop(self._patient)[2]
            if client in self._trying:
                client.say(self._trying[client].subscribe_again())
        self._crowd.turn(0.002)
        for client, follower in tuple(self._trying.items()):
            self._look_at(client, follower, now)

    def _look_at(self, client: Client, follower: Follower, now: float) -> None:
        if client.state == READY:
            self._clients[client] = self._trying.pop(client)
        elif follower.trouble == "subscribe":
            self._note("subscribe: temporary error")
            follower.trouble, follower.deadline = "", math.inf
            follower.subscribes += 1
            self._number += 1
            heapq.heappush(self._patient, (self._time_of_try(follower.subscribes), self._number, client))
        elif follower.trouble or now > follower.deadline:
            self._crowd.drop(client)
            self.ended(client, f"{follower.trouble}: temporary error" if follower.trouble else "no reply within 5 s")
