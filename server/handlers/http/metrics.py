"""Counts and times every HTTP answer."""
from prometheus_client import CollectorRegistry, Counter, Histogram

# From a cached read to the deadline of a request; finer steps cost a series each.
_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class HttpMetrics:
    """Series by declared route, never by raw path, so that a scan cannot grow them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._answers = Counter(
            "peihu_http_answers", "HTTP answers", ("method", "route", "status"), registry=registry
        )
        self._seconds = Histogram(
            "peihu_http_seconds", "Time from the request line to the answer", ("route",),
            registry=registry, buckets=_BUCKETS_S,
        )

    def answered(self, method: str, route: str, *, status: int, seconds: float) -> None:
        """Note one answer; `method` is one that the route knows or "other"."""
        self._answers.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)
