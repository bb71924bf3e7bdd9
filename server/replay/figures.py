"""What a replayed day says: waits, service level and occupancy. docs/replay.md defines each figure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from server.domain.calling import Rule
from server.domain.house import House
from server.domain.schedule import SECOND
from server.replay.run import Result, Served


class Waits(msgspec.Struct, frozen=True, kw_only=True):
    """Waits in seconds; all None where nobody was served."""

    mean: float | None
    p50: float | None
    p90: float | None
    p95: float | None
    longest: float | None


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Of one service, or of all. ``service_level`` and ``occupancy`` are shares from 0 to 1.

    ``occupancy`` is that of the counters which offer the service as their own work, with whatever
    they did; ``busy_s`` is the time spent on the service itself, at any counter, and ``load`` is that
    over the staffed time of the same counters. Both shares are None where there was no staffed time.
    ``overtaken`` counts people whom at least one call passed.
    """

    customers: int
    appointments: int
    wait_s: Waits
    service_level: float | None
    occupancy: float | None
    load: float | None
    busy_s: float
    rules: dict[str, int]
    overtaken: int


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of a trace at a site; ``within_s`` is the wait that the service level allows."""

    site: str
    days: int
    counters: int
    staffed_s: float
    within_s: float
    total: Figures
    services: dict[str, Figures]


def percentile(ordered: Sequence[int], percent: int) -> int:
    """By nearest rank: the least of the ascending values that so many per cent do not exceed."""
    return ordered[max(1, math.ceil(len(ordered) * percent / 100)) - 1]


def report(house: House, result: Result, within_s: float) -> Report:
    """All figures of a replay, by service in the order of the configuration."""
    served = result.served
    passed = {(entry.day, ticket) for entry in served for ticket in entry.overtook}
    busy_at = Counter[str]()
    for entry in served:
        busy_at[entry.counter] += entry.row.service_us

    def figures(mine: list[Served], counters: Sequence[str]) -> Figures:
        waits = sorted(entry.waited_us for entry in mine)
        staffed = result.staffed_us * len(counters)
        busy = sum(entry.row.service_us for entry in mine)
        rules = Counter(entry.rule for entry in mine)
        return Figures(
            customers=len(mine),
            appointments=sum(entry.row.appointment_at is not None for entry in mine),
            wait_s=_waits(waits),
            service_level=sum(wait <= within_s * SECOND for wait in waits) / len(waits) if waits else None,
            occupancy=sum(busy_at[name] for name in counters) / staffed if staffed else None,
            load=busy / staffed if staffed else None,
            busy_s=busy / SECOND,
            rules={rule.value: rules[rule.value] for rule in Rule if rules[rule.value]},
            overtaken=sum((entry.day, entry.ticket) in passed for entry in mine),
        )

    return Report(
        site=house.site,
        days=result.days,
        counters=len(house.counters),
        staffed_s=result.staffed_us * len(house.counters) / SECOND,
        within_s=within_s,
        total=figures(list(served), list(house.counters)),
        services={
            name: figures(
                [entry for entry in served if entry.row.service == name],
                [plan.id for plan in house.home_counters(name)],
            )
            for name in house.services
        },
    )


def _waits(ordered: Sequence[int]) -> Waits:
    if not ordered:
        return Waits(mean=None, p50=None, p90=None, p95=None, longest=None)
    return Waits(
        mean=sum(ordered) / len(ordered) / SECOND,
        p50=percentile(ordered, 50) / SECOND,
        p90=percentile(ordered, 90) / SECOND,
        p95=percentile(ordered, 95) / SECOND,
        longest=ordered[-1] / SECOND,
    )


def as_json(made: Report) -> str:
    """The report as indented JSON, numbers rounded to four decimals."""
    return msgspec.json.format(msgspec.json.encode(_rounded(msgspec.to_builtins(made))), indent=2).decode()


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return round(value, 4) if isinstance(value, float) else value


def as_table(made: Report) -> list[list[str]]:
    """The report's lines for a table, heads first: one for each service that anyone came for, then all."""
    heads = ["service", "people", "mean", "P50", "P90", "P95", "longest"]
    heads += [f"within {made.within_s:g} s", "occupancy", "load", "overtaken"]
    rows = [(name, figures) for name, figures in made.services.items() if figures.customers]
    return [heads, *(_line(name, figures) for name, figures in [*rows, ("all", made.total)])]


def _line(name: str, figures: Figures) -> list[str]:
    wait = figures.wait_s
    shares = [figures.service_level, figures.occupancy, figures.load]
    times = [wait.mean, wait.p50, wait.p90, wait.p95, wait.longest]
    return [
        name,
        str(figures.customers),
        *("-" if time is None else f"{time:.1f}" for time in times),
        *("-" if share is None else f"{share:.1%}" for share in shares),
        str(figures.overtaken),
    ]
