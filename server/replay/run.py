"""A recorded day again, in virtual time, through the same decisions as a live one.

No calendar applies: the house is open from the first arrival, with all its counters, until the
last person is served. At each instant first whoever is done leaves, then whoever arrives reports
(in the order of the trace), then the counters that are free call whoever is next, the one that is
free for longest first, then in the order of the configuration. A called person sits down at once.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from server.domain import commands as co
from server.domain import events as ev
from server.domain.appointment import Appointment
from server.domain.day import Day
from server.domain.fold import evolve
from server.domain.hall import decide
from server.domain.house import CounterPlan, House
from server.replay.trace import Row

_NEVER = 2**62
"""Microseconds UTC, later than any trace: a replayed day has neither closing hour nor midnight."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """One row of the trace as the replay served it. ``overtook`` are tickets of the same day.

    ``waited_us`` begins at the later of slot and arrival; who is called before it waited 0.
    """

    row: Row
    day: date
    ticket: str
    counter: str
    called_at: int
    ended_at: int
    rule: str
    overtook: tuple[str, ...]

    @property
    def waited_us(self) -> int:
        row = self.row
        begin = row.arrived_at if row.appointment_at is None else max(row.arrived_at, row.appointment_at)
        return max(0, self.called_at - begin)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Everyone served, in the order of their calls; ``staffed_us`` is for each counter, all days together.

    A day's staffed time runs from its first arrival until its last person is served.
    """

    served: tuple[Served, ...]
    staffed_us: int
    days: int


def replay(house: House, rows: Iterable[Row], progress: Callable[[int], None] | None = None) -> Result:
    """Serve all rows; each local day of the house starts anew. ``progress`` is told how many are served.

    The rows must be of services of this house, as ``server.replay.trace`` checks.
    """
    ordered = sorted(rows, key=lambda row: row.arrived_at)
    served: list[Served] = []
    staffed_us = days = 0
    for day, group in groupby(ordered, key=lambda row: house.calendar.local_date(row.arrived_at)):
        todays = list(group)
        done_before = len(served)

        def told(done: int, before: int = done_before) -> None:
            if progress is not None:
                progress(before + done)

        run = _Run(house, day, todays)
        served += run.through(told)
        staffed_us += max(entry.ended_at for entry in served[done_before:]) - todays[0].arrived_at
        days += 1
    return Result(served=tuple(served), staffed_us=staffed_us, days=days)


class _Run:
    """One day: its state, who arrives, who is busy until when, and which counters are free."""

    def __init__(self, house: House, day: date, rows: list[Row]) -> None:
        self.house = house
        self.date = day
        self.rows = rows
        self.begin = rows[0].arrived_at
        self.state = Day()
        self.busy: list[tuple[int, int]] = []
        """A heap of (until, counter's place in the configuration)."""
        self.plans = list(house.counters.values())
        self.free = [(self.begin, place) for place in range(len(self.plans))]
        """(since, counter's place), so that sorting gives the order of calling."""
        self.waiting: Counter[str] = Counter()
        """How many wait for each service: a counter that serves none of them need not ask."""

    def through(self, told: Callable[[int], None]) -> list[Served]:
        self._open()
        served: list[Served] = []
        arriving = 0
        while self.busy or arriving < len(self.rows):
            moments = [until for until, _ in self.busy[:1]]
            moments += [row.arrived_at for row in self.rows[arriving : arriving + 1]]
            now = min(moments)
            while self.busy and self.busy[0][0] == now:
                _, place = heapq.heappop(self.busy)
                self._do(co.Finish(counter=self.plans[place].id), now)
                self.free.append((now, place))
            while arriving < len(self.rows) and self.rows[arriving].arrived_at == now:
                self._report(arriving, now)
                arriving += 1
            called = self._call(now)
            served += called
            if called:
                told(len(served))
        return served

    def _open(self) -> None:
        opened = ev.DayOpened(
            date=self.date.isoformat(),
            begins_at=self.house.calendar.midnight_before(self.date),
            until=_NEVER,
            ends_at=_NEVER,
            openings=((self.begin, _NEVER),),
            appointments=tuple(
                Appointment(id=str(index), service=row.service, at=row.appointment_at, booked_at=self.begin)
                for index, row in enumerate(self.rows)
                if row.appointment_at is not None
            ),
        )
        self._append(opened, self.begin)
        for plan in self.plans:
            self._do(co.OpenCounter(counter=plan.id), self.begin)

    def _append(self, event: ev.Event, now: int) -> None:
        self.state = evolve(self.state, ev.Entry(self.state.seq + 1, now, event))

    def _do(self, command: co.Command, now: int) -> tuple[ev.Event, ...]:
        events = decide(self.house, self.state, command, now)
        for event in events:
            self._append(event, now)
        return events

    def _report(self, index: int, now: int) -> None:
        row, visit = self.rows[index], str(index)
        if row.appointment_at is None:
            self._do(co.WalkIn(visit=visit, service=row.service), now)
        else:
            self._do(co.Report(visit=visit, known=self.state.appointments[visit]), now)
        self.waiting[row.service] += 1

    def _call(self, now: int) -> list[Served]:
        served = []
        for free in sorted(self.free):
            plan = self.plans[free[1]]
            if not self._has_work(plan):
                continue
            (called,) = self._do(co.CallNext(counter=plan.id), now)
            assert isinstance(called, ev.Called)
            self._do(co.Start(counter=plan.id), now)
            row = self.rows[int(called.visit)]
            self.waiting[row.service] -= 1
            self.free.remove(free)
            until = now + row.service_us
            heapq.heappush(self.busy, (until, free[1]))
            served.append(
                Served(
                    row=row,
                    day=self.date,
                    ticket=self.state.visits[called.visit].ticket,
                    counter=plan.id,
                    called_at=now,
                    ended_at=until,
                    rule=called.rule,
                    overtook=called.overtook,
                )
            )
        return served

    def _has_work(self, plan: CounterPlan) -> bool:
        return any(self.waiting[service] for service in plan.services | plan.overflow)
