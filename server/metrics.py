"""What Prometheus may read. Labels are route templates and audiences, never names or secrets."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()

REQUESTS = Counter("onthaal_requests", "HTTP requests", ["method", "route", "status"], registry=REGISTRY)
REQUEST_SECONDS = Histogram(
    "onthaal_request_seconds", "HTTP requests, until the answer, in seconds", ["route"], registry=REGISTRY
)
GLASS = Histogram(
    "onthaal_glass_seconds",
    "From a command accepted to its view painted, in seconds",
    ["audience"],
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
    registry=REGISTRY,
)
RECEIPTS = Counter(
    "onthaal_receipts", "Receipts from screens, panels and phones", ["audience"], registry=REGISTRY
)
VIEWERS = Gauge("onthaal_viewers", "Open websocket viewers", registry=REGISTRY)
BLOCKED = Gauge("onthaal_blocked_viewers", "Viewers whose connection takes nothing now", registry=REGISTRY)
