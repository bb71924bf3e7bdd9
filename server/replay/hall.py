"""A day of the hall in virtual time, through the decisions that a live one goes through.

Who comes when, how long each call takes and which counters are on duty is given; who is called when, by
which counter and by which rule, is decided. At each instant first whoever is done leaves, then counters
come on duty or go off, then whoever arrives reports (in the given order), then who waits no longer goes,
then the counters that are free call whoever is next, the one that is free for longest first, then in the
order of the configuration.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from server.domain import commands as co
from server.domain import events as ev
from server.domain.appointment import Appointment
from server.domain.day import CounterMode, Day, Status
from server.domain.fold import evolve
from server.domain.hall import decide
from server.domain.house import CounterPlan, House
from server.domain.refusal import Refused
from server.domain.schedule import Period

NEVER = 2**62
"""Microseconds UTC, later than any day: of a day that has neither closing hour nor midnight."""


class End(StrEnum):
    """What a call comes to."""

    DONE = "done"
    PARKED = "parked"
    SENT_ON = "sent-on"
    IN_VAIN = "in-vain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One call of a person: ``takes_us`` from the call until the counter is free again, for ``service``.

    ``away_us`` is after how long who was parked, or was not there, is back; None is never. Who is sent on
    goes ``to_counter`` where that one is open, else ``to_service``.
    """

    service: str
    takes_us: int
    end: End = End.DONE
    away_us: int | None = None
    to_service: str | None = None
    to_counter: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who comes. Instants in microseconds UTC; ``arrived_at`` None is an appointment that is never reported.

    ``slot_at`` is None for a walk-in. ``stages`` are the calls in their order, at least one. ``patience_us``
    is after how long, counted from the report, they leave unless they were called.
    """

    service: str
    arrived_at: int | None
    stages: tuple[Stage, ...]
    slot_at: int | None = None
    told_at: int | None = None
    announced_late: bool = False
    priority: bool = False
    then: tuple[str, ...] = ()
    patience_us: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """From ``at`` on a counter is in this mode. ``stays``: it goes only once nobody waits for it."""

    at: int
    counter: str
    mode: CounterMode = CounterMode.OPEN
    stays: bool = False


def at_once(_counter: str, _nth: int) -> int:
    """A counter that calls as soon as it is free and somebody waits."""
    return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What is given of a day. ``delay_us`` says how long a counter, free and with somebody waiting, lets pass
    before its nth call (from 0) of the day."""

    date: date
    begins_at: int
    until: int = NEVER
    ends_at: int = NEVER
    openings: tuple[Period, ...]
    people: Sequence[Person]
    duties: Sequence[Duty]
    delay_us: Callable[[str, int], int] = at_once


@dataclass(frozen=True, slots=True)
class Call:
    """The nth call (from 0) of the person at this place of the script; ``overtook`` are tickets."""

    person: int
    nth: int
    ticket: str
    counter: str
    at: int
    until: int
    rule: str
    overtook: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Played:
    """How the day went: its calls in their order, its state at the end, who found the doors shut, and for how
    long counters were on duty, all together.

    The visit of the person at a place of the script has the place as its id, as text.
    """

    calls: list[Call]
    day: Day
    turned_away: list[int]
    staffed_us: int


def play(house: House, script: Script, told: Callable[[int], None] | None = None) -> Played:
    """Let the day pass. ``told`` hears how many calls there were."""
    return _Run(house, script).through(told)


_DONE, _DUTY, _ARRIVES, _BACK, _LEAVES, _LOOK, _END = range(7)
"""What may come about at an instant, in the order in which it does."""


