"""What operators and their probes ask: alive, ready, how much."""
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from tornado.web import URLSpec

from server.core.call import Answer
from server.handlers.http.base import EdgeHandler
from server.handlers.http.edge import Edge


@dataclass(frozen=True, slots=True)
class Readiness:
    """Parts by name: `failing` ones take this instance out of service, `degraded` ones do not."""

    failing: tuple[str, ...] = ()
    degraded: tuple[str, ...] = ()


def health_routes(
    edge: Edge, *, ready: Callable[[], Awaitable[Readiness]], registry: CollectorRegistry
) -> list[URLSpec]:
    """GET /healthz, /readyz and /metrics."""
    return [
        URLSpec("/healthz$", Alive, {"edge": edge}),
        URLSpec("/readyz$", Ready, {"edge": edge, "ready": ready}),
        URLSpec("/metrics$", Metrics, {"edge": edge, "registry": registry}),
    ]


class Alive(EdgeHandler):
    """200 while the loop turns."""

    methods = ("GET",)
    route = "/healthz"

    async def serve(self) -> None:
        self.answer("ok", {"status": "alive"})


class Ready(EdgeHandler):
    """200, or 503 with the failing parts; both lists stand beside `data` too, for simple probes."""

    methods = ("GET",)
    route = "/readyz"

    def initialize(self, *, edge: Edge, ready: Callable[[], Awaitable[Readiness]], **_: Any) -> None:
        super().initialize(edge=edge)
        self._ready = ready

    async def serve(self) -> None:
        now = await self.edge.use_cases.within_deadline(self._ready())
        parts = {"failing": list(now.failing), "degraded": list(now.degraded)}
        code, status = ("unavailable", 503) if now.failing else ("ok", 200)
        self.repeat(Answer(status, code, "", parts, [], self.request_id), beside=parts)


class Metrics(EdgeHandler):
    """Everything counted, as Prometheus reads it."""

    methods = ("GET",)
    route = "/metrics"

    def initialize(self, *, edge: Edge, registry: CollectorRegistry, **_: Any) -> None:
        super().initialize(edge=edge)
        self._registry = registry

    async def serve(self) -> None:
        self.finish_with(generate_latest(self._registry), CONTENT_TYPE_LATEST)
