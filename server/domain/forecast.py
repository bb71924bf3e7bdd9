"""How long people will wait: a first, plain forecast from target handling times.

Waiting tickets are given, in the order of the rules, to the counter that may serve them and is free
first (list scheduling); a counter is free when its present person has used up the service's target
time. Theme counters help an express desk only while they would stand idle (rule 6), and how often that will
be nobody knows: the range begins with all their help and ends at the middle between that and none. It is
wide on purpose and is not calibrated on measured times.

:func:`slots` looks further ahead: at which moment appointments that have not reported yet would be called.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from heapq import heapify, heappop, heappush, heapreplace
from operator import itemgetter
from typing import NamedTuple

from server.domain.appointment import Booking
from server.domain.calling import Rule, Standing, may_help, may_serve
from server.domain.day import CounterMode, CounterState, Day, Status, Visit
from server.domain.house import House, Kind
from server.domain.schedule import SECOND

WALK_S = 45
"""From the call to the start of service, in seconds."""

OVERRUN_S = 60
"""What is still expected of a person who already takes longer than the target, in seconds."""

NEVER = 1 << 62
"""After all instants, in microseconds."""

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
    counters = [
        (plan, state)
        for plan in house.counters.values()
        if (state := day.counter(plan.id)).mode is CounterMode.OPEN
    ]
    takes = {name: (WALK_S + service.target_s) * SECOND for name, service in house.services.items()}
    free = [_free_at(house, day, state, now) for _plan, state in counters]
    began = list(free)
    alone = _scheduled(
        places,
        takes,
        free,
        lambda visit: [number for number, each in enumerate(counters) if may_serve(*each, visit)],
    )
    # Whoever may help begins when its own people are done: as further counters, for express tickets only.
    helpers = [number for number, (plan, _state) in enumerate(counters) if plan.overflow]
    at_best, helped = free, alone
    if helpers:
        at_best = began + [free[number] for number in helpers]
        with_help = [*enumerate(counters), *((len(counters) + n, counters[h]) for n, h in enumerate(helpers))]
        helped = _scheduled(
            places,
            takes,
            at_best,
            lambda visit: [
                number
                for number, (plan, state) in with_help
                if (
                    may_serve(plan, state, visit)
                    if number < len(counters)
                    else may_help(house, plan, state, visit)
                )
            ],
        )
    visits: dict[str, Range] = {}
    starts: dict[str, int] = {}
    for place in places:
        name = place.visit.id
        best = helped.get(name, alone.get(name))
        if best is not None:
            visits[name], starts[name] = _between(best, alone.get(name, best), now)
    services: dict[str, Range] = {}
    for name, service in house.services.items():
        own = [number for number, (plan, _state) in enumerate(counters) if name in plan.services]
        more = [
            len(counters) + n
            for n, h in enumerate(helpers)
            if service.kind is Kind.EXPRESS and name in counters[h][0].overflow
        ]
        if own or more:
            best = min(at_best[number] for number in own + more)
            services[name], _start = _between(best, min((free[number] for number in own), default=best), now)
    return Expected(visits, services, starts)


def _scheduled(
    places: list[Standing], takes: dict[str, int], free: list[int], able_to: Callable[[Visit], list[int]]
) -> dict[str, int]:
    """When each visit begins, by id; ``free`` moves on to when each counter is done with all of them."""
    starts: dict[str, int] = {}
    # Whom a visit may go to hangs on these three alone, and many people share them.
    alike: dict[tuple[str, str | None, str | None], Able] = {}
    for place in places:
        visit = place.visit
        key = visit.service, visit.to_counter, visit.staff
        able = alike.get(key)
        if able is None:
            able = alike[key] = sorted((free[number], number) for number in able_to(visit))
        if not able:
            continue
        first = _first_free(able, free)
        starts[visit.id] = free[first]
        free[first] += takes.get(visit.service, WALK_S * SECOND)
    return starts


def _between(best: int, alone: int, now: int) -> tuple[Range, int]:
    """The range and its middle, where nobody knows how much of the possible help there will be."""
    best = min(best, alone)
    middle = (best + alone) // 2
    return Range(_low_s(max(0, best - now) // SECOND), _high_s(max(0, middle - now) // SECOND)), middle


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


@lru_cache(maxsize=8192)  # people wait from seconds to two hours, and everybody's range is asked for often
def _low_s(seconds: int) -> int:
    return int(seconds * LOW) // 60 * 60


@lru_cache(maxsize=8192)
def _high_s(seconds: int) -> int:
    return max(-(-int(seconds * HIGH) // 60) * 60, 60)


# --- appointments still to come -------------------------------------------------------------------


@dataclass(slots=True)
class _Line:
    """People who may go to the same counters, by what they stand under; each list is in its order.

    ``first`` came back or are marked, ``booked`` have a slot and stand under rule 3 from then on: those who
    are here may be taken before it, those to come may not. ``others`` are walk-ins.
    """

    first: deque[Standing] = field(default_factory=deque)
    here: deque[tuple[int, str, Visit]] = field(default_factory=deque)
    coming: deque[tuple[int, str, str]] = field(default_factory=deque)
    others: deque[Visit] = field(default_factory=deque)


def slots(house: House, day: Day, places: list[Standing], now: int, until: int) -> dict[str, int]:
    """When each appointment with a slot from now to ``until`` would be called if it reported in time, by id.

    Lived ahead with target handling times under rules (1) to (5): who waits now and who is booked come,
    nobody else does, so what is said is rather too early than too late. Counters that pause count as if
    they were open: somebody sits there who will go on. Absent where no counter serves it now.
    """
    counters = [
        (plan, state)
        for plan in house.counters.values()
        if (state := day.counter(plan.id)).mode is not CounterMode.CLOSED
    ]
    lines: dict[tuple[str, str | None, str | None], _Line] = {}
    for place in places:
        visit = place.visit
        line = lines.setdefault((visit.service, visit.to_counter, visit.staff), _Line())
        if place.rule in (Rule.AGAIN, Rule.PRIORITY):
            line.first.append(place)
        elif place.rule in (Rule.APPOINTMENT, Rule.EARLY):
            line.here.append((visit.slot_at or 0, visit.id, visit))
        else:
            line.others.append(visit)
    coming = sorted(
        (known.at, known.id, known.service)
        for known in day.appointments.values()
        if known.state in (Booking.BOOKED, Booking.CONFIRMED) and now <= known.at <= until
    )
    for slot in coming:
        lines.setdefault((slot[2], None, None), _Line()).coming.append(slot)
    able: list[list[_Line]] = [[] for _ in counters]
    for key, line in lines.items():
        probe = _probe(line)
        for number, (plan, state) in enumerate(counters):
            fits = key[0] in plan.services if probe is None else may_serve(plan, state, probe)
            if fits:
                able[number].append(line)
    turns = [state.calls_since_overdue for _plan, state in counters]
    found: dict[str, int] = {}
    agenda = [(_free_at(house, day, state, now), number) for number, (_plan, state) in enumerate(counters)]
    heapify(agenda)
    while agenda and len(found) < len(coming):
        at, number = heappop(agenda)
        service, turns[number] = _take(house, able[number], at, turns[number], found)
        if service is not None:
            heappush(agenda, (at + (WALK_S + _target_s(house, service)) * SECOND, number))
        elif later := [line.coming[0][0] for line in able[number] if line.coming]:
            heappush(agenda, (min(later), number))
    return found


def _probe(line: _Line) -> Visit | None:
    """Somebody who is here, to ask where this line may go; None where all of it are still to come."""
    if line.first:
        return line.first[0].visit
    if line.here:
        return line.here[0][2]
    return line.others[0] if line.others else None


def _take(
    house: House, lines: list[_Line], at: int, since: int | None, found: dict[str, int]
) -> tuple[str | None, int | None]:
    """Take who is next at a counter; their service, None where nobody is, and its calls since the overdue."""
    after = None if since is None else since + 1
    first = min((line for line in lines if line.first), key=lambda line: line.first[0].key, default=None)
    if first is not None:
        return first.first.popleft().visit.service, after
    here = min((line.here for line in lines if line.here), key=lambda waiting: waiting[0][:2], default=None)
    coming = min((line.coming for line in lines if line.coming), key=itemgetter(0), default=None)
    others = min((line.others for line in lines if line.others), key=_report, default=None)
    here_at = here[0][0] if here else NEVER
    coming_at = coming[0][0] if coming else NEVER
    due = min(here_at, coming_at) <= at
    turn = since is None or since >= house.overdue_every - 1
    if others and due and turn and _too_long(house, others[0], at):
        return others.popleft().service, 0
    if coming and due and coming_at < here_at:
        _slot, name, service = coming.popleft()
        found[name] = at
        return service, after
    if here and (due or not others):
        return here.popleft()[2].service, after
    if others:
        return others.popleft().service, after
    return None, since


def _too_long(house: House, visit: Visit, at: int) -> bool:
    service = house.services.get(visit.service)
    return service is not None and at - visit.wait_from > service.waiting_limit_s * SECOND


def _report(waiting: deque[Visit]) -> tuple[int, int, str]:
    return waiting[0].reported_at, waiting[0].number, waiting[0].range
