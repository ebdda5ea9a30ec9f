"""The herd: 5,000 clients cut at once, each misses 20 events."""

import json
import random
import time
import uuid
from pathlib import Path
from statistics import median
from typing import Any

from bench.load.client import Client
from bench.load.crowd import Crowd
from bench.load.dialects import CentrifugeJson, Rejected, compact
from bench.load.returning import Follower, Herd
from bench.ours.followers import Followers
from bench.ours.server import COMMAND, Ours
from bench.ours.visit import accepted_visit
from bench.run import Run

MISSED, WANTED_S, WANTED_TURN_MS = 20, 20.0, 250
_GIVES_UP_S = 120.0
_LINGER_S = 1.0
_PROBE_EVERY_S = 0.01
_LONGEST_TURN = "peihu_loop_longest_turn_seconds"


class Bystander:
    """One who was not cut: writes the messages and asks for a sign of life all the time.

    `longest_s` between asking and the answer bounds the longest turn of the server's loop from above; the
    load generator's own turns are in it.
    """

    def __init__(self, crowd: Crowd, token: str, order_id: str) -> None:
        (self._client,) = crowd.open([CentrifugeJson(token, method="chat.send")])
        self._client.listener = self._heard
        self._order_id = order_id
        self._asked_at: float | None = None
        self._ask_at = 0.0
        self._to_write = 0
        self.longest_s = 0.0
        self.offsets: list[int] = []

    def write(self, count: int) -> None:
        """So many messages, one after the other."""
        self._to_write = count
        self._write_next()

    def _write_next(self) -> None:
        if not self._to_write:
            return
        self._to_write -= 1
        text = {"order_id": self._order_id, "msg_id": uuid.uuid4().hex, "kind": "text", "text": "到三楼了，正在候诊。"}
        self._client.call(text)

    def ask(self) -> None:
        now = time.perf_counter()
        if self._asked_at is None and now >= self._ask_at:
            self._client.called += 1
            self._client.say(compact({"id": self._client.called + 1, "ping": {}}))
            self._asked_at, self._ask_at = now, now + _PROBE_EVERY_S

    def _heard(self, _client: Client, payload: bytes) -> None:
        for line in payload.split(b"\n"):
            reply = json.loads(line)
            if "error" in reply:
                raise Rejected(line.decode())
            if "rpc" in reply:
                self.offsets.append(reply["rpc"]["data"]["offset"])
                self._write_next()
            elif "ping" in reply and self._asked_at is not None:
                self.longest_s = max(self.longest_s, time.perf_counter() - self._asked_at)
                self._asked_at = None


def measure(run: Run, directory: Path) -> dict[str, Any]:
    """Rounds: all connect, all are cut, 20 messages are written, all come back."""
    count = 5_000 if not run.quick else 500
    run.say(f"planting {count:,} accounts")
    followers = Followers(directory / "data", count=count)
    default_pace = {"PEIHU_WS__HANDSHAKES_PER_S": "500"}  # the server's own guard against herds stays as it is
    ours = Ours(directory, core=run.server_core, settings=default_pace)
    run.facts |= {"settings": ours.settings, "server": COMMAND, "missed_events": MISSED}
    rounds = []
    try:
        api = ours.api()
        visit = accepted_visit(api)
        api.close()
        for number in range(run.rounds):
            run.say(f"round {number + 1} of {run.rounds}")
            rounds.append({"round": number + 1, **_one_round(ours, followers, visit, seed=number)})
    finally:
        ours.stop()
    return {"clients": count, "rounds": rounds, "summary": [_summary(rounds)]}


def _one_round(ours: Ours, followers: Followers, visit: Any, *, seed: int) -> dict[str, Any]:
    herd: Herd | None = None

    def on_end(client: Client, why: str) -> None:
        if herd is None:
            raise Rejected(f"a socket ended: {why}")
        herd.ended(client, why)

    crowd = Crowd(ours.port, on_end=on_end)
    try:
        memories = [Follower(token, channel=visit.channel) for token in followers.tokens()]
        clients = _let_in_gently(crowd, memories)
        bystander = Bystander(crowd, visit.booker.token, visit.order_id)
        herd = Herd(crowd, clients, chance=random.Random(seed))
        longest_before, cpu_before, started = ours.metric(_LONGEST_TURN), ours.process.cpu_s(), time.perf_counter()
        herd.cut()
        bystander.write(MISSED)
        while any(memory.returned_at < started for memory in memories):
            herd.turn()
            bystander.ask()
            if time.perf_counter() - started > _GIVES_UP_S:
                missing = sum(memory.returned_at < started for memory in memories)
                raise Rejected(f"{missing} clients were not back after {_GIVES_UP_S:g} s: {herd.refused}")
        linger = time.perf_counter() + _LINGER_S
        while time.perf_counter() < linger:
            herd.turn()
        _check(memories, bystander.offsets)
        longest = ours.metric(_LONGEST_TURN)
    finally:
        crowd.close()
    back_s = sorted(memory.returned_at - started for memory in memories)
    return {
        "all_back_s": round(back_s[-1], 2), "half_back_s": round(back_s[len(back_s) // 2], 2), "tries": herd.tries,
        "refused": herd.refused, "longest_answer_ms": round(bystander.longest_s * 1_000),
        "longest_turn_ms": None if longest is None or longest_before is None else round(longest * 1_000),
        "server_cpu_s": round(ours.process.cpu_s() - cpu_before, 2),
    }  # fmt: skip


def _let_in_gently(crowd: Crowd, memories: list[Follower]) -> list[Client]:
    """At the pace that the server allows: the bench waits its turn before it breaks the queue."""
    opened: list[Client] = []
    for start in range(0, len(memories), 200):
        began = time.perf_counter()
        opened += crowd.open(memories[start : start + 200])
        while time.perf_counter() - began < 0.5:
            crowd.turn(0.05)
    for client, memory in zip(opened, memories, strict=True):
        client.listener = memory.heard
    return opened


def _check(memories: list[Follower], offsets: list[int]) -> None:
    """Nobody lost anything, or got it twice, or out of order. Raises Rejected."""
    wanted = sorted(offsets)
    if len(wanted) != MISSED:
        raise Rejected(f"{len(wanted)} of {MISSED} messages were acknowledged")
    lost = sum(memory.lost for memory in memories)
    wrong = [memory.offsets for memory in memories if memory.offsets != wanted]
    if lost or wrong:
        told = f"{lost} clients were told that they cannot recover"
        raise Rejected(f"{told}, {len(wrong)} got something else: {wrong[:1]}")


def _summary(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    back_s = median(one["all_back_s"] for one in rounds)
    answer_ms = median(one["longest_answer_ms"] for one in rounds)
    turns = [one["longest_turn_ms"] for one in rounds if one["longest_turn_ms"] is not None]
    turn_ms = median(turns) if turns else answer_ms
    return {
        "server": Ours.name, "all_back_s": back_s, "longest_answer_ms": answer_ms,
        "longest_turn_ms": turn_ms if turns else None, "wanted_s": WANTED_S, "wanted_turn_ms": WANTED_TURN_MS,
        "reached": back_s <= WANTED_S and turn_ms <= WANTED_TURN_MS,
    }  # fmt: skip
