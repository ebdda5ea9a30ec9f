"""Latency: 1,000 connected, 200 events/s to random users."""

import json
import random
import time
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

from bench.load.client import Client
from bench.load.crowd import Crowd
from bench.load.dialects import CentrifugeJson, Rejected
from bench.load.posts import Posts
from bench.ours.followers import Followers
from bench.ours.server import COMMAND, Ours
from bench.run import Run

CONNECTIONS, EVENTS_PER_S, WANTED_P99_MS = 1_000, 200, 15.0
_HTTP_CONNECTIONS = 32
_LATE_S = 20.0
_TEMPLATE = "order_completed"  # a notice that stays in the app


@dataclass(slots=True)
class Watch:
    """When each event was asked for, acknowledged and received, by the wall clock of this one machine."""

    asked_at: dict[str, float] = field(default_factory=dict)  # by the notice's id, once it is known
    acknowledged_at: dict[str, float] = field(default_factory=dict)
    received_at: dict[str, tuple[float, float, str]] = field(default_factory=dict)  # at, received, whose socket

    def on_answer(self, asked_at: float, data: Any) -> None:
        self.asked_at[data["message_id"]] = asked_at
        self.acknowledged_at[data["message_id"]] = time.time()

    def on_push(self, client: Client, payload: bytes) -> None:
        now = time.time()
        for line in payload.split(b"\n"):
            event = json.loads(line)["push"]["pub"]["data"]
            if event["id"] in self.received_at:
                raise Rejected(f"the event {event['id']} came twice")
            self.received_at[event["id"]] = (datetime.fromisoformat(event["at"]).timestamp(), now, client.about)

    def figures(self) -> dict[str, Any]:
        """`commit`: from the instant the event carries, taken inside its transaction, so the commit is in it."""
        if set(self.asked_at) != set(self.received_at):
            raise Rejected(f"{len(self.asked_at)} events were acknowledged, {len(self.received_at)} received")
        commit = [received - at for at, received, _ in self.received_at.values()]
        whole = [self.received_at[one][1] - asked_at for one, asked_at in self.asked_at.items()]
        after = [self.received_at[one][1] - at for one, at in self.acknowledged_at.items()]
        return {"events": len(commit), "commit_ms": _spread(commit), "request_ms": _spread(whole),
                "after_answer_ms": _spread(after)}  # fmt: skip


def _spread(seconds: list[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    places = {"p50": 0.5, "p99": 0.99, "p99_9": 0.999, "most": 1.0}
    return {name: round(ordered[min(len(ordered) - 1, int(len(ordered) * p))] * 1_000, 2) for name, p in places.items()}


def measure(run: Run, directory: Path) -> dict[str, Any]:
    """Notices of the owner's other services, each to one random user, at an even pace whatever the answers do."""
    count, for_s = (CONNECTIONS, 30.0) if not run.quick else (200, 5.0)
    followers = Followers(directory / "data", count=count)
    ours = Ours(directory, core=run.server_core)
    run.facts |= {"settings": ours.settings, "server": COMMAND, "database": "SQLite"}
    rounds = []
    try:
        for number in range(run.rounds):
            run.say(f"round {number + 1} of {run.rounds}")
            seen = exchange(ours, followers, count=count, per_s=EVENTS_PER_S, for_s=for_s, seed=number)
            rounds.append({"round": number + 1, **seen})
    finally:
        ours.stop()
    p99_ms = median(one["commit_ms"]["p99"] for one in rounds)
    line = {"server": ours.name, "wanted_p99_ms": WANTED_P99_MS, "reached": p99_ms <= WANTED_P99_MS}
    line["cpu_us_an_event"] = round(median(one["server_share"] for one in rounds) / EVENTS_PER_S * 1e6)
    line |= {f"{name}_ms": median(one["commit_ms"][name] for one in rounds) for name in ("p50", "p99", "p99_9")}
    return {"connections": count, "events_per_s": EVENTS_PER_S, "rounds": rounds, "summary": [line]}


def exchange(
    ours: Ours, followers: Followers, *, count: int, per_s: float, for_s: float, seed: int
) -> dict[str, Any]:
    """`count` of the followers connected, events to random ones of them at this pace. Raises Rejected."""
    crowd, watch = Crowd(ours.port), Watch()
    posts = Posts(crowd, connections=_HTTP_CONNECTIONS, on_answer=watch.on_answer)
    try:
        present = followers.all[:count]
        clients = crowd.open([CentrifugeJson(token) for token in followers.tokens()[:count]], within_s=600.0)
        for client, follower in zip(clients, present, strict=True):
            client.listener, client.about = watch.on_push, follower.user_id
        cpu_before, own_before, started = ours.process.cpu_s(), time.process_time(), time.time()
        chance = random.Random(seed)
        for number in range(int(for_s * per_s)):
            due = started + number / per_s
            while (now := time.time()) < due:
                crowd.turn(min(0.005, due - now))
            while not _post(posts, chance.choice(present).user_id, followers.service_key, due):
                crowd.turn(0.005)
        elapsed_s, cpu_s = time.time() - started, ours.process.cpu_s() - cpu_before
        own_s = time.process_time() - own_before
        deadline = time.time() + _LATE_S
        while (posts.running or len(watch.received_at) < len(watch.asked_at)) and time.time() < deadline:
            crowd.turn(0.01)
    finally:
        posts.close()
        crowd.close()
    shares = {"server_share": round(cpu_s / elapsed_s, 3), "generator_share": round(own_s / elapsed_s, 2)}
    return {**watch.figures(), **shares}


def _post(posts: Posts, user_id: str, service_key: str, due: float) -> bool:
    headers = (
        f"X-Service-Key: {service_key}\r\nContent-Type: application/json\r\nIdempotency-Key: {uuid.uuid4().hex}\r\n"
    )
    body = {"user_id": user_id, "type": "system", "template": _TEMPLATE, "params": {}}
    return posts.send("/api/message/send", body, headers=headers, about=due)
