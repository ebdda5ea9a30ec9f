"""Two instances over MariaDB and Redis: what crosses between them.

The same work on both sides, under the same generator: notices to single users at an even pace, each posted to the
instance that its receiver is not connected to; then accepts of offers as fast as they go, each on the other instance
than the family that hears of it; then orders that all caregivers are asked for at once. Instances, stores and the
generator share the machine's cores.
"""

import os
import random
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any, Protocol, TypeVar

from bench.load.client import Client
from bench.load.crowd import Crowd
from bench.load.dialects import Dialect, Rejected
from bench.load.posts import Posts
from bench.ours.cluster import CAREGIVERS, FAMILIES, OurCluster
from bench.ours.server import COMMAND
from bench.peers.node_cluster import NAME, NodeCluster, version
from bench.peers.peer import Absent
from bench.run import Run
from bench.works.stores import Stores

EVENTS_PER_S, WANTED_P99_MS = 200, 30.0
ACCEPTS, ACCEPTS_IN_FLIGHT = 400, 16
OFFERED = 5  # orders that everybody is asked for
_HTTP_CONNECTIONS = 16  # to each instance
_LATE_S = 20.0
Result = TypeVar("Result")


class Side(Protocol):
    """Two instances of something that does the work."""

    name: str
    caregivers: list[str]
    families: list[str]

    @property
    def ports(self) -> list[int]: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def cpu_s(self) -> float: ...

    def receiver(self, user_id: str) -> Dialect: ...

    def events(self, payload: bytes) -> Any: ...

    def notice(self, user_id: str) -> tuple[str, dict[str, Any], str]: ...

    def acceptance(self, offer_id: str, user_id: str) -> tuple[str, dict[str, Any], str]: ...

    def prepare(self, count: int) -> list[tuple[str, str, str]]: ...

    def offer_to_all(self) -> str: ...


@dataclass(slots=True)
class Scene:
    """Everybody connected, half of them to each instance, and a few HTTP connections to each."""

    side: Side
    crowd: Crowd
    posts: list[Posts] = field(default_factory=list)
    at: dict[str, int] = field(default_factory=dict)  # user to instance
    on_event: Callable[[dict[str, Any], str], None] = lambda event, user: None
    on_answer: Callable[[Any, Any], None] = lambda about, data: None

    @classmethod
    def open(cls, side: Side) -> "Scene":
        scene = cls(side, Crowd(side.ports[0]))
        users = [*side.families, *side.caregivers]
        for number, port in enumerate(side.ports):
            scene.crowd.port = port
            mine = users[number::2]
            for client, user in zip(scene.crowd.open([side.receiver(one) for one in mine]), mine, strict=True):
                client.listener, client.about = scene._hear, user
                scene.at[user] = number
            scene.posts.append(
                Posts(scene.crowd, connections=_HTTP_CONNECTIONS, on_answer=lambda *told: scene.on_answer(*told))
            )
        return scene

    def _hear(self, client: Client, payload: bytes) -> None:
        for event in self.side.events(payload):
            self.on_event(event, client.about)

    def send(self, number: int, asked: tuple[str, dict[str, Any], str], about: Any) -> bool:
        path, body, headers = asked
        headers += f"Content-Type: application/json\r\nIdempotency-Key: {uuid.uuid4().hex}\r\n"
        return self.posts[number].send(path, body, headers=headers, about=about)

    @property
    def running(self) -> int:
        return sum(posts.running for posts in self.posts)

    def close(self) -> None:
        for posts in self.posts:
            posts.close()
        self.crowd.close()


def measure(run: Run, directory: Path) -> dict[str, Any]:
    """Rounds of ours and the peer, one after the other. What cannot be had is named."""
    run.facts |= {"server": COMMAND, "database": "MariaDB", "absent": {}, "peers": {}}
    with Stores(directory / "stores") as stores:
        run.facts["absent"] |= stores.absent
        sides = _sides(run, directory, stores)
        rounds: list[dict[str, Any]] = []
        try:
            for side in sides:
                run.say(f"starting {side.name}")
                side.start()
            for number in range(run.rounds):
                for side in sides if number % 2 == 0 else sides[::-1]:
                    run.say(f"round {number + 1} of {run.rounds}: {side.name}")
                    rounds.append({"round": number + 1, "server": side.name, **_one_round(side, run)})
        finally:
            for side in sides:
                side.stop()
    return {
        "events_per_s": EVENTS_PER_S, "accepts": ACCEPTS, "accepts_in_flight": ACCEPTS_IN_FLIGHT, "rounds": rounds,
        "summary": summarized(rounds, [side.name for side in sides]),
    }  # fmt: skip


