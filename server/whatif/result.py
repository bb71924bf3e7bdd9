"""What the runs say: each figure without the change and with it, how sure that is, and one sentence."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import fmean, stdev

import msgspec

from server.domain.day import Status
from server.domain.punctuality import Arrival, Policy, arrival
from server.domain.schedule import SECOND
from server.whatif.day import DayToPlay
from server.whatif.run import Outcome, Pair, Passage
from server.whatif.scenario import Scenario

LONG_S = 1200
"""A wait longer than this is a long one, in seconds: the waiting limit of the rules as they come."""

ON_TIME_S = 300
"""An appointment that is called within this of the later of slot and report is called on time, in seconds."""

TOLD_S = 60.0
"""Waits that differ by less than a minute make no difference that anybody could tell."""

RUNS_LEAST, RUNS_MOST = 5, 200

Number = float | None


class Spread(msgspec.Struct, frozen=True):
    """A figure over the runs: its mean, and between which two values nine runs in ten lie."""

    mean: Number
    low: Number
    high: Number


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One figure of some people.

    ``recorded`` is as the journal has it, ``replayed`` as the rules make it of the same times, ``changed``
    the same with the change; all three are None for a planned day. ``without`` and ``with_change`` are over
    the drawn runs. ``difference`` is the mean of the runs' own differences, within its 95 % interval.
    """

    key: str
    unit: str
    recorded: Number
    replayed: Number
    changed: Number
    without: Spread
    with_change: Spread
    difference: Spread
    told: bool
    """Whether the interval of the difference leaves out nought, and it is large enough to be noticed."""


class Group(msgspec.Struct, frozen=True):
    """The figures of some people.

    ``id`` is ``all``, ``asked`` (whom the change is for), ``appointments``, ``walk-ins``, or ``service:`` and
    the id of one.
    """

    id: str
    name: str
    figures: dict[str, Figure]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is changed, for a sentence: ``kind`` is counter, grace, opening or visitors."""

    kind: str
    services: list[str] = []
    kinds: list[str] = []
    begins: str = ""
    ends: str = ""
    minutes: float = 0
    hours: str = ""
    visitors: int = 0


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What the sentence says. Waits in whole minutes: the one that nine in ten stay under.

    ``longer`` is by how many more people wait longer than :data:`LONG_S`, ``unserved`` by how many more the
    house closes on; None where no difference could be told. ``people`` is how many it is about.
    """

    changes: list[Change]
    asked: bool
    people: float
    told: bool
    without_min: int
    with_min: int
    low_min: int
    high_min: int
    longer: int | None
    unserved: int | None
    hours: int = 0
    """How many counter hours more it takes, nought where that cannot be told."""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """The answer: at which site and day, of how many runs from which seed, and the groups of people."""

    site: str
    day: str
    planned: bool
    visitors: float
    runs: int
    seed: int
    took_s: float
    groups: list[Group]
    verdict: Verdict
    sentence: str = ""


_Measure = Callable[[Sequence[Passage], Outcome], Number]


def _waits(people: Sequence[Passage]) -> list[float]:
    return sorted(each.wait_us / SECOND for each in people if each.wait_us is not None)


def _mean(people: Sequence[Passage], _of: Outcome) -> Number:
    waits = _waits(people)
    return fmean(waits) if waits else None


def _rank(percent: int) -> _Measure:
    def measure(people: Sequence[Passage], _of: Outcome) -> Number:
        waits = _waits(people)
        return waits[max(1, math.ceil(len(waits) * percent / 100)) - 1] if waits else None

    return measure


def _came(people: Sequence[Passage], _of: Outcome) -> Number:
    return sum(each.wait_us is not None for each in people)


def _long(people: Sequence[Passage], _of: Outcome) -> Number:
    return sum(wait > LONG_S for wait in _waits(people))


def _ended(status: Status) -> _Measure:
    return lambda people, _of: sum(each.status is status for each in people)


def _on_time(people: Sequence[Passage], _of: Outcome) -> Number:
    waits = _waits([each for each in people if each.appointment])
    return sum(wait <= ON_TIME_S for wait in waits) / len(waits) if waits else None


