"""Whether this instance can do its work, and its gauges."""

from collections.abc import Callable, Iterable
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from server.core.errors import Unavailable
from server.foundation import Foundation
from server.handlers.health import Readiness
from server.jobs.loops import Jobs
from server.storage.outbox import Outbox
from server.ws.live import LiveChannels

_LATE_S = 10.0  # a job without a good round for so long beyond its pause needs an eye


class ReadinessProbe:
    """Answers `/readyz`: the database lost or an outbox that does not drain takes us out of service."""

    def __init__(self, *, base: Foundation, jobs: Jobs, stuck_after_s: float) -> None:
        self._base = base
        self._jobs = jobs
        self._stuck_after_s = stuck_after_s

    async def ready(self) -> Readiness:
        failing: list[str] = []
        try:
            await self._base.database.ping()
            age_s = await self._base.outbox.oldest_age_s()
        except Unavailable:
            return Readiness(failing=("database",))
        if age_s > self._stuck_after_s:
            failing.append("outbox")
        late = [f"job:{name}" for name in self._jobs.late(by_s=_LATE_S)]
        return Readiness(failing=tuple(failing), degraded=tuple(late))


class _Figures:
    """Reads plain numbers at scrape time."""

    def __init__(self, read: Callable[[], Iterable[Any]]) -> None:
        self._read = read

    def collect(self) -> Iterable[Any]:
        return self._read()


def register_gauges(registry: CollectorRegistry, *, live: LiveChannels, outbox: Outbox, jobs: Jobs) -> None:
    """The figures of the live channels and the outbox."""

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
        yield CounterMetricFamily("peihu_outbox_delivered", "Parcels delivered.", value=outbox.delivered)
        yield CounterMetricFamily("peihu_outbox_failed", "Deliveries that failed.", value=outbox.failed)

    registry.register(_Figures(read))  # type: ignore[arg-type]
