"""What a day tells a forecast: found by comparing two moments of it, however much lies between them."""

from __future__ import annotations

from dataclasses import replace
from enum import IntEnum
from typing import NamedTuple

from server.domain.day import Day, Status, Visit
from server.forecasting.past import Past
from server.forecasting.scene import Waiting
from server.promise.hall import waits_since

AT_COUNTER = frozenset({Status.CALLED, Status.SERVING})
GONE = frozenset({Status.SERVED, Status.PARKED, Status.NOT_PRESENT})


class Step(IntEnum):
    """What happened, in the order in which it counts at one instant."""

    ENDED, LEFT, CALLED, CAME = range(4)


class Happening(NamedTuple):
    """A step of a visit. ``visit`` is as it was in that wait or at that counter."""

    at: int
    step: Step
    visit: Visit


class Telling:
    """Tells what a house taught so far (``Past``) what happens on one day after the other."""

    def __init__(self, past: Past) -> None:
        self._past = past
        self._day = Day()

    def tell(self, day: Day) -> list[Happening]:
        """Tell what has happened since the last time, and give it, in its order.

        Of a day that is told for the first time when it is long under way, who overtook whom is not known.
        """
        known = self._day
        if known.date != day.date:
            self._past.calm()
            known = Day(date=day.date)
        followed = bool(known.seq) or not day.visits
        found: list[Happening] = []
        for name, visit in day.visits.items():
            before = known.visits.get(name)
            if before is not visit:
                found += _between(before, visit, day.ended)
        found.sort(key=lambda one: one[:2])
        waiting = day.waiting() if found else []
        others = [Waiting(each.service, waits_since(each)) for each in waiting] if followed else []
        for one in found:
            self._tell(one, others, bool(waiting))
        self._day = day
        return found

    def _tell(self, one: Happening, others: list[Waiting], anybody: bool) -> None:
        at, step, visit = one
        if step is Step.CAME:
            self._past.arrived(at, visit.service)
        elif step is Step.LEFT:
            self._past.left(at, Waiting(visit.service, min(at, waits_since(visit))))
        elif step is Step.CALLED:
            who = Waiting(visit.service, min(at, waits_since(visit)))
            self._past.called(at, visit.counter or "", who, [each for each in others if each.since < at])
        else:
            began = visit.called_at or at
            self._past.ended(at, visit.counter or "", visit.service, began, anybody)


def _between(before: Visit | None, visit: Visit, over: bool) -> list[Happening]:
    """What happened to a visit; what was undone did not. ``over``: the day has ended, which calls nobody."""
    found: list[Happening] = []
    if before is None:
        before = replace(visit, status=Status.WAITING, called_at=None, waits_since=visit.reported_at)
        found.append(Happening(visit.reported_at, Step.CAME, before))
    again = visit.waits_since > before.waits_since
    served = before
    if visit.called_at is not None and visit.called_at > (before.called_at or 0):
        # Somebody who waits again was called in the wait before that one, else in this.
        waited = before if again and visit.called_at <= visit.waits_since else visit
        # Who was away is called by number, after no wait that a forecast could have told.
        since = waited.waits_since if before.status is Status.WAITING else visit.called_at
        served = replace(visit, service=waited.service, waits_since=since, status=Status.CALLED)
        found.append(Happening(visit.called_at, Step.CALLED, served))
    if served.status in AT_COUNTER and not over:
        if visit.status in GONE:
            away = visit.parked_at if visit.status is Status.PARKED else visit.ended_at
            found.append(Happening(away or visit.called_at or 0, Step.ENDED, served))
        elif again and visit.status is Status.WAITING:
            found.append(Happening(visit.waits_since, Step.ENDED, served))
    if again and visit.status is Status.WAITING:
        found.append(Happening(visit.waits_since, Step.CAME, visit))
    if visit.status is Status.LEFT and before.status is Status.WAITING and visit.ended_at is not None:
        found.append(Happening(visit.ended_at, Step.LEFT, replace(visit, status=Status.WAITING)))
    return found