def _late_or_missed(people: Sequence[Passage], _of: Outcome) -> Number:
    booked, policy = [each for each in people if each.appointment], Policy()
    bad = sum(each.late_us is None or arrival(0, each.late_us, policy) is Arrival.LATE for each in booked)
    return bad / len(booked) if booked else None


def _staffed(_people: Sequence[Passage], of: Outcome) -> Number:
    return of.staffed_us / SECOND / 3600


MEASURES: dict[str, tuple[str, _Measure]] = {
    "visitors": ("count", _came),
    "mean_wait_s": ("seconds", _mean),
    "p50_wait_s": ("seconds", _rank(50)),
    "p90_wait_s": ("seconds", _rank(90)),
    "long_waits": ("count", _long),
    "left": ("count", _ended(Status.LEFT)),
    "not_served": ("count", _ended(Status.NOT_SERVED)),
    "called_on_time": ("share", _on_time),
    "late_or_missed": ("share", _late_or_missed),
    "counter_hours": ("hours", _staffed),
}
"""Every figure: its unit, and how it is measured in a run."""

_NOTICED = {"seconds": TOLD_S, "count": 1.0, "share": 0.01, "hours": 0.1}


def spread(values: Sequence[Number]) -> Spread:
    """The mean, and by nearest rank the values that 5 and 95 % of the runs do not exceed."""
    known = sorted(value for value in values if value is not None)
    if not known:
        return Spread(None, None, None)
    ranks = [max(1, math.ceil(len(known) * share)) - 1 for share in (0.05, 0.95)]
    return Spread(fmean(known), known[ranks[0]], known[ranks[1]])


def difference(pairs: Sequence[tuple[Number, Number]]) -> Spread:
    """The mean of the pairs' differences, with its 95 % interval (Student's t for paired observations)."""
    from scipy.special import stdtrit

    both = [after - before for before, after in pairs if before is not None and after is not None]
    if not both:
        return Spread(None, None, None)
    mean = fmean(both)
    if len(both) < 2:
        return Spread(mean, None, None)
    half = float(stdtrit(len(both) - 1, 0.975)) * stdev(both) / math.sqrt(len(both))
    return Spread(mean, mean - half, mean + half)


def told(found: Spread, unit: str) -> bool:
    """Whether a difference could be told: surely not nought, and large enough for somebody to notice."""
    if found.mean is None or found.low is None or found.high is None:
        return False
    return (found.low > 0 or found.high < 0) and abs(found.mean) >= _NOTICED[unit]


def result(
    day: DayToPlay, scenario: Scenario, as_it_was: Pair | None, pairs: list[Pair], *, seed: int, took_s: float
) -> Result:
    """The answer, but for its sentence."""
    house = day.house
    # As in all figures: whoever comes to a discreet service counts among all, and has no row of their own.
    discreet = {name for name, service in house.services.items() if service.discreet}
    asked = {name for extra in scenario.counters for name in extra.services} - discreet
    whom: dict[str, tuple[str, Callable[[Passage], bool]]] = {"all": ("", lambda _each: True)}
    if asked and asked < set(house.services) and not scenario.visitors and not scenario.opening:
        whom["asked"] = ("", lambda each: each.service in asked)
    whom["appointments"] = ("", lambda each: each.appointment)
    whom["walk-ins"] = ("", lambda each: not each.appointment)
    came = {each.service for pair in pairs for outcome in pair for each in outcome.people}
    for name, service in house.services.items():
        if name in came - discreet:
            whom[f"service:{name}"] = (service.name, lambda each, name=name: each.service == name)  # type: ignore[misc]
    recorded = _recorded(day)
    groups = [
        Group(id, name, _figures(id, picks, recorded, as_it_was, pairs)) for id, (name, picks) in whom.items()
    ]
    return Result(
        site=house.site,
        day=day.date.isoformat(),
        planned=day.recorded is None,
        visitors=day.visitors,
        runs=len(pairs),
        seed=seed,
        took_s=took_s,
        groups=groups,
        verdict=_verdict(scenario, groups),
    )


