"""Who is next, and why: one total order over the waiting tickets that a counter may serve.

``docs/calling.md`` says the same in a supervisor's words. Each waiting ticket has a *standing*,
(rule, moment): rules come in the order of :class:`Rule`, within a rule the earlier moment, then the
earlier report, then the lower number.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from operator import attrgetter
from typing import NamedTuple

from server.domain.day import CounterState, Day, Visit
from server.domain.house import CounterPlan, House, Kind
from server.domain.schedule import SECOND


class Rule(StrEnum):
    """Why a ticket was called, best first. ``ASKED`` is a call by number, outside the order."""

    AGAIN = "again"
    PRIORITY = "priority"
    OVERDUE = "overdue"
    APPOINTMENT = "appointment"
    WALK_IN = "walk-in"
    EARLY = "early"
    OVERFLOW = "overflow"
    ASKED = "asked"


_RANK = {rule: rank for rank, rule in enumerate(Rule)}

Key = tuple[int, int, int, int, str]
"""(rank of the rule, its moment, report, number, letter): smaller is earlier."""


class Standing(NamedTuple):
    """A waiting ticket's place in the order, and the rule that gives it."""

    key: Key
    rule: Rule
    visit: Visit


@dataclass(frozen=True, slots=True)
class Choice:
    """Who is next: by which rule, and the tickets that reported earlier and are passed."""

    visit: Visit
    rule: Rule
    overtook: tuple[str, ...]


_key = attrgetter("key")


def _stand(visit: Visit, rule: Rule, moment: int) -> Standing:
    return Standing((_RANK[rule], moment, visit.reported_at, visit.number, visit.range), rule, visit)


def _rule(house: House, visit: Visit, now: int) -> tuple[Rule, int]:
    reported = visit.reported_at
    if visit.again:
        return Rule.AGAIN, reported
    if visit.priority:
        return Rule.PRIORITY, reported
    if visit.slot_at is None:
        return Rule.WALK_IN, reported
    if visit.slot_at > now:
        return Rule.EARLY, visit.slot_at
    service = house.services.get(visit.service)
    grace_s = 0 if service is None else service.late_limit_s if visit.announced_late else service.grace_s
    due_at = visit.slot_at if visit.told_at is None else max(visit.slot_at, visit.told_at)
    if reported <= due_at + grace_s * SECOND:
        return Rule.APPOINTMENT, visit.slot_at
    return Rule.WALK_IN, reported


def standings(house: House, day: Day, now: int) -> list[Standing]:
    """Every waiting ticket of the house in the order of rules (1) to (5), which depend on no counter."""
    return sorted([_stand(visit, *_rule(house, visit, now)) for visit in day.waiting()], key=_key)


def may_serve(plan: CounterPlan, counter: CounterState, visit: Visit) -> bool:
    """Whether this visit is the counter's own work: service, counter and member of staff fit."""
    if visit.staff is not None and visit.staff != counter.staff:
        return False
    if visit.to_counter is not None:
        return visit.to_counter == counter.id
    return visit.service in plan.services


def may_help(house: House, plan: CounterPlan, counter: CounterState, visit: Visit) -> bool:
    """Whether the counter may take this visit rather than stand idle (rule 6)."""
    service = house.services.get(visit.service)
    return (
        service is not None
        and service.kind is Kind.EXPRESS
        and visit.service in plan.overflow
        and visit.to_counter is None
        and visit.staff is None
    )


def queue(
    house: House,
    day: Day,
    counter: str,
    now: int,
    places: list[Standing] | None = None,
) -> list[Standing]:
    """The counter's whole order, who is next first.

    ``places`` may pass in ``standings(house, day, now)`` where a caller asks for many counters.
    The list is the order for the next call; after that call the overdue rule may rank anew.
    """
    plan, state = house.counters[counter], day.counter(counter)
    places = standings(house, day, now) if places is None else places
    own: list[Standing] = []
    others: list[Standing] = []
    for place in places:
        (own if may_serve(plan, state, place.visit) else others).append(place)
    overdue = _overdue(house, state, own, now)
    if overdue is not None:
        own.remove(overdue)
        own.append(_stand(overdue.visit, Rule.OVERDUE, overdue.visit.reported_at))
        own.sort(key=_key)
    helped = [
        _stand(place.visit, Rule.OVERFLOW, place.visit.reported_at)
        for place in others
        if may_help(house, plan, state, place.visit)
    ]
    helped.sort(key=_key)
    return own + helped


def has_turn(house: House, counter: CounterState) -> bool:
    """Whether the counter's next call is the one in *k* that may put an overdue walk-in first."""
    since = counter.calls_since_overdue
    return since is None or since >= house.overdue_every - 1


def _overdue(house: House, counter: CounterState, own: list[Standing], now: int) -> Standing | None:
    """The ticket of (4) past its service's waiting limit that may now go before (3), if any.

    Where no appointment is due there is nothing to go before, so the counter's one-in-*k* is kept.
    """
    if not has_turn(house, counter):
        return None
    if not any(place.rule is Rule.APPOINTMENT for place in own):
        return None
    for place in own:
        service = house.services.get(place.visit.service)
        if place.rule is not Rule.WALK_IN or service is None:
            continue
        if now - place.visit.wait_from > service.waiting_limit_s * SECOND:
            return place
    return None


def choose(house: House, day: Day, counter: str, now: int) -> Choice | None:
    """Who is next at this counter, or None where nobody waits that it may serve."""
    order = queue(house, day, counter, now)
    if not order:
        return None
    return Choice(order[0].visit, order[0].rule, overtaken(order[0].visit, order))


def overtaken(chosen: Visit, order: list[Standing]) -> tuple[str, ...]:
    """The tickets in the order that reported before the chosen one, earliest first."""
    mine = (chosen.reported_at, chosen.number, chosen.range)
    passed = [place.visit for place in order if place.visit.id != chosen.id]
    passed = [v for v in passed if (v.reported_at, v.number, v.range) < mine]
    passed.sort(key=lambda v: (v.reported_at, v.number, v.range))
    return tuple(v.ticket for v in passed)
