"""A day as the journal has it: who came, how long each call took, which counters were on duty.

What was undone is left out before anything else is read, so that nobody was called who was not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import sqlalchemy as sa

from server import journal
from server.domain import events as ev
from server.domain.appointment import Booking
from server.domain.calling import may_help, may_serve
from server.domain.day import CounterMode, Day, Status
from server.domain.fold import evolve
from server.domain.house import House
from server.domain.schedule import Calendar, Period, takes_tickets
from server.replay.hall import Duty, End, Person, Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What the journal tells of an ended day. ``people``: in the order of their reports, then who never did.

    ``waits_us`` are the waits as they were, by the same order, None for who never reported; ``statuses``
    how each ended. ``delays_us`` has for each counter what it let pass before each of its calls.
    ``staffed_us`` is for how long counters were on duty, all together.
    """

    date: date
    openings: tuple[Period, ...]
    ends_at: int
    people: tuple[Person, ...]
    duties: tuple[Duty, ...]
    delays_us: dict[str, tuple[int, ...]]
    waits_us: tuple[int | None, ...]
    statuses: tuple[Status | None, ...]
    staffed_us: int


def entries(connection: sa.Connection, site: str, calendar: Calendar, day: date) -> list[ev.Entry]:
    """The journal of a local day from its opening to its end; empty where it has not ended or never was."""
    begins, until = calendar.midnight_before(day), calendar.midnight_after(day)
    found: list[ev.Entry] = []
    for entry in journal.read(connection, site, _last_before(connection, site, begins)):
        if isinstance(entry.event, ev.DayOpened):
            if found or entry.at >= until:
                break
            if entry.event.date == day.isoformat():
                found = [entry]
        elif found:
            found.append(entry)
            if isinstance(entry.event, ev.DayEnded):
                return found
    return []


def _last_before(connection: sa.Connection, site: str, instant: int) -> int:
    """The newest seq that is older than an instant: seqs have no gaps and ``at`` never steps back."""
    low, high = 0, journal.head(connection, site)
    while low < high:
        middle = (low + high + 1) // 2
        (at,) = connection.exec_driver_sql(
            "SELECT at FROM journal WHERE site = ? AND seq = ?", (site, middle)
        ).one()
        low, high = (middle, high) if at < instant else (low, middle - 1)
    return low


def done(entries: Iterable[ev.Entry]) -> Iterator[ev.Entry]:
    """The entries without those that a counter took back, and without the taking back, numbered anew."""
    kept: dict[int, ev.Entry] = {}
    last: dict[str, int] = {}
    for entry in entries:
        if isinstance(entry.event, ev.Undone):
            del kept[last.pop(entry.event.counter)]
            continue
        kept[entry.seq] = entry
        if isinstance(entry.event, ev.CounterEvent):
            last[entry.event.counter] = entry.seq
    for seq, entry in enumerate(kept.values(), 1):
        yield replace(entry, seq=seq)


def read(house: House, day: date, found: Sequence[ev.Entry]) -> Recorded:
    """The day that these entries tell of."""
    opened = found[0].event
    assert isinstance(opened, ev.DayOpened)
    watch = _Watch(house, opened.openings)
    for entry in done(found):
        watch.see(entry)
    state = watch.state
    people, waits, statuses = [], list[int | None](), list[Status | None]()
    for visit in state.visits.values():
        if visit.service not in house.services or watch.came_for[visit.id] not in house.services:
            continue  # a service that is no longer configured has no rules to be served by
        left = visit.status is Status.LEFT and visit.first_called_at is None
        people.append(
            Person(
                service=watch.came_for[visit.id],
                arrived_at=visit.reported_at,
                slot_at=visit.slot_at,
                told_at=visit.told_at,
                announced_late=visit.announced_late,
                priority=visit.priority,
                then=tuple(name for name in watch.then[visit.id] if name in house.services),
                stages=tuple(watch.stages[visit.id]),
                patience_us=(visit.ended_at or 0) - visit.reported_at if left else None,
            )
        )
        until = visit.first_called_at if visit.first_called_at is not None else visit.ended_at
        waits.append(None if until is None else max(0, until - visit.wait_from))
        statuses.append(visit.status)
    for known in state.appointments.values():
        if known.state is Booking.NEVER and known.service in house.services:
            people.append(Person(service=known.service, arrived_at=None, slot_at=known.at, stages=()))
            waits.append(None)
            statuses.append(None)
    return Recorded(
        date=day,
        openings=opened.openings,
        ends_at=opened.ends_at,
        people=tuple(people),
        duties=tuple(duty for duty in watch.duties if duty.counter in house.counters),
        delays_us={name: tuple(delays) for name, delays in watch.delays.items()},
        waits_us=tuple(waits),
        statuses=tuple(statuses),
        staffed_us=_staffed(watch.duties, found[-1].at),
    )


