"""A day as it will be played: who comes when, for what, and how long it takes.

``plan_day`` is pure: the same house, date and seed give the same plan, in any process. The figures
it aims at are those of the Huis van de Mechelaar; ``tests/server/test_simulate_plan.py`` measures them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import date
from math import ceil
from random import Random

from server.domain.appointment import BookedBy
from server.domain.house import House, Kind, Service
from server.domain.schedule import SECOND, Period, to_datetime
from server.simulate import people
from server.simulate.people import Answer, Aside, Contact, Interruption, Rating, Reply
from server.simulate.staff import Shift, roster

VISITORS = 350
"""Visitors on an average day of the week's opening days."""
BY_APPOINTMENT = 2 / 3
"""Share of the visitors: 77,176 appointments of which 7 % never report, of 108,277 visitors in 2018."""
BREADTH = 0.75
"""A day twice as long sees 2 ** 0.75 times the visitors: the longest is the busiest, but not by the hour."""

CANCELLED_SHARE = 0.05
BY_LINK_SHARE = 0.6
"""Of those who cancel: who do it by the link of a reminder, once one has reached them."""
MOVED_SHARE = 0.03
ANNOUNCED_SHARE = 0.25
"""Of the late: who say so beforehand."""
PRIORITY_SHARE = 0.025
SECOND_SERVICE_SHARE = 0.03

# How busy the hours are that begin then (wall clock): weekday and Saturday mornings, late afternoon.
_BUSY = {8: 1.1, 9: 1.5, 10: 1.5, 11: 1.2, 12: 0.8, 13: 0.8, 14: 0.8, 15: 0.9, 16: 1.2, 17: 1.4, 18: 0.8}
STREAMS = ("visitors", "slots", "people", "arrivals", "contacts", "staff", "channels", "ratings")

_BIN_S = 300
_LAST_SLOT_S = 900
"""No slot so close to closing that late people would find the doors shut."""

# Walk-ins by kind of service: one in three to reception, the others to the express desk.
_WALK_IN_KINDS = {Kind.RECEPTION: 1.0, Kind.EXPRESS: 2.0, Kind.THEME: 2.0}


