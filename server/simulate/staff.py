"""Who sits where: the counters that a planned day needs, opened as its demand requires."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count
from random import Random

from server.domain.house import CounterPlan, House
from server.domain.schedule import SECOND, Period

Work = tuple[str, int, float]
"""Somebody to serve: the service, the instant from which, and for how many seconds."""

BUSY_AT_MOST = 0.95
"""Share of an opening that a counter may be busy before a colleague opens another.

Close to one, because counters come whole: what is left over is slack, and in the busy hours people wait
(with an appointment two minutes on average, as in the house that this is modelled on).
"""
_HOUR_S = 3600
_LONG_SHIFT_S = int(3.5 * 3600)
_BREAK_S = 900
_EVEN_OUT = 12
"""Rounds in which work moves from busier to less busy colleagues: enough for two digits."""
PACE_S = 12.0
"""Between two people: the desk is cleared, the note is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """A member of staff at a counter in one opening, with the breaks they take. Instants."""

    counter: str
    staff: str
    opens_at: int
    closes_at: int
    breaks: tuple[Period, ...] = ()


def spare_counter(house: House) -> str:
    """The counter that a house spares most easily, for whoever wants to try: the first of those
    whose services are offered at the most other counters."""
    most = {
        plan.id: min(len(house.home_counters(service)) for service in sorted(plan.services))
        for plan in house.counters.values()
    }
    return max(house.counters, key=lambda counter: most[counter])


def roster(
    house: House, openings: tuple[Period, ...], work: Iterable[Work], draw: Random, left: str | None
) -> tuple[Shift, ...]:
    """The shifts of a day: in each opening as many counters as its work needs."""
    work = list(work)
    shifts: list[Shift] = []
    names = (f"m{number:02d}" for number in count(1))
    for opening in openings:
        begin, end = opening
        asked = _load(opening, work)
        for counter in _needed(house, asked, left):
            breaks: tuple[Period, ...] = ()
            if end - begin > _LONG_SHIFT_S * SECOND:
                # Spread over the middle of the shift, so that never many are away at once.
                starts = begin + round((end - begin) * draw.uniform(0.35, 0.8))
                breaks = ((starts, starts + _BREAK_S * SECOND),)
            opens_at = begin - round(draw.uniform(30, 300)) * SECOND
            shifts.append(
                Shift(counter=counter, staff=next(names), opens_at=opens_at, closes_at=end, breaks=breaks)
            )
    return tuple(shifts)


def _load(opening: Period, work: list[Work]) -> dict[str, float]:
    """For each service how many people are at counters at the same time, on average in the opening."""
    begin, end = opening
    loads: dict[str, float] = {}
    for service, moment, seconds in work:
        # The doors open a little before: who comes then is served first.
        if begin - _HOUR_S * SECOND <= moment < end:
            loads[service] = loads.get(service, 0.0) + (seconds + PACE_S) * SECOND / (end - begin)
    return loads


def _needed(house: House, asked: dict[str, float], left: str | None) -> list[str]:
    """Counters in the house's order: one for every service, more where one is too busy."""
    able = [plan for plan in house.counters.values() if plan.id != left]
    chosen: list[CounterPlan] = []

    def narrowest(service: str) -> CounterPlan | None:
        """The counter that does least else: reception sits at reception's own desk."""
        closed = [plan for plan in able if service in plan.services]
        return min(closed, key=lambda plan: len(plan.services), default=None)

    desks = {service: desk for service in house.services if (desk := narrowest(service)) is not None}
    for service in sorted(desks, key=lambda name: (len(desks[name].services), -asked.get(name, 0.0), name)):
        if not any(service in plan.services for plan in chosen):
            chosen.append(desks[service])
    while True:
        busy = _busy(chosen, asked)
        for worst in sorted(chosen, key=lambda plan: -busy[plan.id]):
            relief = [plan for plan in able if plan.services & worst.services and plan not in chosen]
            if relief and busy[worst.id] > BUSY_AT_MOST:
                chosen.append(min(relief, key=lambda plan: _busy([*chosen, plan], asked)[worst.id]))
                break
        else:
            return [counter for counter in house.counters if any(plan.id == counter for plan in chosen)]


def _busy(among: list[CounterPlan], asked: dict[str, float]) -> dict[str, float]:
    """The share of the time that each counter is busy, where colleagues share the work evenly."""
    able = {name: [plan.id for plan in among if name in plan.services] for name in asked}
    share = {(name, counter): 1.0 for name, counters in able.items() for counter in counters}
    for _ in range(_EVEN_OUT):
        busy = dict.fromkeys((plan.id for plan in among), 1e-9)
        for name, counters in able.items():
            whole = sum(share[name, counter] for counter in counters)
            for counter in counters:
                share[name, counter] /= whole
                busy[counter] += asked[name] * share[name, counter]
        for name, counter in share:
            share[name, counter] /= busy[counter]
    return busy
