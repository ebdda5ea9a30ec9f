"""Fan-out: 1,000 receivers of one channel, nothing stored."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from bench.load.crowd import Crowd
from bench.load.dialects import CentrifugeJson, Dialect
from bench.load.window import Window
from bench.ours.server import COMMAND, Ours
from bench.ours.visit import People, Visit, accepted_visit
from bench.peers.peer import CALL, CENTRIFUGE, NODE_WS, PYTHON_SOCKETIO, SOCKET_IO, Running, had
from bench.run import Run

IN_FLIGHT = (1, 8, 32)
PEERS = (CENTRIFUGE, NODE_WS, SOCKET_IO, PYTHON_SOCKETIO)
_SENDERS = max(IN_FLIGHT)
# The least that is asked of the median ratio, by peer and messages in flight.
WANTED = {
    "Centrifuge engine": {1: 1.0, 8: 1.3, 32: 2.0},
    "Node ws": {1: 1.0, 8: 5.0, 32: 15.0},
    "Socket.IO": {32: 5.0},
}


@dataclass(frozen=True, slots=True)
class Side:
    """One server and what its clients say; tokens are made anew for each round."""

    server: Any
    receivers: Any  # (count) -> list of dialects
    senders: Any
    body: dict[str, str]


def ours_side(server: Ours, visit: Visit) -> Side:
    """Receivers are sockets of who booked, the caregiver and the administrator, senders of the first two."""

    def people() -> tuple[str, str, str]:
        api = server.api()
        known = People(api)
        by_id = {one.user_id: one for kind in ("patient", "caregiver", "admin") for one in known.all_of(kind)}
        api.close()
        return tuple(by_id[one.user_id].token for one in (visit.booker, visit.carer, visit.admin))

    def receivers(count: int) -> list[Dialect]:
        tokens = people()
        return [CentrifugeJson(tokens[number % 3], channel=visit.channel) for number in range(count)]

    def senders(count: int) -> list[Dialect]:
        tokens = people()
        return [CentrifugeJson(tokens[number % 2], method=CALL) for number in range(count)]

    return Side(server, receivers, senders, {"order_id": visit.order_id})


def peer_side(running: Running, visit: Visit) -> Side:
    ids = [visit.booker.user_id, visit.carer.user_id, visit.admin.user_id]
    peer = running.peer
    return Side(
        running,
        lambda count: [peer.receiver(ids[number % 3], visit.channel) for number in range(count)],
        lambda count: [peer.sender(ids[number % 2]) for number in range(count)],
        {"channel": visit.channel},
    )


@contextmanager
def all_sides(run: Run, directory: Path) -> Iterator[list[Side]]:
    """Ours first, then every peer that can be had, each in its own process on the servers' core."""
    run.say("preparing the peers and our own server")
    versions, absent = had(PEERS)
    run.facts |= {"peers": {peer.name: version for peer, version in versions.items()}, "absent": absent}
    started: list[Any] = []
    try:
        ours = Ours(directory, core=run.server_core)
        started.append(ours)
        run.facts |= {"settings": ours.settings, "server": COMMAND}
        api = ours.api()
        visit = accepted_visit(api)
        api.close()
        sides = [ours_side(ours, visit)]
        for peer in versions:
            running = Running(peer, directory, core=run.server_core)
            started.append(running)
            sides.append(peer_side(running, visit))
        yield sides
    finally:
        for server in started:
            server.stop()


def measure(run: Run, directory: Path) -> dict[str, Any]:
    """Interleaved rounds; every round of every side at 1, 8 and 32 messages in flight."""
    receivers, for_s = (1_000, 3.0) if not run.quick else (200, 0.7)
    rounds: list[dict[str, Any]] = []
    with all_sides(run, directory) as sides:
        for number in range(run.rounds):
            for side in sides:
                run.say(f"round {number + 1} of {run.rounds}: {side.server.name}")
                for flow in _one_round(side, receivers=receivers, for_s=for_s, prove=number == 0):
                    rounds.append({"round": number + 1, "server": side.server.name, **flow})
    return {"receivers": receivers, "rounds": rounds, "summary": summary(rounds)}


def _one_round(side: Side, *, receivers: int, for_s: float, prove: bool) -> Iterator[dict[str, Any]]:
    crowd = Crowd(side.server.port)
    try:
        followers = crowd.open(side.receivers(receivers))
        window = Window(
            crowd, senders=crowd.open(side.senders(_SENDERS)), receivers=followers, body=side.body,
            server_cpu_s=side.server.process.cpu_s,
        )  # fmt: skip
        if prove:
            window.prove()
        for in_flight in IN_FLIGHT:
            flow = window.run(in_flight=in_flight, for_s=for_s)
            rates = {"deliveries_per_s": flow.deliveries_per_s, "per_core_s": flow.deliveries / flow.server_cpu_s}
            yield {"in_flight": in_flight, **{name: round(rate) for name, rate in rates.items()}, **asdict(flow)}
    finally:
        crowd.close()


def summary(rounds: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Medians a server and window, and the median of the ratios round by round: ours to theirs.

    `per_core_s` counts against the processor time that the server used. It says the same on a quiet machine,
    and on a busy one, where others take the server's core away, it still says something.
    """
    lines = []
    names = list(dict.fromkeys(one["server"] for one in rounds))
    for name in names:
        for in_flight in IN_FLIGHT:
            mine, theirs = (_rates(rounds, who, in_flight) for who in (names[0], name))
            my_core, their_core = (_rates(rounds, who, in_flight, of="per_core_s") for who in (names[0], name))
            line = {
                "server": name, "in_flight": in_flight, "deliveries_per_s": round(median(theirs)),
                "per_core_s": round(median(their_core)),
            }  # fmt: skip
            if name != names[0]:
                wanted = WANTED.get(name, {}).get(in_flight)
                ratio = _ratio(mine, theirs)
                line |= {
                    "ours_to_it": round(ratio, 2), "wanted": wanted, "reached": wanted is None or ratio >= wanted,
                    "a_core_second": round(_ratio(my_core, their_core), 2),
                }  # fmt: skip
            lines.append(line)
    return lines


def _rates(
    rounds: list[dict[str, Any]], server: str, in_flight: int, *, of: str = "deliveries_per_s"
) -> list[float]:
    return [one[of] for one in rounds if one["server"] == server and one["in_flight"] == in_flight]


def _ratio(mine: list[float], theirs: list[float]) -> float:
    return median(ours / other for ours, other in zip(mine, theirs, strict=True))