class _Run:
    """The day so far: its state, what is to come, who is busy with whom, and which counters are free."""

    def __init__(self, house: House, script: Script) -> None:
        self.house = house
        self.script = script
        self.state = Day()
        self.plans = list(house.counters.values())
        self.places = {plan.id: place for place, plan in enumerate(self.plans)}
        self.offers = [(*plan.services, *plan.overflow) for plan in self.plans]
        self.agenda: list[tuple[int, int, int, int]] = []
        """A heap of (instant, what, count, whom or which it is about)."""
        self.count = 0
        self.free: dict[int, int] = {}
        """Since when each free counter is so, by its place."""
        self.busy: dict[int, int] = {}
        """Whom each busy counter has."""
        self.leaving: dict[int, Duty] = {}
        """Counters that go off duty as soon as they may."""
        self.due: dict[int, int] = {}
        """When a free counter, having somebody to call, does so."""
        self.nth = Counter[int]()
        self.made = Counter[int]()
        self.waiting = Counter[str]()
        """How many wait for each service: a counter that serves none of them need not ask."""
        self.bound = Counter[str]()
        """How many wait for one counter alone."""
        self.since: dict[int, int] = {}
        """Since when a counter is on duty."""
        self.staffed_us = 0
        self.calls: list[Call] = []
        self.turned_away: list[int] = []

    def through(self, told: Callable[[int], None] | None) -> Played:
        self._open()
        while self.agenda:
            now = self.agenda[0][0]
            while self.agenda and self.agenda[0][0] == now:
                _, what, _, whom = heapq.heappop(self.agenda)
                if what == _END:
                    self._end(now)
                    return self._played(now)
                if what != _LOOK:
                    self._happens(what, whom, now)
            if self._call(now) and told is not None:
                told(len(self.calls))
        return self._played(self.state.at)

    def _end(self, now: int) -> None:
        """Who sits at a counter was served: that they sat down changes no decision, so it is said late."""
        for place, index in self.busy.items():
            if self._stage(index).end is not End.IN_VAIN:
                self._do(co.Start(counter=self.plans[place].id), now)
        self._do(co.EndDay(), now)

    def _played(self, now: int) -> Played:
        on_duty = sum(now - since for since in self.since.values())
        return Played(self.calls, self.state, self.turned_away, self.staffed_us + on_duty)

    def _open(self) -> None:
        script = self.script
        opened = ev.DayOpened(
            date=script.date.isoformat(),
            begins_at=script.begins_at,
            until=script.until,
            ends_at=script.ends_at,
            openings=script.openings,
            appointments=tuple(
                Appointment(
                    id=str(index),
                    service=person.service,
                    at=person.slot_at,
                    booked_at=script.begins_at,
                    told_at=person.told_at,
                    late_s=1 if person.announced_late else None,  # that it was said counts, not how much
                )
                for index, person in enumerate(script.people)
                if person.slot_at is not None
            ),
        )
        self._append(opened, script.begins_at)
        for index, duty in enumerate(script.duties):
            self._plan(duty.at, _DUTY, index)
        for index, person in enumerate(script.people):
            if person.arrived_at is not None:
                self._plan(person.arrived_at, _ARRIVES, index)
        if script.ends_at != NEVER:
            self._plan(script.ends_at, _END, 0)

    def _plan(self, at: int, what: int, whom: int) -> None:
        self.count += 1
        heapq.heappush(self.agenda, (at, what, self.count, whom))

    def _append(self, event: ev.Event, now: int) -> None:
        self.state = evolve(self.state, ev.Entry(self.state.seq + 1, now, event))

    def _do(self, command: co.Command, now: int) -> tuple[ev.Event, ...]:
        events = decide(self.house, self.state, command, now)
        for event in events:
            self._append(event, now)
        return events

    def _happens(self, what: int, whom: int, now: int) -> None:
        if what == _DONE:
            self._done(whom, now)
        elif what == _DUTY:
            self._duty(self.script.duties[whom], now)
        elif what == _ARRIVES:
            self._arrives(whom, now)
        elif what == _BACK:
            if self.state.visits[str(whom)].status in (Status.PARKED, Status.NOT_PRESENT):
                self._do(co.Return(visit=str(whom)), now)
                self._waits(whom, 1)
        elif (status := self.state.visits[str(whom)].status) in (Status.WAITING, Status.PARKED):
            if status is Status.WAITING:
                self._waits(whom, -1)
            self._do(co.Leave(visit=str(whom)), now)

    # --- people -------------------------------------------------------------------------------------

    def _arrives(self, index: int, now: int) -> None:
        person, visit = self.script.people[index], str(index)
        try:
            if person.slot_at is None:
                walk_in = co.WalkIn(
                    visit=visit, service=person.service, then=person.then, priority=person.priority
                )
                self._do(walk_in, now)
            else:
                known = self.state.appointments[visit]
                self._do(co.Report(visit=visit, known=known, priority=person.priority), now)
        except Refused:
            self.turned_away.append(index)
            return
        self._waits(index, 1)
        if person.patience_us is not None:
            self._plan(now + person.patience_us, _LEAVES, index)

    def _waits(self, index: int, more: int) -> None:
        visit = self.state.visits[str(index)]
        if visit.to_counter is None:
            self.waiting[visit.service] += more
        else:
            self.bound[visit.to_counter] += more

    def _stage(self, index: int) -> Stage:
        """Where the day goes another way than it did, a person may be called more often than is known of."""
        stages, nth = self.script.people[index].stages, self.nth[index]
        if nth < len(stages):
            return stages[nth]
        return Stage(service=stages[-1].service, takes_us=stages[-1].takes_us)

    # --- counters -----------------------------------------------------------------------------------

    def _duty(self, duty: Duty, now: int) -> None:
        place = self.places[duty.counter]
        if duty.mode is CounterMode.OPEN:
            self.leaving.pop(place, None)
            self.since.setdefault(place, now)
            self._do(co.OpenCounter(counter=duty.counter), now)
            if place not in self.busy:
                self.free.setdefault(place, now)
        elif place in self.busy or (duty.stays and self._has_work(place)):
            if not duty.stays and place not in self.leaving:
                self._do(co.PauseCounter(counter=duty.counter), now)
            self.leaving[place] = duty
        else:
            self._goes(place, duty, now)

    def _goes(self, place: int, duty: Duty, now: int) -> None:
        self.leaving.pop(place, None)
        self.staffed_us += now - self.since.pop(place, now)
        self.free.pop(place, None)
        self.due.pop(place, None)
        if duty.mode is CounterMode.CLOSED:
            self._do(co.CloseCounter(counter=duty.counter), now)
            self._release(duty.counter)
        elif self.state.counter(duty.counter).mode is CounterMode.OPEN:
            self._do(co.PauseCounter(counter=duty.counter), now)

    def _release(self, counter: str) -> None:
        """Who waited for a closed counter alone may go to any."""
        if self.bound.pop(counter, 0):
            self.waiting = Counter(v.service for v in self.state.waiting() if v.to_counter is None)

    def _done(self, place: int, now: int) -> None:
        counter, index = self.plans[place].id, self.busy.pop(place)
        stage, visit = self._stage(index), str(index)
        self.nth[index] += 1
        if stage.end is End.DONE:
            self._do(co.Finish(counter=counter), now)
        elif stage.end is End.SENT_ON:
            self._do(self._transfer(counter, stage), now)
        elif stage.end is End.PARKED:
            self._do(co.Park(counter=counter), now)
        else:
            while self.state.visits[visit].recalls < self.house.recalls_before_no_show:
                self._do(co.Recall(counter=counter), now)
            self._do(co.NoShow(counter=counter), now)
        if self.state.visits[visit].status is Status.WAITING:
            self._waits(index, 1)
        elif stage.end in (End.PARKED, End.IN_VAIN) and stage.away_us is not None:
            self._plan(now + stage.away_us, _BACK, index)
        leaving = self.leaving.get(place)
        if leaving is None or leaving.stays:
            self.free[place] = now
        else:
            self._goes(place, leaving, now)

    def _transfer(self, counter: str, stage: Stage) -> co.Transfer:
        to = stage.to_counter or ""
        there = to in self.places and self.state.counter(to).mode is not CounterMode.CLOSED
        if there and to != counter:
            return co.Transfer(counter=counter, to_counter=to)
        return co.Transfer(counter=counter, to_service=stage.to_service or stage.service)

    def _call(self, now: int) -> bool:
        """Let the free counters call; whether any did."""
        called = False
        for place, _since in sorted(self.free.items(), key=lambda item: (item[1], item[0])):
            if not self._has_work(place):
                continue
            if place not in self.due:
                plan = self.plans[place]
                self.due[place] = now + self.script.delay_us(plan.id, self.made[place])
                if self.due[place] > now:
                    self._plan(self.due[place], _LOOK, place)
            if self.due[place] <= now:
                called |= self._next(place, self.plans[place], now)
        for place in [place for place in self.due if not self._has_work(place)]:
            del self.due[place]  # somebody else took them
        for place in [place for place in self.leaving if place in self.free and not self._has_work(place)]:
            self._goes(place, self.leaving[place], now)
        return called

    def _next(self, place: int, plan: CounterPlan, now: int) -> bool:
        events = self._do(co.CallNext(counter=plan.id), now)
        if not events:
            return False
        (event,) = events
        assert isinstance(event, ev.Called)
        index = int(event.visit)
        stage = self._stage(index)
        self._waits(index, -1)
        del self.free[place], self.due[place]
        self.busy[place] = index
        self.made[place] += 1
        until = now + stage.takes_us
        self._plan(until, _DONE, place)
        self.calls.append(
            Call(
                index,
                self.nth[index],
                self.state.visits[event.visit].ticket,
                plan.id,
                now,
                until,
                event.rule,
                event.overtook,
            )
        )
        return True

    def _has_work(self, place: int) -> bool:
        waiting = self.waiting
        return any(waiting[service] for service in self.offers[place]) or bool(
            self.bound and self.bound[self.plans[place].id]
        )
