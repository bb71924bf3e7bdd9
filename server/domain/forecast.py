"""How long people will wait: a first, plain forecast from target handling times.

Waiting tickets are given, in the order of the rules, to the counter that may serve them and is free
first (list scheduling); a counter is free when its present person has used up the service's target
time. The range around that moment is wide on purpose and is not calibrated on measured times.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from heapq import heapreplace
from typing import NamedTuple

from server.domain.calling import Standing, may_serve
from server.domain.day import CounterMode, CounterState, Day, Status
from server.domain.house import House
from server.domain.schedule import SECOND

WALK_S = 45
"""From the call to the start of service, in seconds."""

OVERRUN_S = 60
"""What is still expected of a person who already takes longer than the target, in seconds."""

LOW, HIGH = 0.6, 1.7
"""The range around the expected wait, as factors."""


class Range(NamedTuple):
    """A wait in whole seconds, rounded outwards to whole minutes."""

    low_s: int
    high_s: int


@dataclass(frozen=True, slots=True)
class Expected:
    """Ranges by the id of who waits, and by service for who would draw a ticket now.

    Absent where nobody can tell. ``starts`` has the instants in the middle of the visits' ranges: they
    hang on what happened and not on the second in which they are asked for, as long as no counter stands
    idle or overruns.
    """

    visits: dict[str, Range]
    services: dict[str, Range]
    starts: dict[str, int]


def expected(house: House, day: Day, places: list[Standing], now: int) -> Expected:
    """The waits to expect, given everybody who waits in their order (``calling.standings``)."""
    open_counters = [
        (plan, state)
        for plan in house.counters.values()
        if (state := day.counter(plan.id)).mode is CounterMode.OPEN
    ]
    free = [_free_at(house, day, state, now) for _plan, state in open_counters]
    takes = {name: (WALK_S + service.target_s) * SECOND for name, service in house.services.items()}
    visits: dict[str, Range] = {}
    starts: dict[str, int] = {}
    # Whom a visit may go to hangs on these three alone, and many people share them.
    alike: dict[tuple[str, str | None, str | None], Able] = {}
    for place in places:
        visit = place.visit
        key = visit.service, visit.to_counter, visit.staff
        able = alike.get(key)
        if able is None:
            able = alike[key] = [
                (free[number], number)
                for number, (plan, state) in enumerate(open_counters)
                if may_serve(plan, state, visit)
            ]
            able.sort()
        if not able:
            continue
        first = _first_free(able, free)
        visits[visit.id] = _range(free[first] - now)
        starts[visit.id] = free[first]
        free[first] += takes.get(visit.service, WALK_S * SECOND)
    services: dict[str, Range] = {}
    for name in house.services:
        moments = [
            at for at, (plan, _state) in zip(free, open_counters, strict=True) if name in plan.services
        ]
        if moments:
            services[name] = _range(min(moments) - now)
    return Expected(visits, services, starts)


Able = list[tuple[int, int]]
"""A heap of open counters by number: when each was free the last time that anybody looked."""


def _first_free(able: Able, free: list[int]) -> int:
    """The counter that is free first; of several the one that the house names first."""
    while True:
        known, first = able[0]
        if known == free[first]:
            return first
        heapreplace(able, (free[first], first))  # it only ever gets later


def _target_s(house: House, service: str) -> int:
    known = house.services.get(service)
    return known.target_s if known else 0


def _free_at(house: House, day: Day, counter: CounterState, now: int) -> int:
    visit = day.visits.get(counter.visit or "")
    if visit is None:
        return now
    target_s = _target_s(house, visit.service)
    if visit.status is Status.SERVING and visit.started_at is not None:
        return max(visit.started_at + target_s * SECOND, now + OVERRUN_S * SECOND)
    return now + (WALK_S + target_s) * SECOND


def _range(wait: int) -> Range:
    return _around(max(0, wait) // SECOND)


@lru_cache(maxsize=8192)  # people wait from seconds to two hours, and everybody's range is asked for often
def _around(seconds: int) -> Range:
    low_s = int(seconds * LOW) // 60 * 60
    high_s = -(-int(seconds * HIGH) // 60) * 60
    return Range(low_s, max(high_s, 60))
