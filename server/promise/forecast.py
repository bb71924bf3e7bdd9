"""A kept model at work in the running house: told what happens, asked about everybody, corrected by calls.

What the hall is told lives as instants: between two forecasts a wait runs down with the clock.
"""

from __future__ import annotations

from server.domain.calling import Rule, Standing, standings
from server.domain.day import CounterMode, Day
from server.domain.foreseen import Foreseen, Wait, asked_for, sooner
from server.domain.house import House
from server.domain.schedule import SECOND
from server.forecasting.saved import load
from server.forecasting.scene import everybody
from server.forecasting.tables import Floats
from server.promise.hall import comer, due, scene, standing
from server.promise.store import Kept
from server.promise.telling import Step, Telling

STEADY_US = 20 * SECOND
"""By less than this nothing is told anew: what wavers would only make people doubt it."""


class Forecast:
    """A site's model at work. Not for two threads at once. Raises ``Unreadable`` for another version's."""

    def __init__(self, house: House, kept: Kept) -> None:
        self.source = kept.id
        self._house = house
        self._model = load(kept.model)
        self._comes = kept.comes
        self._telling = Telling(self._model.past)
        self._open: dict[str, tuple[int, Floats]] = {}
        """By visit, when it was first asked about in this wait, and what was answered before calibration."""

    def made(self, day: Day, now: int, before: Foreseen | None = None) -> Foreseen:
        """The waits of everybody in a hall; what hardly differs from ``before`` stays as it was."""
        self._learn(day)
        places = standings(self._house, day, now)
        queue = standing(places)
        hall = scene(self._house, day, places, now, self._comes)
        services = self._offered(day)
        questions = everybody(hall)
        for ahead in (len(queue), due(places)):
            questions += [comer(hall, name, ahead) for name in services]
        raw = self._model.answer([self._model.see(question) for question in questions]).seconds
        for place, row in zip(queue, raw, strict=False):
            if not asked_for(place.visit):
                self._open.setdefault(place.visit.id, (now, row.copy()))
        waits = iter([_wait(row) for row in self._model.calibration.corrected(raw)])
        visits = {_wait_of(place): next(waits).since(now) for place in queue}
        walk_ins = {name: next(waits) for name in services}
        booked = {name: next(waits) for name in services}
        for place in places:
            visit = place.visit
            if place.rule is Rule.EARLY and visit.service in walk_ins:
                at_once, at_slot = walk_ins[visit.service], booked[visit.service]
                visits[_wait_of(place)] = sooner(at_once.since(now), at_slot.since(visit.wait_from))
        fresh = Foreseen(self.source, visits, walk_ins, booked)
        return fresh if before is None else steadied(before, fresh)

    def _offered(self, day: Day) -> list[str]:
        """The services that an open counter serves, if only as help."""
        plans = self._house.counters.values()
        on_duty = [plan for plan in plans if day.counter(plan.id).mode is CounterMode.OPEN]
        offered = frozenset[str]().union(*(plan.services | plan.overflow for plan in on_duty))
        return [name for name in self._house.services if name in offered]

    def _learn(self, day: Day) -> None:
        """Tell what has happened, and correct the calibration by who was called."""
        for at, step, visit in self._telling.tell(day):
            asked = self._open.pop(visit.id, None) if step in (Step.CALLED, Step.LEFT) else None
            if asked is not None and step is Step.CALLED:
                self._model.calibration.learn(asked[1], (at - asked[0]) / SECOND)
        self._open = {name: asked for name, asked in self._open.items() if name in day.visits}


def _wait_of(place: Standing) -> tuple[str, int]:
    return place.visit.id, place.visit.waits_since


def _wait(row: Floats) -> Wait:
    """Of P10, P50, P90 and mean."""
    return Wait(int(float(row[1]) * SECOND), int(float(row[2]) * SECOND))


def steadied(before: Foreseen, fresh: Foreseen) -> Foreseen:
    """The fresh forecast, with what was told before wherever that is as good as the same."""
    return Foreseen(
        fresh.source,
        {key: _same(before.visits.get(key), wait) for key, wait in fresh.visits.items()},
        {key: _same(before.walk_ins.get(key), wait) for key, wait in fresh.walk_ins.items()},
        {key: _same(before.booked.get(key), wait) for key, wait in fresh.booked.items()},
    )


def _same(before: Wait | None, fresh: Wait) -> Wait:
    if before is None or max(abs(before.p50 - fresh.p50), abs(before.p90 - fresh.p90)) >= STEADY_US:
        return fresh
    return before
