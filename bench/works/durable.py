"""Stored chat: messages acknowledged after commit, a second.

Every receiver gets every message once, in the order of its offsets, and every acknowledged one is there.
"""

import json
import time
import uuid
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from bench.load.client import Client
from bench.load.crowd import Crowd
from bench.load.dialects import CentrifugeJson, Rejected
from bench.ours.server import COMMAND, Ours
from bench.ours.visit import accepted_visit
from bench.run import Run

SENDERS, RECEIVERS = 32, 10
WANTED_PER_S = 2_000
_METHOD = "chat.send"
_STALLED_S = 20.0
_TEXT = "您好，我已经到门诊大厅导诊台了。"


@dataclass(slots=True)
class Chat:
    """What one round sent and heard."""

    order_id: str
    free: deque[Client]
    sent_at: dict[Client, float] = field(default_factory=dict)
    acknowledged: dict[str, int] = field(default_factory=dict)  # msg_id to offset
    waits_s: list[float] = field(default_factory=list)
    heard: dict[Client, list[tuple[int, str]]] = field(default_factory=dict)
    asked: dict[Client, str] = field(default_factory=dict)

    def send(self) -> None:
        sender = self.free.popleft()
        msg_id = uuid.uuid4().hex
        self.asked[sender], self.sent_at[sender] = msg_id, time.perf_counter()
        sender.call({"order_id": self.order_id, "msg_id": msg_id, "kind": "text", "text": _TEXT})

    def on_reply(self, sender: Client, payload: bytes) -> None:
        for line in payload.split(b"\n"):
            reply = json.loads(line)
            if "error" in reply:
                raise Rejected(line.decode())
            if "rpc" in reply:
                self.waits_s.append(time.perf_counter() - self.sent_at[sender])
                self.acknowledged[self.asked[sender]] = reply["rpc"]["data"]["offset"]
                self.free.append(sender)

    def on_push(self, receiver: Client, payload: bytes) -> None:
        for line in payload.split(b"\n"):
            publication = json.loads(line)["push"]["pub"]
            self.heard[receiver].append((publication["offset"], publication["data"]["data"]["msg_id"]))

    def check(self, crowd: Crowd) -> None:
        """Wait for the rest, then compare. Raises Rejected."""
        deadline = time.perf_counter() + _STALLED_S
        wanted = sorted((offset, msg_id) for msg_id, offset in self.acknowledged.items())
        while any(len(heard) < len(wanted) for heard in self.heard.values()) and time.perf_counter() < deadline:
            crowd.turn(0.01)
        for heard in self.heard.values():
            if heard != wanted:
                raise Rejected(f"of {len(wanted)} messages a receiver heard {len(heard)}, or in another order")


def measure(run: Run, directory: Path) -> dict[str, Any]:
    """Rounds of 32 senders, each with one message on its way."""
    ours = Ours(directory, core=run.server_core)
    run.facts |= {"settings": ours.settings, "server": COMMAND, "database": "SQLite"}
    rounds = []
    try:
        api = ours.api()
        visit = accepted_visit(api)
        api.close()
        for number in range(run.rounds):
            run.say(f"round {number + 1} of {run.rounds}")
            rounds.append({"round": number + 1, **_one_round(ours, visit, for_s=1.0 if run.quick else 5.0)})
    finally:
        ours.stop()
    per_s = round(median(one["messages_per_s"] for one in rounds))
    cpu_us = round(median(one["server_cpu_s"] / one["messages"] for one in rounds) * 1e6)
    line = {"server": ours.name, "messages_per_s": per_s, "cpu_us_a_message": cpu_us}
    line |= {"wanted": WANTED_PER_S, "reached": per_s >= WANTED_PER_S}
    return {"senders": SENDERS, "receivers": RECEIVERS, "rounds": rounds, "summary": [line]}


def _one_round(ours: Ours, visit: Any, *, for_s: float) -> dict[str, Any]:
    tokens = [visit.booker.token, visit.carer.token]
    crowd = Crowd(ours.port)
    try:
        receivers = crowd.open([CentrifugeJson(tokens[n % 2], channel=visit.channel) for n in range(RECEIVERS)])
        senders = crowd.open([CentrifugeJson(tokens[n % 2], method=_METHOD) for n in range(SENDERS)])
        chat = Chat(visit.order_id, deque(senders), heard={client: [] for client in receivers})
        for client in senders:
            client.listener = chat.on_reply
        for client in receivers:
            client.listener = chat.on_push
        _exchange(chat, crowd, for_s=0.3)
        before = (len(chat.acknowledged), time.perf_counter(), ours.process.cpu_s(), time.process_time())
        chat.waits_s.clear()
        _exchange(chat, crowd, for_s=for_s)
        after = (len(chat.acknowledged), time.perf_counter(), ours.process.cpu_s(), time.process_time())
        _finish(chat, crowd)
        chat.check(crowd)
    finally:
        crowd.close()
    messages, elapsed_s, server_cpu_s, own_cpu_s = (b - a for a, b in zip(before, after, strict=True))
    waits = sorted(chat.waits_s)
    return {
        "messages_per_s": round(messages / elapsed_s), "messages": int(messages), "elapsed_s": round(elapsed_s, 3),
        "acknowledged_p50_ms": round(waits[len(waits) // 2] * 1_000, 1),
        "acknowledged_p99_ms": round(waits[len(waits) * 99 // 100] * 1_000, 1),
        "server_cpu_s": round(server_cpu_s, 2), "generator_share": round(own_cpu_s / elapsed_s, 2),
    }  # fmt: skip


def _exchange(chat: Chat, crowd: Crowd, *, for_s: float) -> None:
    until = time.perf_counter() + for_s
    while time.perf_counter() < until:
        while chat.free:
            chat.send()
        crowd.turn(0.01)


def _finish(chat: Chat, crowd: Crowd) -> None:
    deadline = time.perf_counter() + _STALLED_S
    while len(chat.free) < SENDERS:
        crowd.turn(0.01)
        if time.perf_counter() > deadline:
            raise Rejected(f"{SENDERS - len(chat.free)} messages were not acknowledged within {_STALLED_S:g} s")