@dataclass(frozen=True, slots=True)
class Conduct:
    """When a person comes, None for never; when they say that it will be late, and by how many minutes."""

    comes_at: int | None = None
    announces_at: int | None = None
    announced_minutes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One citizen's plans for the day. Instants are microseconds UTC, durations seconds.

    ``slot_at`` is None for a walk-in. ``booked_at`` is the slot as first booked: another than
    ``slot_at`` for who moves it at ``changes_at``. Who ``cancels`` does so at ``changes_at``, or
    ``by_link`` when a reminder has reached them. ``comes_at`` is None for who never reports, or
    cancelled. ``announces_at`` is when a late person says so, and ``announced_minutes`` what they say.

    All this is what they do where a reminder reached them before ``leaves_at``; ``forgetting`` is what
    they do instead where none did, None where that is the same. ``says`` is what they answer to the first
    reminder, ``reply_after_s`` how long after it. ``channel`` is how the appointment was booked, and
    ``rating`` what they say of the visit if it is served.
    """

    id: str
    service: str
    then: tuple[str, ...] = ()
    slot_at: int | None = None
    booked_at: int | None = None
    changes_at: int | None = None
    cancels: bool = False
    announces_at: int | None = None
    announced_minutes: int = 0
    comes_at: int | None = None
    forgetting: Conduct | None = None
    contact: Contact | None = None
    by_link: bool = False
    says: Reply | None = None
    reply_after_s: float = 0.0
    channel: BookedBy | None = None
    rating: Rating | None = None
    persons: int = 1
    language: str | None = None
    priority: bool = False
    walk_s: float
    handling_s: float
    patience_s: float
    answer: Answer
    interruption: Interruption | None = None

    @property
    def late_s(self) -> float | None:
        """Report minus slot; None for walk-ins and for who never reports."""
        if self.slot_at is None or self.comes_at is None:
            return None
        return (self.comes_at - self.slot_at) / SECOND

    @property
    def leaves_at(self) -> int:
        """When they would have to leave home; for who never comes, when they ought to have."""
        return (self.comes_at or self.slot_at or 0) - people.TRAVEL_S * SECOND

    def unreminded(self) -> Person:
        """The same person where no reminder reached them."""
        if self.forgetting is None:
            return self
        return replace(
            self,
            comes_at=self.forgetting.comes_at,
            announces_at=self.forgetting.announces_at,
            announced_minutes=self.forgetting.announced_minutes,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DayPlan:
    """A day: its openings, its people, its staff; empty on a day when the house is closed."""

    date: date
    openings: tuple[Period, ...]
    people: tuple[Person, ...]
    shifts: tuple[Shift, ...]


def plan_day(house: House, day: date, seed: int, *, left: str | None = None) -> DayPlan:
    """The plan of a day. ``left`` is a counter that gets no staff: it is left to who watches."""
    openings = house.calendar.openings(day)
    if not openings:
        return DayPlan(date=day, openings=(), people=(), shifts=())
    # One stream a matter, so that a change to one leaves the others as they were. A string seeds
    # `Random` by its SHA-512, not by the hash that differs from process to process.
    streams = {name: Random(f"{house.site} {day} {seed} {name}") for name in STREAMS}
    visitors = visitors_on(house, day)
    walk_ins = _walk_ins(house, openings, visitors * (1 - BY_APPOINTMENT), streams)
    booked = _appointments(house, openings, visitors * BY_APPOINTMENT / (1 - people.NEVER_SHARE), streams)
    everyone = tuple(
        _named(house, person, day, number, streams) for number, person in enumerate(booked + walk_ins, 1)
    )
    work = [
        (person.service, max(person.comes_at, person.slot_at or 0), person.walk_s + person.handling_s)
        for person in everyone
        if person.comes_at is not None
    ]
    shifts = roster(house, openings, work, streams["staff"], left)
    return DayPlan(date=day, openings=openings, people=everyone, shifts=shifts)


def visitors_on(house: House, day: date) -> float:
    """How many visitors a day expects, by its opening hours; on average ``VISITORS`` over a week."""
    breadths: list[float] = [
        sum((to.hour - since.hour) * 60 + to.minute - since.minute for since, to in periods) ** BREADTH
        for periods in house.calendar.weekly
        if periods
    ]
    seconds = sum((end - begin) // SECOND for begin, end in house.calendar.openings(day))
    breadth: float = (seconds / 60) ** BREADTH
    return VISITORS * breadth * len(breadths) / sum(breadths)


def demand(house: House) -> dict[str, float]:
    """How often a service is asked for, beside the others.

    A house is built for its demand: a counter's time is shared by its services, and the more people
    one hour of it can help, the more come.
    """
    return {
        service.id: sum(1 / len(plan.services) for plan in house.home_counters(service.id)) / service.target_s
        for service in house.services.values()
    }


def _spread(openings: tuple[Period, ...], house: House, step_s: int, stop_s: int) -> list[tuple[int, float]]:
    """Moments in the openings, ``step_s`` apart, until ``stop_s`` before the end, each with its weight."""
    moments = [
        moment
        for begin, end in openings
        for moment in range(begin, end - stop_s * SECOND + 1, step_s * SECOND)
    ]
    return [(moment, _BUSY.get(to_datetime(moment, house.calendar.zone).hour, 0.7)) for moment in moments]


# --- walk-ins -------------------------------------------------------------------------------------


def _walk_ins(
    house: House, openings: tuple[Period, ...], expected: float, streams: dict[str, Random]
) -> list[Person]:
    offered = [service for service in house.services.values() if service.walk_ins]
    if not offered:
        return []
    weights = _by_kind(house, offered)
    # A kiosk's clock and ours may differ by seconds: nobody draws a ticket in the last minutes.
    bins = _spread(openings, house, _BIN_S, house.calendar.tickets_stop_s + 2 * _BIN_S)
    moments = sorted(
        moment + round(streams["visitors"].random() * _BIN_S * SECOND)
        for moment in streams["visitors"].choices(
            [moment for moment, _ in bins],
            [weight for _, weight in bins],
            k=people.around(streams["visitors"], expected, spread=0.06),
        )
    )
    draw = streams["people"]
    found = []
    for moment in moments:
        (service,) = draw.choices(offered, weights)
        then: tuple[str, ...] = ()
        if draw.random() < SECOND_SERVICE_SHARE and len(offered) > 1:
            then = (draw.choice([other.id for other in offered if other.id != service.id]),)
        found.append(replace(_person(house, service, draw), then=then, comes_at=moment))
    return found


def _by_kind(house: House, services: list[Service]) -> list[float]:
    """Weights of walk-in services: the kinds' shares, within a kind by demand."""
    asked = demand(house)
    of_kind = {
        kind: sum(asked[service.id] for service in services if service.kind is kind) or 1.0 for kind in Kind
    }
    return [_WALK_IN_KINDS[service.kind] * asked[service.id] / of_kind[service.kind] for service in services]


