"""What a told day is made of, and what each act makes of it: the model's half without rules.

Imports nothing of the server. Moments are integers in microseconds.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Work:
    """A service as the rules see it."""

    range: str
    express: bool = False
    walk_ins: bool = True
    appointments: bool = True
    grace: int = 300
    late_limit: int = 1200
    waiting_limit: int = 1200
    discreet: bool = False


@dataclass(frozen=True)
class Desk:
    """What a counter offers, and what it helps with."""

    offers: tuple[str, ...]
    helps: tuple[str, ...] = ()


@dataclass(frozen=True)
class Hall:
    """One house on one day."""

    works: dict[str, Work]
    desks: dict[str, Desk]
    begins: int
    until: int
    ends: int
    openings: tuple[tuple[int, int], ...]
    k: int = 3
    recalls: int = 1
    undo: int = 120
    start: int = 600
    stop: int = 900


@dataclass
class Person:
    """Somebody with a ticket."""

    id: str
    letter: str
    number: int
    service: str
    reported: int
    slot: int | None = None
    warned: bool = False
    told: int | None = None
    then: tuple[str, ...] = ()
    priority: bool = False
    where: str = "waiting"
    again: bool = False
    only_counter: str | None = None
    only_staff: str | None = None
    counter: str | None = None
    rule: str | None = None
    recalls: int = 0
    first_called: int | None = None

    @property
    def ticket(self) -> str:
        return self.letter + str(self.number).rjust(3, "0")

    @property
    def seniority(self) -> tuple[int, int, str]:
        return (self.reported, self.number, self.letter)


@dataclass
class Slot:
    """An appointment."""

    service: str
    at: int
    state: str = "booked"
    late: int | None = None
    person: str | None = None
    came: bool = False
    told: int | None = None
    call: bool = False
    """Wishes to be called back."""


@dataclass
class Post:
    """A counter now; ``history`` are the rules of its calls, oldest first."""

    mode: str = "closed"
    staff: str | None = None
    person: str | None = None
    history: list[str] = field(default_factory=list)


@dataclass
class Told:
    """The day as told so far."""

    people: dict[str, Person] = field(default_factory=dict)
    slots: dict[str, Slot] = field(default_factory=dict)
    posts: dict[str, Post] = field(default_factory=dict)
    shown: list[tuple[str, str, int]] = field(default_factory=list)
    over: bool = False


@dataclass(frozen=True)
class Act:
    """Something that happened: a verb, when, and its words."""

    verb: str
    at: int
    words: dict[str, object]


def happen(told: Told, act: Act) -> None:
    """What an act makes of the day so far."""
    words = act.words
    if act.verb == "day-ended":
        _end(told)
    elif act.verb == "visit-reported":
        person = copy.copy(words["newcomer"])
        assert isinstance(person, Person)
        told.people[person.id] = person
        if "ref" in words:
            slot = told.slots[str(words["ref"])]
            slot.state, slot.person = "reported", person.id
    elif act.verb.startswith("appointment-"):
        _appointment(told, act)
    elif act.verb.startswith("visit-"):
        _person(told.people[str(words["person"])], act)
    else:
        _counter(told, act)


def _end(told: Told) -> None:
    told.over = True
    told.shown = []
    for p in told.people.values():
        p.where = {"serving": "served", "waiting": "not-served", "called": "not-served"}.get(p.where, p.where)
        p.where = "not-served" if p.where == "parked" else p.where
    for slot in told.slots.values():
        slot.state = "never" if slot.state in ("booked", "confirmed") else slot.state
    told.posts = {name: Post() for name in told.posts}


def _appointment(told: Told, act: Act) -> None:
    ref = str(act.words["ref"])
    if "slot" in act.words:
        slot = copy.copy(act.words["slot"])
        assert isinstance(slot, Slot)
        told.slots[ref] = slot
    elif act.verb == "appointment-announced-late":
        late = act.words["late"]
        assert isinstance(late, int)
        told.slots[ref].late = late
    elif act.verb == "appointment-delayed":
        to = act.words["to"]
        assert isinstance(to, int)
        told.slots[ref].told = to
    elif act.verb == "appointment-came":
        told.slots[ref].came = True
    elif act.verb in ("appointment-call-back-asked", "appointment-called-back"):
        told.slots[ref].call = act.verb == "appointment-call-back-asked"
    else:
        told.slots[ref].state = act.verb.removeprefix("appointment-")


def _person(p: Person, act: Act) -> None:
    if act.verb == "visit-returned":
        p.where, p.again = "waiting", True
    elif act.verb == "visit-left":
        p.where = "left"
    elif act.verb == "visit-prioritised":
        p.priority = bool(act.words["priority"])
    else:
        p.only_staff = None if act.words["staff"] is None else str(act.words["staff"])


def _counter(told: Told, act: Act) -> None:
    counter, words = str(act.words["counter"]), act.words
    post = told.posts[counter]
    if act.verb.startswith("counter-"):
        post.mode = {"opened": "open"}.get(act.verb[8:], act.verb[8:])
        if post.mode == "open":
            post.staff = None if words["staff"] is None else str(words["staff"])
        if post.mode == "closed":
            post.staff = None
            for p in told.people.values():
                # Whoever is away may come back: they must not wait for a counter that has gone.
                if p.only_counter == counter and p.where in ("waiting", "parked", "not-present"):
                    p.only_counter = None
        return
    p = told.people[str(words["person"])]
    if act.verb in ("called", "recalled"):
        told.shown.insert(0, (p.ticket, counter, act.at))
    if act.verb == "called":
        post.person, p.where, p.counter = p.id, "called", counter
        p.rule, p.recalls = str(words["rule"]), 0
        post.history.append(p.rule)
        p.first_called = act.at if p.first_called is None else p.first_called
    elif act.verb == "recalled":
        p.recalls += 1
    elif act.verb == "service-started":
        p.where = "serving"
    else:
        post.person = None
        _send_on(p, act)


def _send_on(p: Person, act: Act) -> None:
    if act.verb in ("not-present", "parked"):
        p.where = act.verb
        return
    if act.verb == "service-finished" and not p.then:
        p.where = "served"
        return
    p.where, p.again, p.only_counter, p.only_staff = "waiting", True, None, None
    if act.verb == "service-finished":
        p.service, p.then = p.then[0], p.then[1:]
        return
    words = act.words
    p.service = p.service if words["service"] is None else str(words["service"])
    p.only_counter = None if words["to"] is None else str(words["to"])
    p.only_staff = None if words["staff"] is None else str(words["staff"])
