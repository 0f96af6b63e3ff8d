"""Counts and latencies for Prometheus. No value says anything about one wallet, shop or token; routes are named as registered,
never as asked."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest

# They would tell when each kind of request came first.
disable_created_metrics()  # type: ignore[no-untyped-call] # the library gives this one no types

_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)


class Metrics:
    """The mint's own registry: several mints in one process (tests) do not meet."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._answers = Counter(
            "amparo_mint_answers", "Answers by route and status.", ("route", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "amparo_mint_seconds",
            "Seconds from request to answer.",
            ("route",),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        # Looked up once a route: the labels of the library cost more than the counting.
        self._known: dict[tuple[str, int], tuple[Counter, Histogram]] = {}
        self._waiting = Gauge("amparo_mint_deposits_waiting", "Deposits that wait.", registry=self._registry)

    def observe(self, route: str, status: int, seconds: float) -> None:
        """One answer."""
        known = self._known.get((route, status))
        if known is None:
            known = self._known[route, status] = (self._answers.labels(route, str(status)), self._seconds.labels(route))
        known[0].inc()
        known[1].observe(seconds)

    def deposits_waiting(self, count: int) -> None:
        """How many deposits wait for the shops side."""
        self._waiting.set(count)

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self._registry)