def _recorded(day: DayToPlay) -> Outcome | None:
    """The day as the journal has it, in the form of a run."""
    if day.recorded is None:
        return None
    people = []
    for person, wait, status in zip(
        day.recorded.people, day.recorded.waits_us, day.recorded.statuses, strict=True
    ):
        late = None
        if person.slot_at is not None and person.arrived_at is not None:
            late = person.arrived_at - max(person.slot_at, person.told_at or 0)
        people.append(Passage(person.service, person.slot_at is not None, wait, late, status))
    return Outcome(tuple(people), day.recorded.staffed_us)


def _figures(
    group: str,
    picks: Callable[[Passage], bool],
    recorded: Outcome | None,
    as_it_was: Pair | None,
    pairs: list[Pair],
) -> dict[str, Figure]:
    def picked(outcome: Outcome) -> list[Passage]:
        return [each for each in outcome.people if picks(each)]

    chosen = [(picked(before), picked(after)) for before, after in pairs]
    was = None if as_it_was is None else [picked(outcome) for outcome in as_it_was]
    found = {}
    for key, (unit, measure) in MEASURES.items():
        if key == "counter_hours" and group != "all":
            continue
        if key in ("called_on_time", "late_or_missed") and group == "walk-ins":
            continue
        values = [
            (measure(people[0], pair[0]), measure(people[1], pair[1]))
            for people, pair in zip(chosen, pairs, strict=True)
        ]
        apart = difference(values)
        found[key] = Figure(
            key=key,
            unit=unit,
            recorded=None if recorded is None else measure(picked(recorded), recorded),
            replayed=None if was is None or as_it_was is None else measure(was[0], as_it_was[0]),
            changed=None if was is None or as_it_was is None else measure(was[1], as_it_was[1]),
            without=spread([before for before, _after in values]),
            with_change=spread([after for _before, after in values]),
            difference=apart,
            told=told(apart, unit),
        )
    return found


def _verdict(scenario: Scenario, groups: list[Group]) -> Verdict:
    by_id = {group.id: group.figures for group in groups}
    figures = by_id.get("asked", by_id["all"])
    wait, longer, unserved = figures["p90_wait_s"], figures["long_waits"], by_id["all"]["not_served"]
    without, with_change = _minutes(wait.without.mean), _minutes(wait.with_change.mean)
    return Verdict(
        changes=_changes(scenario),
        asked="asked" in by_id,
        people=figures["visitors"].with_change.mean or 0,
        told=wait.told and without != with_change,
        without_min=without,
        with_min=with_change,
        low_min=_minutes(wait.with_change.low),
        high_min=_minutes(wait.with_change.high),
        longer=_whole(longer),
        unserved=_whole(unserved),
        hours=_whole(by_id["all"]["counter_hours"]) or 0,
    )


def _minutes(seconds: Number) -> int:
    return 0 if seconds is None else round(seconds / 60)


def _whole(figure: Figure) -> int | None:
    mean = figure.difference.mean
    return round(mean) if figure.told and mean is not None else None


def _changes(scenario: Scenario) -> list[Change]:
    changes = [
        Change(
            kind="counter",
            services=list(extra.services),
            kinds=list(extra.kinds),
            begins=f"{extra.begins:%H:%M}",
            ends=f"{extra.ends:%H:%M}",
        )
        for extra in scenario.counters
    ]
    by_grace: dict[int, list[str]] = {}
    for name, seconds in scenario.grace_s.items():
        by_grace.setdefault(seconds, []).append(name)
    changes += [
        Change(kind="grace", services=names, minutes=seconds / 60) for seconds, names in by_grace.items()
    ]
    if scenario.opening is not None:
        hours = ", ".join(f"{begin:%H:%M}-{end:%H:%M}" for begin, end in scenario.opening)
        changes.append(Change(kind="opening", hours=hours))
    if scenario.visitors is not None:
        changes.append(Change(kind="visitors", visitors=scenario.visitors))
    return changes