# --- appointments ---------------------------------------------------------------------------------


def _appointments(
    house: House, openings: tuple[Period, ...], expected: float, streams: dict[str, Random]
) -> list[Person]:
    offered = [service for service in house.services.values() if service.appointments]
    asked = demand(house)
    total = sum(asked[service.id] for service in offered)
    booked = []
    for service in offered:
        count = people.around(streams["visitors"], expected * asked[service.id] / total, spread=0.06)
        gone = round(count * CANCELLED_SHARE + streams["people"].random() - 0.5)
        for index, slot in enumerate(_slots(house, openings, service, count + gone, streams["slots"])):
            booked.append(_booked(house, openings, service, slot, streams, cancels=index >= count))
    booked.sort(key=lambda person: (person.slot_at or 0, person.service))
    return booked


def _slots(
    house: House, openings: tuple[Period, ...], service: Service, count: int, draw: Random
) -> list[int]:
    """Slots as a booking system gives them out."""
    grid, lanes = _grid(house, openings, service, count)
    # Drawn without putting back, the busy hours first: the largest of random() ** (1 / weight).
    drawn = sorted(
        ((draw.random() ** (1 / weight), moment) for moment, weight in grid for _ in range(lanes)),
        reverse=True,
    )
    return [moment for _, moment in drawn[:count]]


def _grid(
    house: House, openings: tuple[Period, ...], service: Service, count: int
) -> tuple[list[tuple[int, float]], int]:
    """The grid of a service, as wide as its target, each slot with its weight; the fewest lanes that fit."""
    step_s = ceil(service.target_s / _BIN_S) * _BIN_S
    grid = _spread(openings, house, step_s, max(step_s, _LAST_SLOT_S))
    return grid, max(1, ceil(count / (0.8 * len(grid))))


def first_free(house: House, plan: DayPlan, service: Service, after: int) -> int | None:
    """The first slot of a service later than ``after`` that nobody has booked on that day; None for none."""
    if not plan.openings:
        return None
    booked = [person for person in plan.people if person.service == service.id and person.slot_at is not None]
    # Nobody has moved or cancelled yet when the day begins.
    taken = Counter(person.booked_at for person in booked)
    grid, lanes = _grid(house, plan.openings, service, len(booked))
    return next((slot for slot, _ in grid if slot > after and taken[slot] < lanes), None)


