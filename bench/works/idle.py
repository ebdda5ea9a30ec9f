"""Idle: 10,000 connected, in an own and a shared channel."""

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from bench.load.crowd import Crowd
from bench.load.dialects import CentrifugeJson, Dialect
from bench.ours.followers import Followers
from bench.ours.server import COMMAND, Ours
from bench.ours.visit import accepted_visit
from bench.peers.peer import CENTRIFUGE, NODE_WS, Running, had
from bench.run import Run

WANTED_BYTES, WANTED_PING_SHARE = 16 * 1024, 0.07
PEERS = (CENTRIFUGE, NODE_WS)
# A first ping comes half an interval to a whole one after the connect and every whole one from then on: after one
# interval the rate is even, and any whole number of them sees as many pings as all time would.
_INTERVAL_S = 25.0
_EMPTY_S = 8.0
_SHARED = "order:06g3cvk6g3ne3tndgbteqmv6rr"


def measure(run: Run, directory: Path) -> dict[str, Any]:
    """One server after the other, because each has the memory of the machine for itself."""
    count, quiet_s = (10_000, 2 * _INTERVAL_S) if not run.quick else (1_000, _INTERVAL_S)
    versions, absent = had(PEERS)
    run.facts |= {"peers": {peer.name: version for peer, version in versions.items()}, "absent": absent}
    rounds = []
    for number in range(run.rounds):
        where = directory / str(number)
        rounds.append({"round": number + 1, **_ours(run, where, count=count, quiet_s=quiet_s)})
        for peer in versions:
            running = Running(peer, where, core=run.server_core)
            ids = [f"{n:026d}" for n in range(count)]
            try:
                speak = [peer.receiver(one, f"user:{one}", _SHARED) for one in ids]
                seen = _hold(run, running, lambda speak=speak: speak, quiet_s=quiet_s)
                rounds.append({"round": number + 1, **seen})
            finally:
                running.stop()
    return {"connections": count, "watched_s": quiet_s, "rounds": rounds, "summary": summary(rounds)}


def _ours(run: Run, directory: Path, *, count: int, quiet_s: float) -> dict[str, Any]:
    run.say(f"planting {count:,} accounts")
    followers = Followers(directory / "data", count=count)
    ours = Ours(directory, core=run.server_core)
    run.facts |= {"settings": ours.settings, "server": COMMAND}
    try:
        api = ours.api()
        channel = accepted_visit(api).channel
        api.close()
        return _hold(
            run, ours, lambda: [CentrifugeJson(token, channel=channel) for token in followers.tokens()], quiet_s=quiet_s
        )
    finally:
        ours.stop()


def _hold(run: Run, server: Any, speak: Callable[[], list[Dialect]], *, quiet_s: float) -> dict[str, Any]:
    """Connect all, let it settle, watch memory and processor while nothing but pings happens."""
    dialects, process = speak(), server.process
    crowd = Crowd(server.port)
    run.say(f"{server.name}: connecting {len(dialects):,}")
    try:
        empty_share = _share(server, crowd, for_s=_EMPTY_S)
        empty_bytes, started = process.resident_bytes(), time.perf_counter()
        crowd.open(dialects, within_s=600.0)
        connected_s = time.perf_counter() - started
        _answer_pings(crowd, for_s=_INTERVAL_S)
        held_bytes = process.resident_bytes()
        run.say(f"{server.name}: {len(dialects):,} held for {quiet_s:g} s")
        share = _share(server, crowd, for_s=quiet_s)
        if len(crowd.clients) != len(dialects):
            raise RuntimeError("connections were lost while idle")
    finally:
        crowd.close()
    return {
        "server": server.name, "bytes_per_connection": round((held_bytes - empty_bytes) / len(dialects)),
        "empty_mib": round(empty_bytes / 2**20, 1), "held_mib": round(held_bytes / 2**20, 1),
        "empty_share": round(empty_share, 4), "ping_share": round(share, 4),
        "connects_per_s": round(len(dialects) / connected_s),
    }  # fmt: skip


def _share(server: Any, crowd: Crowd, *, for_s: float) -> float:
    """How much of its core the server used meanwhile, 0 to 1; everything it does by itself is in it."""
    cpu_before, started = server.process.cpu_s(), time.perf_counter()
    _answer_pings(crowd, for_s=for_s)
    return (server.process.cpu_s() - cpu_before) / (time.perf_counter() - started)


def _answer_pings(crowd: Crowd, *, for_s: float) -> None:
    until = time.perf_counter() + for_s
    while time.perf_counter() < until:
        crowd.turn(0.05)


def summary(rounds: list[dict[str, Any]]) -> list[dict[str, Any]]:
    lines = []
    for name in dict.fromkeys(one["server"] for one in rounds):
        mine = [one for one in rounds if one["server"] == name]
        size = round(median(one["bytes_per_connection"] for one in mine))
        share = round(median(one["ping_share"] for one in mine), 4)
        line = {"server": name, "kib_per_connection": round(size / 1024, 1), "ping_share": share}
        if name == Ours.name:
            line |= {"wanted": WANTED_BYTES // 1024, "reached": size <= WANTED_BYTES and share <= WANTED_PING_SHARE}
        lines.append(line)
    return lines