def _sides(run: Run, directory: Path, stores: Stores) -> list[Side]:
    cores = (run.server_core, *os.sched_getaffinity(0))[:2]  # one instance on each, on both sides
    ours = OurCluster(directory / "ours", cores=cores, environment=stores.environment(directory / "data"))
    sides: list[Side] = [ours]
    try:
        run.facts["peers"][NAME] = version()
    except Absent as problem:
        run.facts["absent"][NAME] = str(problem)
    else:
        sides.append(
            NodeCluster(
                directory / "peer", cores=cores, database=stores.schema("peer"), redis_url=stores.redis_url(1),
                caregivers=CAREGIVERS, families=FAMILIES,
            )
        )  # fmt: skip
    return sides


def _one_round(side: Side, run: Run) -> dict[str, Any]:
    scene = Scene.open(side)
    try:
        delivered = deliver(scene, for_s=3.0 if run.quick else 20.0, seed=len(side.ports))
        accepted = accept(scene, count=50 if run.quick else ACCEPTS)
        return {"delivery": delivered, "accepts": accepted, "offers": offer(scene, count=2 if run.quick else OFFERED)}
    finally:
        scene.close()


def deliver(scene: Scene, *, for_s: float, seed: int) -> dict[str, Any]:
    """Notices at an even pace whatever the answers do. Raises Rejected when one is lost or comes twice."""
    asked: dict[str, float] = {}
    received: dict[str, tuple[float, float]] = {}

    def on_answer(asked_at: float, data: Any) -> None:
        asked[data["message_id"]] = asked_at

    def on_event(event: dict[str, Any], user: str) -> None:
        if event["type"] == "notice":
            if event["id"] in received:
                raise Rejected(f"the event {event['id']} came twice")
            received[event["id"]] = (_instant(event["at"]), time.time())

    scene.on_answer, scene.on_event = on_answer, on_event
    users, chance = [*scene.side.families, *scene.side.caregivers], random.Random(seed)
    cpu_before, own_before, started = scene.side.cpu_s(), time.process_time(), time.time()
    for number in range(int(for_s * EVENTS_PER_S)):
        due = started + number / EVENTS_PER_S
        while (now := time.time()) < due:
            scene.crowd.turn(min(0.005, due - now))
        user = chance.choice(users)
        while not scene.send(1 - scene.at[user], scene.side.notice(user), due):
            scene.crowd.turn(0.005)
    elapsed_s = time.time() - started
    shares = _shares(scene, cpu_before, own_before, elapsed_s)
    cpu_us_an_event = round((scene.side.cpu_s() - cpu_before) / max(1, len(asked)) * 1e6)
    _settle(scene, lambda: len(received) >= len(asked) and not scene.running)
    if set(asked) != set(received):
        raise Rejected(f"{scene.side.name}: {len(asked)} events were acknowledged, {len(received)} received")
    waits = [now - at for at, now in received.values()]
    whole = [received[one][1] - asked_at for one, asked_at in asked.items()]
    spreads = {"commit_ms": spread(waits), "request_ms": spread(whole)}
    return {"events": len(asked), "cpu_us_an_event": cpu_us_an_event, **spreads, **shares}


def accept(scene: Scene, *, count: int) -> dict[str, Any]:
    """Accepts of offers, so many on their way at once. Raises Rejected when one is refused or not told."""
    offers = _meanwhile(scene, lambda: scene.side.prepare(count))
    random.Random(count).shuffle(offers)
    told: dict[str, tuple[float, float]] = {}
    answered: dict[str, float] = {}

    def on_answer(about: tuple[str, float], data: Any) -> None:
        answered[data["order_id"]] = time.time() - about[1]

    def on_event(event: dict[str, Any], user: str) -> None:
        is_status = event["type"] == "order.status" and event["data"]["status"] == "awaiting_service"
        if is_status and event["channel"] == f"user:{user}" and user in families:
            told[event["data"]["order_id"]] = (_instant(event["at"]), time.time())

    families = set(scene.side.families)
    scene.on_answer, scene.on_event = on_answer, on_event
    cpu_before, own_before, started = scene.side.cpu_s(), time.process_time(), time.time()
    for offer_id, caregiver, family in offers:
        asked, there = scene.side.acceptance(offer_id, caregiver), 1 - scene.at[family]
        while scene.running >= ACCEPTS_IN_FLIGHT or not scene.send(there, asked, (offer_id, time.time())):
            scene.crowd.turn(0.005)
    _settle(scene, lambda: len(answered) == count)
    elapsed_s = time.time() - started
    shares = _shares(scene, cpu_before, own_before, elapsed_s)
    cpu_us_an_accept = round((scene.side.cpu_s() - cpu_before) / count * 1e6)
    _settle(scene, lambda: len(told) >= count)
    if len(told) != count or set(told) != set(answered):
        raise Rejected(f"{scene.side.name}: {len(answered)} of {count} accepts were answered, {len(told)} told")
    waits = [now - at for at, now in told.values()]
    figures = {"accepts": count, "accepts_per_s": round(count / elapsed_s, 1), "cpu_us_an_accept": cpu_us_an_accept}
    return figures | {"answer_ms": spread(list(answered.values())), "commit_ms": spread(waits), **shares}