def _staffed(duties: Iterable[Duty], ended_at: int) -> int:
    since: dict[str, int] = {}
    total = 0
    for duty in duties:
        if duty.mode is CounterMode.OPEN:
            since.setdefault(duty.counter, duty.at)
        else:
            total += duty.at - since.pop(duty.counter, duty.at)
    return total + sum(ended_at - at for at in since.values())


@dataclass(slots=True)
class _Called:
    """A call that is going on: since when, for which service."""

    at: int
    service: str


@dataclass(slots=True)
class _Watch:
    """Reads a day's entries in their order."""

    house: House
    openings: tuple[Period, ...]
    state: Day = field(default_factory=Day)
    stages: dict[str, list[Stage]] = field(default_factory=lambda: defaultdict(list))
    came_for: dict[str, str] = field(default_factory=dict)
    then: dict[str, tuple[str, ...]] = field(default_factory=dict)
    duties: list[Duty] = field(default_factory=list)
    delays: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    ready: dict[str, int] = field(default_factory=dict)
    """Since when a counter was free and had somebody to call."""
    calls: dict[str, _Called] = field(default_factory=dict)
    gone: dict[str, int] = field(default_factory=dict)
    """When somebody was parked or not there, until they are back."""

    def see(self, entry: ev.Entry) -> None:
        event, now = entry.event, entry.at
        if isinstance(event, ev.Called):
            self.delays[event.counter].append(now - self.ready.pop(event.counter, now))
            self.calls[event.counter] = _Called(now, self.state.visits[event.visit].service)
        elif isinstance(event, ev.VisitReported):
            self.came_for[event.visit], self.then[event.visit] = event.service, event.then
        elif isinstance(event, ev.VisitReturned):
            stages, since = self.stages[event.visit], self.gone.pop(event.visit, now)
            if stages:
                stages[-1] = replace(stages[-1], away_us=now - since)
        elif isinstance(event, ev.ServiceFinished | ev.Parked | ev.NotPresent | ev.Transferred):
            self._ends(event, now)
        elif isinstance(event, ev.CounterOpened):
            self.duties.append(Duty(at=now, counter=event.counter))
        elif isinstance(event, ev.CounterPaused | ev.CounterClosed):
            mode = CounterMode.PAUSED if isinstance(event, ev.CounterPaused) else CounterMode.CLOSED
            self.duties.append(Duty(at=now, counter=event.counter, mode=mode, stays=self._after_hours(now)))
        elif isinstance(event, ev.DayEnded):
            for counter in list(self.calls):
                self._ends(ev.ServiceFinished(counter=counter, visit=self._at(counter)), now)
        self.state = evolve(self.state, entry)
        self._note_ready(now)

    def _at(self, counter: str) -> str:
        return self.state.counter(counter).visit or ""

    def _ends(self, event: ev.ServiceFinished | ev.Parked | ev.NotPresent | ev.Transferred, now: int) -> None:
        call = self.calls.pop(event.counter)
        stage = Stage(service=call.service, takes_us=now - call.at)
        if isinstance(event, ev.Parked):
            stage = replace(stage, end=End.PARKED)
        elif isinstance(event, ev.NotPresent):
            stage = replace(stage, end=End.IN_VAIN)
        elif isinstance(event, ev.Transferred):
            stage = replace(stage, end=End.SENT_ON, to_service=event.to_service, to_counter=event.to_counter)
        if stage.end in (End.PARKED, End.IN_VAIN):
            self.gone[event.visit] = now
        self.stages[event.visit].append(stage)

    def _after_hours(self, now: int) -> bool:
        """Whether no more tickets are drawn: who is on duty then stays until all are served."""
        calendar = self.house.calendar
        starts, stops = calendar.tickets_start_s, calendar.tickets_stop_s
        begun = bool(self.openings) and now >= self.openings[0][0]
        return begun and not takes_tickets(self.openings, now, start_s=starts, stop_s=stops)

    def _note_ready(self, now: int) -> None:
        waiting = self.state.waiting()
        for counter in self.state.counters.values():
            plan = self.house.counters.get(counter.id)
            if plan is None:
                continue
            free = counter.mode is CounterMode.OPEN and counter.visit is None
            if free and any(
                may_serve(plan, counter, visit) or may_help(self.house, plan, counter, visit)
                for visit in waiting
            ):
                self.ready.setdefault(counter.id, now)
            else:
                self.ready.pop(counter.id, None)
