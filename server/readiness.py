"""Whether this instance can do its work, and its gauges."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from server.core.errors import Unavailable
from server.core.pulse import Pulse
from server.handlers.health import Readiness
from server.jobs.backups import ScheduledBackup
from server.jobs.clock_watch import ClockWatch
from server.jobs.loops import Jobs
from server.jobs.orders import OrderRound
from server.parts.foundation import Foundation
from server.parts.rounds import BACKUP
from server.storage.pubsub.port import AWAY, DEAF
from server.storage.redis.desk import RedisDesk
from server.storage.documents.watch import ANSWERS
from server.storage.outbox import Outbox
from server.storage.leases import Leases
from server.ws.live import LiveChannels

_LATE_S = 10.0  # a job without a good round for so long beyond its pause needs an eye
_AWAY_S = 60.0  # parcels for somebody outside (carriers, payment providers) that wait for so long need one too


class ReadinessProbe:
    """Answers `/readyz`: what takes us out of service, and what somebody should look at.

    docs/operations.md has a runbook for each word that stands here (tests/shape/test_runbooks.py).
    """

    def __init__(
        self,
        *,
        base: Foundation,
        jobs: Jobs,
        order_round: OrderRound,
        clock: ClockWatch,
        backup: ScheduledBackup | None,
        stuck_after_s: float,
    ) -> None:
        self._base = base
        self._jobs = jobs
        self._order_round = order_round
        self._clock = clock
        self._backup = backup
        self._stuck_after_s = stuck_after_s
        self.last = Readiness()  # what was answered last, for the metrics

    async def ready(self) -> Readiness:
        """How it is now."""
        self.last = await self._look()
        return self.last

    async def _look(self) -> Readiness:
        failing: list[str] = []
        try:
            await self._base.database.ping()
            age_s = await self._base.outbox.oldest_age_s()
            away = await self._base.outbox.waiting_for(longer_than_s=_AWAY_S)
        except Unavailable:
            return Readiness(failing=("database",))
        if age_s > self._stuck_after_s:
            failing.append("outbox")
        if self._clock.is_far_off:
            failing.append("clock")
        if self._base.bus.state == DEAF:
            failing.append("bus")
        late = [f"job:{name}" for name in self._jobs.late(by_s=_LATE_S)]
        broken = [f"step:{name}" for name in self._order_round.failing]
        off = ["clock"] if self._clock.is_off and not self._clock.is_far_off else []
        outside = [f"outside:{name}" for name in away]
        off += ["redis"] if self._base.bus.state == AWAY else []
        off += ["mongo"] if self._base.mongo is not None and self._base.mongo.state != ANSWERS else []
        if self._backup is not None and self._backup.is_bad and BACKUP in self._base.leases.held:
            off.append("backup")
        return Readiness(failing=tuple(failing), degraded=(*off, *late, *broken, *outside))


class _Figures:
    """Reads plain numbers at scrape time."""

    def __init__(self, read: Callable[[], Iterable[Any]]) -> None:
        self._read = read

    def collect(self) -> Iterable[Any]:
        return self._read()


def register_gauges(
    registry: CollectorRegistry, *, base: Foundation, live: LiveChannels, jobs: Jobs, order_round: OrderRound
) -> None:
    """The figures of the live channels, the outbox, what runs without a request, and the cache."""

    def read() -> Iterable[Any]:
        yield GaugeMetricFamily("peihu_ws_connections", "Open sockets.", value=len(live.connections))
        counts = CounterMetricFamily("peihu_ws_events", "Totals of the live channels.", labels=["kind"])
        for kind, total in live.counts.items():
            counts.add_metric([str(kind)], total)
        yield counts
        deaths = CounterMetricFamily("peihu_job_deaths", "Jobs that had to be started again.", labels=["job"])
        for name, total in jobs.died.items():
            deaths.add_metric([name], total)
        yield deaths
        broken = CounterMetricFamily("peihu_due_steps_failed", "Due steps that had a bug.", labels=["step"])
        for name, total in order_round.failed.items():
            broken.add_metric([name], total)
        yield broken
        yield CounterMetricFamily("peihu_outbox_delivered", "Parcels delivered.", value=base.outbox.delivered)
        yield CounterMetricFamily("peihu_outbox_failed", "Deliveries that failed.", value=base.outbox.failed)
        reads = CounterMetricFamily("peihu_cache_events", "What became of reads that are kept.", labels=["kind"])
        for kind, total in base.cache.counts.items():
            reads.add_metric([str(kind)], total)
        yield reads

    registry.register(_Figures(read))  # type: ignore[arg-type]
    registry.register(_Figures(lambda: _between(base)))  # type: ignore[arg-type]
    registry.register(_Figures(lambda: _documents(base)))  # type: ignore[arg-type]


def _documents(base: Foundation) -> Iterable[Any]:
    """The figures of MongoDB; without it they have no values."""
    up = GaugeMetricFamily("peihu_mongo_up", "1: MongoDB answers.")
    moved = CounterMetricFamily("peihu_moved_to_mongo", "What this instance moved from SQL to MongoDB.", labels=["what"])
    waiting = GaugeMetricFamily("peihu_behaviour_waiting", "Behaviour events in SQL when they were about to move.")
    if base.documents is not None:
        up.add_metric([], base.documents.watch.state == ANSWERS)
        moved.add_metric(["event"], base.documents.settling.moved)
        moved.add_metric(["behaviour"], base.documents.behaviour.moved)
        waiting.add_metric([], base.documents.behaviour.waiting)
    yield from (up, moved, waiting)


def _between(base: Foundation) -> Iterable[Any]:
    """The figures of what joins instances: the bus, and Redis."""
    bus = base.bus
    events = CounterMetricFamily("peihu_bus_events", "Totals of the bus.", labels=["kind"])
    for kind in ("published", "broadcast", "heard", "lost", "gaps", "poison", "reconnects", "unconfirmed"):
        events.add_metric([kind], bus.counts[kind])
    yield events
    state = GaugeMetricFamily("peihu_bus_state", "1: how the bus is; away, deaf or ok.", labels=["state"])
    state.add_metric([bus.state], 1)
    yield state
    yield GaugeMetricFamily("peihu_bus_followed", "Channels that are followed here.", value=bus.followed)
    yield GaugeMetricFamily("peihu_bus_waiting", "Messages that have not left yet.", value=bus.waiting)
    trip = "From here to here through Redis, as the last sign of life took."
    yield GaugeMetricFamily("peihu_bus_round_trip_seconds", trip, value=bus.round_trip_s)
    desks = base.redis.desks if base.redis is not None else []
    asked = CounterMetricFamily("peihu_redis_questions", "Questions to Redis and their ends.", labels=["use", "kind"])
    for (use, kind), total in sum((_named(desk) for desk in desks), Counter[tuple[str, str]]()).items():
        asked.add_metric([use, kind], total)
    yield asked


def _named(desk: RedisDesk) -> Counter[tuple[str, str]]:
    return Counter({(desk.name, kind): total for kind, total in desk.counts.items()})


def register_process(
    registry: CollectorRegistry, *, base: Foundation, probe: ReadinessProbe, pulse: Pulse, clock: ClockWatch
) -> None:
    """How this process is, by itself and among the others; read on the running loop."""

    def read() -> Iterable[Any]:
        told = "1: what /readyz said when it was asked last."
        parts = GaugeMetricFamily("peihu_readyz_part", told, labels=["state", "part"])
        for state in ("failing", "degraded"):
            for part in getattr(probe.last, state):
                parts.add_metric([state, part], 1)
        yield parts
        stood = "Longest turn of the event loop since the last scrape."
        yield GaugeMetricFamily("peihu_loop_longest_turn_seconds", stood, value=pulse.take_longest_s())
        tasks = len(asyncio.all_tasks())
        yield GaugeMetricFamily("peihu_tasks", "Tasks under way; whoever only gains some leaks.", value=tasks)
        held = GaugeMetricFamily("peihu_leases_held", "1: this instance runs the job for the cluster.", labels=["job"])
        for name in base.leases.held:
            held.add_metric([name], 1)
        yield held
        changes = CounterMetricFamily("peihu_lease_changes", "Leases taken and lost.", labels=["kind"])
        for kind, total in base.leases.counts.items():
            changes.add_metric([kind], total)
        yield changes
        ahead = "Seconds by which this clock is ahead of the database's."
        yield GaugeMetricFamily("peihu_clock_skew_seconds", ahead, value=clock.skew_s)

    registry.register(_Figures(read))  # type: ignore[arg-type]


def register_backups(registry: CollectorRegistry, *, base: Foundation, backup: ScheduledBackup | None) -> None:
    """The scheduled backup, told by the instance that looks after it; read on the running loop."""

    def read() -> Iterable[Any]:
        age = GaugeMetricFamily("peihu_backup_age_seconds", "Since the newest good backup; Inf: there is none.")
        every = GaugeMetricFamily("peihu_backup_every_seconds", "How often one is wanted.")
        took = GaugeMetricFamily("peihu_backup_took_seconds", "How long the last good one took.")
        size = GaugeMetricFamily("peihu_backup_bytes", "How large the last good one is.")
        outcomes = CounterMetricFamily("peihu_backups", "Attempts by their outcome.", labels=["outcome"])
        if backup is not None and BACKUP in base.leases.held:
            age.add_metric([], backup.age_s)
            every.add_metric([], backup.every_s)
            for family, value in ((took, backup.took_s), (size, backup.size_bytes)):
                if value is not None:
                    family.add_metric([], value)
            for outcome in ("good", "failed"):
                outcomes.add_metric([outcome], backup.outcomes[outcome])
        yield from (age, every, took, size, outcomes)

    registry.register(_Figures(read))  # type: ignore[arg-type]
