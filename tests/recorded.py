"""Made recordings for the tests of the forecast: small halls whose law is known, as CSV and as rows."""

from __future__ import annotations

import heapq
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

HEADER = "arrived_at,called_at,ended_at,service,counter,left_at"
MONDAY = datetime(2026, 3, 2, 8, tzinfo=UTC)


def line(
    arrived: float, called: float | None, ended: float | None, service: str = "A", counter: str = "1"
) -> str:
    """A row in seconds after Monday eight o'clock; with ``called`` None the person left at ``ended``."""

    def told(seconds: float | None) -> str:
        return "" if seconds is None else (MONDAY + timedelta(seconds=seconds)).isoformat()

    if called is None:
        return f"{told(arrived)},,,{service},,{told(ended)}"
    return f"{told(arrived)},{told(called)},{told(ended)},{service},{counter},"


def text(lines: Sequence[str]) -> str:
    """A file."""
    return "\n".join([HEADER, *lines]) + "\n"


def hall(days: int, counters: int = 2, people: int = 200, seed: int = 1, first_day: int = 0) -> list[str]:
    """Rows of a hall with exponential times between arrivals and of handling (M/M/c), in order of arrival.

    Each morning begins with an empty hall; ``people`` a day come, a tenth of those who would wait for more
    than four minutes leave then; the counters are busy for 85 % of the time.
    """
    chance = random.Random(seed)
    lines: list[str] = []
    for day in range(first_day, first_day + days):
        now = day * 86_400.0
        free = [(now, str(counter + 1)) for counter in range(counters)]
        heapq.heapify(free)
        for _person in range(people):
            now += round(chance.expovariate(0.85 * counters / 120))
            called = max(now, free[0][0])
            if called - now > 240 and chance.random() < 0.1:
                lines.append(line(now, None, now + 240))
                continue
            counter = heapq.heappop(free)[1]
            ended = called + max(1, round(chance.expovariate(1 / 120)))
            heapq.heappush(free, (ended, counter))
            lines.append(line(now, called, ended, counter=counter))
    return lines