def offer(scene: Scene, *, count: int) -> dict[str, Any]:
    """Orders that all caregivers are asked for, one after the other. Raises Rejected when one is not told.

    `all_told_ms`: from the first instant in an order's events to the last receive.
    """
    told: dict[str, dict[str, tuple[float, float]]] = {}
    caregivers = set(scene.side.caregivers)

    def on_event(event: dict[str, Any], user: str) -> None:
        if event["type"] == "offer.opened" and user in caregivers:
            order_id = event["data"]["order_id"]
            told.setdefault(order_id, {})[user] = (_instant(event["at"]), time.time())

    scene.on_event = on_event
    waits: list[float] = []
    for _ in range(count):
        order_id = _meanwhile(scene, scene.side.offer_to_all)
        _settle(scene, lambda: len(told.get(order_id, ())) == len(caregivers))  # noqa: B023 - asked at once
        heard = told.get(order_id, {})
        if len(heard) != len(caregivers):
            raise Rejected(f"{scene.side.name}: {len(heard)} of {len(caregivers)} caregivers were told of an order")
        waits.append(max(now for _, now in heard.values()) - min(at for at, _ in heard.values()))
    return {"orders": count, "caregivers": len(caregivers), "all_told_ms": spread(waits)}


def _meanwhile(scene: Scene, work: Callable[[], Result]) -> Result:
    """What `work` makes in a thread, while the sockets answer the pings of their servers."""
    with ThreadPoolExecutor(1) as thread:
        made = thread.submit(work)
        while not made.done():
            scene.crowd.turn(0.05)
        return made.result()


def _settle(scene: Scene, is_done: Callable[[], bool]) -> None:
    deadline = time.time() + _LATE_S
    while not is_done() and time.time() < deadline:
        scene.crowd.turn(0.01)


def _shares(scene: Scene, cpu_before: float, own_before: float, elapsed_s: float) -> dict[str, float]:
    return {
        "server_share": round((scene.side.cpu_s() - cpu_before) / elapsed_s, 3),
        "generator_share": round((time.process_time() - own_before) / elapsed_s, 2),
    }


def _instant(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def spread(seconds: list[float]) -> dict[str, float]:
    """Percentiles in ms."""
    ordered = sorted(seconds)
    places = {"p50": 0.5, "p99": 0.99, "most": 1.0}
    return {name: round(ordered[min(len(ordered) - 1, int(len(ordered) * p))] * 1_000, 2) for name, p in places.items()}


def summarized(rounds: list[dict[str, Any]], names: list[str]) -> list[dict[str, Any]]:
    """A line a server: medians of its rounds, and what ours is to each other."""
    lines = []
    for name in names:
        mine = [one for one in rounds if one["server"] == name]
        line: dict[str, Any] = {"server": name}
        for place in ("p50", "p99"):
            line[f"delivered_{place}_ms"] = round(median(one["delivery"]["commit_ms"][place] for one in mine), 2)
        line["accepts_per_s"] = round(median(one["accepts"]["accepts_per_s"] for one in mine), 1)
        line["offered_to_all_ms"] = round(median(one["offers"]["all_told_ms"]["p50"] for one in mine), 1)
        line["accept_told_p99_ms"] = round(median(one["accepts"]["commit_ms"]["p99"] for one in mine), 2)
        line["cpu_us_an_event"] = round(median(one["delivery"]["cpu_us_an_event"] for one in mine))
        line["cpu_us_an_accept"] = round(median(one["accepts"]["cpu_us_an_accept"] for one in mine))
        lines.append(line)
    ours, *peers = lines
    ours |= {"wanted_p99_ms": WANTED_P99_MS, "reached": ours["delivered_p99_ms"] <= WANTED_P99_MS}
    for peer in peers:
        peer["ours_to_it_accepts"] = round(ours["accepts_per_s"] / peer["accepts_per_s"], 2)
        peer["ours_to_it_p99"] = round(ours["delivered_p99_ms"] / peer["delivered_p99_ms"], 2)
    return lines
