"""What is changed: counters more, another grace, other hours, more visitors; as somebody asked for it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, time
from itertools import pairwise

from server.config_tables import nearest
from server.domain.day import CounterMode
from server.domain.house import CounterPlan, House, Kind
from server.domain.schedule import Period
from server.replay.hall import Duty

MOST_VISITORS = 3000
MOST_COUNTERS = 5
LONGEST_GRACE_S = 4 * 3600

Hours = tuple[time, time]


class Wrong(Exception):
    """A question that cannot be answered as asked: ``code`` is stable, the text says why, in English."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Extra:
    """A counter more for these services, from and to wall-clock times. ``kinds``: of those, all there are."""

    services: tuple[str, ...]
    begins: time
    ends: time
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """All that is changed.

    ``grace_s`` is by service, ``opening`` replaces the day's hours, ``visitors`` is how many come in all;
    None leaves it as it is.
    """

    counters: tuple[Extra, ...] = ()
    grace_s: dict[str, int] = field(default_factory=dict)
    opening: tuple[Hours, ...] | None = None
    visitors: int | None = None

    @property
    def changes(self) -> bool:
        return bool(self.counters or self.grace_s or self.opening or self.visitors)

    def house(self, house: House) -> House:
        """The house with the rules and counters of the scenario."""
        services = {
            name: replace(service, grace_s=self.grace_s.get(name, service.grace_s))
            for name, service in house.services.items()
        }
        added = {
            name: CounterPlan(id=name, services=frozenset(extra.services))
            for name, extra in zip(self._names(house), self.counters, strict=True)
        }
        return replace(house, services=services, counters={**house.counters, **added})

    def duties(self, house: House, day: date) -> list[Duty]:
        """When the counters more are there on a day of the house as it is without them."""
        found = []
        for name, extra in zip(self._names(house), self.counters, strict=True):
            at = house.calendar.at
            found.append(Duty(at=at(day, extra.begins), counter=name))
            found.append(Duty(at=at(day, extra.ends), counter=name, mode=CounterMode.CLOSED))
        return found

    def openings(self, house: House, day: date) -> tuple[Period, ...] | None:
        """The hours that replace those of the day."""
        if self.opening is None:
            return None
        return tuple(
            (house.calendar.at(day, begin), house.calendar.at(day, end)) for begin, end in self.opening
        )

    def _names(self, house: House) -> list[str]:
        names, number = list[str](), 0
        while len(names) < len(self.counters):
            number += 1
            if f"more-{number}" not in house.counters:
                names.append(f"more-{number}")
        return names


def scenario(
    house: House,
    *,
    counters: Sequence[str] = (),
    grace: Sequence[str] = (),
    opening: str | None = None,
    visitors: int | None = None,
) -> Scenario:
    """The scenario of a command's options. Raises :class:`Wrong`."""
    if len(counters) > MOST_COUNTERS:
        raise Wrong("too-many-counters", f"counter: at most {MOST_COUNTERS} counters more at a time")
    if visitors is not None and not 1 <= visitors <= MOST_VISITORS:
        raise Wrong("bad-visitors", f"visitors: {visitors} is not from 1 to {MOST_VISITORS}")
    graces: dict[str, int] = {}
    for text in grace:
        graces |= _grace(house, text)
    return Scenario(
        counters=tuple(_counter(house, text) for text in counters),
        grace_s=graces,
        opening=None if opening is None else _opening(opening),
        visitors=visitors,
    )


def _counter(house: House, text: str) -> Extra:
    """``services=express,bouwen from=10:00 to=12:00``, in any order."""
    parts: dict[str, str] = {}
    for part in text.split():
        key, is_there, value = part.partition("=")
        if not is_there or key not in ("services", "from", "to") or key in parts:
            raise Wrong("bad-counter", f'counter: "{part}" in "{text}"; say services=A,B from=10:00 to=12:00')
        parts[key] = value
    for key in ("services", "from", "to"):
        if not parts.get(key):
            raise Wrong(
                "bad-counter", f'counter: no {key}= in "{text}"; say services=A,B from=10:00 to=12:00'
            )
    begins, ends = _time(parts["from"], "counter"), _time(parts["to"], "counter")
    if begins >= ends:
        raise Wrong("time-order", f"counter: {parts['from']} is not before {parts['to']}")
    services, kinds = _services(house, parts["services"], "counter")
    return Extra(services=services, begins=begins, ends=ends, kinds=kinds)


def _grace(house: House, text: str) -> dict[str, int]:
    """``SERVICE=SECONDS``; the service may be a kind, or ``all``."""
    names, _, seconds = text.partition("=")
    if not re.fullmatch(r"[0-9]{1,6}", seconds) or int(seconds) > LONGEST_GRACE_S:
        raise Wrong("bad-grace", f'grace: "{text}"; say SERVICE=SECONDS, at most {LONGEST_GRACE_S} seconds')
    chosen = tuple(house.services) if names == "all" else _services(house, names, "grace")[0]
    taken = {name: int(seconds) for name in chosen if house.services[name].appointments}
    if not taken:
        raise Wrong("no-appointments", f"grace: {names} takes no appointments")
    return taken


def _opening(text: str) -> tuple[Hours, ...]:
    """``08:00-13:00``, or several with commas between, in their order."""
    found = []
    for part in text.split(","):
        begin, dash, end = part.strip().partition("-")
        if not dash:
            raise Wrong("bad-opening", f'opening: "{part}"; say 08:00-13:00')
        found.append((_time(begin, "opening"), _time(end, "opening")))
        if found[-1][0] >= found[-1][1]:
            raise Wrong("time-order", f"opening: {begin} is not before {end}")
    if any(one[1] >= two[0] for one, two in pairwise(found)):
        raise Wrong("time-order", f'opening: the hours of "{text}" are not one after the other')
    return tuple(found)


def _services(house: House, text: str, what: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The services that are named, by id or by kind, in the house's order; and the kinds that were."""
    kinds = {kind.value for kind in Kind}
    names = [name for name in text.split(",") if name]
    for name in names:
        if name not in house.services and name not in kinds:
            meant = nearest(name, [*house.services, *kinds])
            raise Wrong("unknown-service", f'{what}: there is no service or kind "{name}"{meant}')
    # A service may be called as a kind is; then it is the service.
    asked = {name for name in names if name not in house.services}
    chosen = tuple(
        name for name, service in house.services.items() if name in names or service.kind.value in asked
    )
    if not chosen:
        raise Wrong("unknown-service", f"{what}: no service here is of the kind {', '.join(sorted(asked))}")
    return chosen, tuple(kind.value for kind in Kind if kind.value in asked)


def _time(text: str, what: str) -> time:
    if not re.fullmatch(r"[0-2]?[0-9]:[0-5][0-9]", text):
        raise Wrong("bad-time", f'{what}: "{text}" is no time such as 10:00')
    hour, minute = text.split(":")
    if int(hour) > 23:
        raise Wrong("bad-time", f'{what}: "{text}" is no time such as 10:00')
    return time(int(hour), int(minute))
