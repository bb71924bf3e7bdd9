"""What a learned forecast said last, laid over the plain one (``server.domain.forecast``).

The learned forecast knows neither who is asked for in person nor which counters may open: whom it cannot
answer, and for whom no open counter stands, the plain one answers. Instants and times are microseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from server.domain import forecast
from server.domain.calling import Rule, Standing
from server.domain.day import Day, Visit
from server.domain.forecast import Expected, Range
from server.domain.house import House
from server.domain.schedule import SECOND

PLAIN = "plain"
"""The source of what the plain forecast says."""

MINUTE = 60 * SECOND


class Wait(NamedTuple):
    """Half of the people are called within ``p50``, nine in ten within ``p90``."""

    p50: int
    p90: int

    def since(self, at: int) -> Wait:
        """The same, reckoned from another zero: how long becomes when."""
        return Wait(self.p50 + at, self.p90 + at)


@dataclass(frozen=True, slots=True)
class Foreseen:
    """One forecast of a hall, by the model ``source``.

    ``visits`` has, by id and the beginning of the wait, the instants for who waited then. ``walk_ins`` and
    ``booked`` have, by service, the times for who would come: without an appointment, or with one that is
    due and so before all who have none.
    """

    source: str
    visits: dict[tuple[str, int], Wait]
    walk_ins: dict[str, Wait]
    booked: dict[str, Wait]

    def of(self, place: Standing) -> Wait | None:
        """The instants for somebody who waits; who came later has what was foreseen for a newcomer."""
        visit = place.visit
        if asked_for(visit):
            return None
        return self.visits.get((visit.id, visit.waits_since)) or self._newcomer(place)

    def _newcomer(self, place: Standing) -> Wait | None:
        visit = place.visit
        behind_all, behind_booked = self.walk_ins.get(visit.service), self.booked.get(visit.service)
        if behind_all is None or behind_booked is None:
            return None
        if place.rule is Rule.EARLY:
            return sooner(behind_all.since(visit.waits_since), behind_booked.since(visit.wait_from))
        return (behind_all if place.rule is Rule.WALK_IN else behind_booked).since(visit.waits_since)


def asked_for(visit: Visit) -> bool:
    """Whether a counter or a member of staff is waited for in person."""
    return visit.to_counter is not None or visit.staff is not None


def sooner(one: Wait, other: Wait) -> Wait:
    """Whichever comes first: who is early is called when nobody else is there, or from the slot on."""
    return Wait(min(one.p50, other.p50), min(one.p90, other.p90))


def expected(house: House, day: Day, places: list[Standing], now: int, foreseen: Foreseen | None) -> Expected:
    """The waits to expect. The order of calls, ``starts``, is always the plain forecast's."""
    plain = forecast.expected(house, day, places, now)
    if foreseen is None:
        return plain
    visits = dict(plain.visits)
    for place in places:
        wait = foreseen.of(place)
        if wait is not None and place.visit.id in visits:
            visits[place.visit.id] = _range(wait.since(-now))
    services = {
        name: _range(foreseen.walk_ins[name]) if name in foreseen.walk_ins else known
        for name, known in plain.services.items()
    }
    return Expected(visits, services, plain.starts)


def _range(wait: Wait) -> Range:
    """A time to wait as it is told: from the minute in which half are called to the end of the last."""
    low, high = max(0, wait.p50), max(0, wait.p90)
    return Range(low // MINUTE * 60, max(-(-high // MINUTE) * 60, 60))


@dataclass(frozen=True, slots=True)
class Promise:
    """What somebody was told at ``at``: the range as it was shown, and the quantiles behind it, in seconds.

    The plain forecast has no quantiles: its range stands for them.
    """

    at: int
    low_s: int
    high_s: int
    p50_s: int
    p90_s: int
    source: str


def promise(place: Standing, shown: Range, now: int, foreseen: Foreseen | None) -> Promise:
    """What ``shown``, the range that :func:`expected` gave for somebody who waits, promises at ``now``."""
    wait = None if foreseen is None else foreseen.of(place)
    if foreseen is None or wait is None:
        return Promise(now, shown.low_s, shown.high_s, shown.low_s, shown.high_s, PLAIN)
    half, most = (max(0, each) // SECOND for each in wait.since(-now))
    return Promise(now, shown.low_s, shown.high_s, half, most, foreseen.source)