def _booked(
    house: House,
    openings: tuple[Period, ...],
    service: Service,
    slot: int,
    streams: dict[str, Random],
    *,
    cancels: bool,
) -> Person:
    draw = streams["people"]
    person = replace(_person(house, service, draw), slot_at=slot, booked_at=slot)
    begin, end = next(period for period in openings if period[0] <= slot < period[1])
    doors = begin - house.calendar.tickets_start_s * SECOND
    # Changes of mind come until half an hour before; earlier than the doors they are as good as booked.
    changes_at = max(slot - round(draw.uniform(1800, 6 * 3600)) * SECOND, openings[0][0] - 900 * SECOND)
    by_link, moves = draw.random() < BY_LINK_SHARE, draw.random() < MOVED_SHARE
    if cancels:
        return replace(person, changes_at=changes_at, cancels=True, by_link=by_link)
    if moves:
        was_at = min(slot + 3600 * SECOND, end - _LAST_SLOT_S * SECOND)
        if was_at != slot:
            person = replace(person, booked_at=was_at, changes_at=changes_at)
    draw = streams["arrivals"]
    luck, place, crowd_s = draw.random(), draw.random(), draw.uniform(0, 240)
    announces, announced_s = draw.random() < ANNOUNCED_SHARE, draw.uniform(300, 1500)

    def conduct(*, reminded: bool) -> Conduct:
        late_s = people.arrival_s(luck, place, reminded=reminded)
        if late_s is None:
            return Conduct()
        # Who would come before the doors open stands before them; who would come after closing does not.
        comes_at = max(slot + round(late_s * SECOND), doors + round(crowd_s * SECOND))
        comes_at = min(comes_at, end - 60 * SECOND)
        if late_s <= people.GRACE_S or not announces:
            return Conduct(comes_at)
        return Conduct(comes_at, slot - round(announced_s) * SECOND, ceil(late_s / 300) * 5)

    does, forgetting = conduct(reminded=True), conduct(reminded=False)
    return replace(
        person,
        comes_at=does.comes_at,
        announces_at=does.announces_at,
        announced_minutes=does.announced_minutes,
        forgetting=None if forgetting == does else forgetting,
    )


# --- everyone -------------------------------------------------------------------------------------


def _named(house: House, person: Person, day: date, number: int, streams: dict[str, Random]) -> Person:
    """The person under their id, with how and with what they booked, and what they say before and after."""
    identity = f"{day:%Y%m%d}-{number:04d}"
    person = replace(person, id=identity, rating=people.rating(streams["ratings"]))
    if person.slot_at is None:
        return person
    draw, channel = streams["contacts"], people.booked_by(streams["channels"])
    phone = f"+32470{day.toordinal() % 100:02d}{number:04d}"
    contact = people.reached(draw, house.services[person.service], phone, f"{identity}@example.org")
    says, after_s = people.reply(draw), people.reply_after_s(draw)
    if says is Reply.CALL_BACK and (contact.phone is None or contact.safe is not None):
        says = None
    if person.comes_at is None:
        says = None
    return replace(person, contact=contact, channel=channel, says=says, reply_after_s=after_s)


def _person(house: House, service: Service, draw: Random) -> Person:
    return Person(
        id="",
        service=service.id,
        persons=people.persons(draw),
        language=people.language(draw),
        priority=draw.random() < PRIORITY_SHARE,
        walk_s=people.walk_s(draw),
        handling_s=people.handling_s(draw, service),
        patience_s=people.patience_s(draw),
        answer=people.answer(draw),
        interruption=_interruption(house, service, draw),
    )


def _interruption(house: House, service: Service, draw: Random) -> Interruption | None:
    luck, after, away_s = draw.random(), draw.uniform(0.2, 0.8), draw.uniform(300, 900)
    accompanied = draw.random() < 0.4
    if luck < 0.03:
        return Interruption(kind=Aside.PARK, after=after, away_s=away_s)
    if luck < 0.06:
        others = [other.id for other in house.services.values() if other.kind is service.kind]
        if service.kind is Kind.RECEPTION:
            others = [other.id for other in house.services.values() if other.kind is not Kind.RECEPTION]
        others = [name for name in others if name != service.id and not house.services[name].discreet]
        if others and not service.discreet:
            return Interruption(
                kind=Aside.TRANSFER, after=after, service=draw.choice(others), accompanied=accompanied
            )
    if luck > 0.99:
        return Interruption(kind=Aside.SLIP, after=after)
    return None
