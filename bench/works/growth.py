"""How cost grows with receivers, connections and channels.

Cost is the server's processor time, which the load generator and other programs do not change.
"""

from pathlib import Path
from statistics import median
from typing import Any

from bench.load.crowd import Crowd
from bench.load.dialects import CentrifugeJson
from bench.load.window import Window
from bench.ours.followers import Followers
from bench.ours.server import COMMAND, Ours
from bench.ours.visit import Visit, accepted_visit
from bench.peers.peer import CALL
from bench.run import Run
from bench.works import latency

RECEIVERS = (1, 3, 10, 30, 100, 300, 1_000, 3_000)
CONNECTIONS = (0, 100, 300, 1_000, 3_000, 8_000)
CHANNELS = (1, 10, 100, 1_000, 8_000)
_FEW, _SENDERS, _NOTICES_PER_S = 10, 8, 50


def measure(run: Run, directory: Path) -> dict[str, Any]:
    """Three rows of points: a message to N receivers, one while N others are connected, a stored notice to one
    of N users."""
    quick = run.quick
    kinds = ((RECEIVERS, "receivers", _receivers), (CONNECTIONS, "connections", _connections),
             (CHANNELS, "channels", _channels))  # fmt: skip
    most = 300 if quick else max(CONNECTIONS)
    run.say(f"planting {most:,} accounts")
    followers = Followers(directory / "data", count=most)
    ours = Ours(directory, core=run.server_core)
    run.facts |= {"settings": ours.settings, "server": COMMAND}
    rounds: list[dict[str, Any]] = []
    try:
        api = ours.api()
        visit = accepted_visit(api)
        api.close()
        for number in range(run.rounds):
            for points, of, one in kinds:
                for size in (point for point in points if point <= most):
                    run.say(f"round {number + 1} of {run.rounds}: {size:,} {of}")
                    cost = one(ours, visit, followers, size, for_s=0.5 if quick else 2.0)
                    rounds.append({"round": number + 1, "of": of, "size": size, **cost})
    finally:
        ours.stop()
    return {"rounds": rounds, "summary": summary(rounds)}


def _receivers(ours: Ours, visit: Visit, followers: Followers, size: int, *, for_s: float) -> dict[str, Any]:
    """One channel with so many receivers."""
    return _cost(ours, visit, followers.tokens()[:1] * size, idle=[], for_s=for_s)


def _connections(ours: Ours, visit: Visit, followers: Followers, size: int, *, for_s: float) -> dict[str, Any]:
    """Ten receivers, while so many others are connected, each in a channel of its own."""
    tokens = followers.tokens()
    return _cost(ours, visit, tokens[:1] * _FEW, idle=tokens[:size], for_s=for_s)


def _channels(ours: Ours, _visit: Visit, followers: Followers, size: int, *, for_s: float) -> dict[str, Any]:
    """A stored notice to one of so many users, each connected and in a channel of its own."""
    seen = latency.exchange(ours, followers, count=size, per_s=_NOTICES_PER_S, for_s=2 * for_s, seed=size)
    return {"per_message_us": round(seen["server_share"] / _NOTICES_PER_S * 1e6, 1), "messages_per_s": _NOTICES_PER_S}


def _cost(ours: Ours, visit: Visit, receiving: list[str], *, idle: list[str], for_s: float) -> dict[str, Any]:
    crowd = Crowd(ours.port)
    try:
        crowd.open([CentrifugeJson(token) for token in idle], within_s=600.0)
        receivers = crowd.open([CentrifugeJson(token, channel=visit.channel) for token in receiving], within_s=300.0)
        senders = crowd.open([CentrifugeJson(visit.booker.token, method=CALL)] * _SENDERS)
        window = Window(
            crowd, senders=senders, receivers=receivers, body={"order_id": visit.order_id},
            server_cpu_s=ours.process.cpu_s,
        )  # fmt: skip
        flow = window.run(in_flight=_SENDERS, for_s=for_s)
    finally:
        crowd.close()
    per_message_us = flow.server_cpu_s / flow.messages * 1e6
    return {"per_message_us": round(per_message_us, 1), "messages_per_s": round(flow.messages / flow.elapsed_s)}


def summary(rounds: list[dict[str, Any]]) -> list[dict[str, Any]]:
    lines = []
    for of, size in dict.fromkeys((one["of"], one["size"]) for one in rounds):
        mine = [one for one in rounds if (one["of"], one["size"]) == (of, size)]
        lines.append({
            "of": of, "size": size, "per_message_us": round(median(one["per_message_us"] for one in mine), 1),
            "messages_per_s": round(median(one["messages_per_s"] for one in mine)),
        })  # fmt: skip
    return lines

