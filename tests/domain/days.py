"""Houses and days for the tests: one plain description, read by the model and by the server alike."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import msgspec
from domain.telling import Desk, Hall, Work

from server.domain import commands as co
from server.domain import events as ev
from server.domain.appointment import Appointment
from server.domain.calling import queue
from server.domain.day import Day
from server.domain.fold import evolve
from server.domain.hall import decide
from server.domain.house import CounterPlan, House, Kind, Service
from server.domain.refusal import Refused
from server.domain.schedule import Calendar

S = 1_000_000
MINUTE = 60 * S
BRUSSELS = ZoneInfo("Europe/Brussels")

WEEK = (
    ((time(8), time(13)),),
    ((time(8), time(13)),),
    ((time(12), time(16)),),
    ((time(8), time(13)), (time(14, 30), time(19))),
    ((time(8), time(13)),),
    ((time(9), time(12)),),
    (),
)
"""The Mechelen hours, Monday first."""

THURSDAY = date(2026, 11, 26)


def utc(text: str) -> int:
    """The instant of ``2026-11-26 07:00`` in UTC: worked out by hand in the tests, not by the server."""
    moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return int(moment.timestamp()) * S


THURSDAY_HALL = Hall(
    works={
        "onthaal": Work("A", appointments=False),
        "snel": Work("A", express=True, waiting_limit=600),
        "burger": Work("B"),
        "wonen": Work("B", walk_ins=False, grace=600, late_limit=1800),
        "fjc": Work("Z", discreet=True),
    },
    desks={
        "1": Desk(("onthaal", "snel")),
        "2": Desk(("burger",), helps=("snel",)),
        "3": Desk(("burger", "wonen", "fjc"), helps=("snel", "onthaal")),
    },
    begins=utc("2026-11-25 23:00"),
    until=utc("2026-11-26 23:00"),
    ends=utc("2026-11-26 19:00"),
    openings=(
        (utc("2026-11-26 07:00"), utc("2026-11-26 12:00")),
        (utc("2026-11-26 13:30"), utc("2026-11-26 18:00")),
    ),
)
"""Thursday 26 November 2026 in Mechelen (UTC+1), with its two openings."""


def house_of(hall: Hall, weekly: tuple[tuple[tuple[time, time], ...], ...] = WEEK) -> House:
    """The server's house for a model's hall."""
    services = {
        name: Service(
            id=name,
            name=name,
            kind=Kind.EXPRESS if work.express else Kind.THEME,
            range=work.range,
            target_s=240,
            walk_ins=work.walk_ins,
            appointments=work.appointments,
            grace_s=work.grace,
            late_limit_s=work.late_limit,
            waiting_limit_s=work.waiting_limit,
            discreet=work.discreet,
        )
        for name, work in hall.works.items()
    }
    counters = {
        name: CounterPlan(id=name, services=frozenset(desk.offers), overflow=frozenset(desk.helps))
        for name, desk in hall.desks.items()
    }
    return House(
        site="mechelen",
        name="Huis van de Mechelaar",
        calendar=Calendar(zone=BRUSSELS, weekly=weekly, tickets_start_s=hall.start, tickets_stop_s=hall.stop),
        services=services,
        counters=counters,
        overdue_every=hall.k,
        recalls_before_no_show=hall.recalls,
        undo_s=hall.undo,
    )


class Played:
    """A day of the server, driven by commands as the shell drives it: stamp, evolve, keep the journal."""

    def __init__(self, house: House, now: int, appointments: tuple[Appointment, ...] = ()) -> None:
        self.house = house
        self.day = Day()
        self.journal: list[ev.Entry] = []
        self.now = now
        self.visits = 0
        self.do(co.OpenDay(appointments=appointments))

    def at(self, now: int) -> Played:
        """Go on to this instant."""
        self.now = now
        return self

    def do(self, command: co.Command) -> tuple[ev.Event, ...]:
        """What the command leads to; raises ``Refused``."""
        happened = decide(self.house, self.day, command, self.now)
        for event in happened:
            entry = ev.Entry(self.day.seq + 1, max(self.now, self.day.at), event)
            self.journal.append(entry)
            self.day = evolve(self.day, entry)
        return happened

    def refusal(self, command: co.Command) -> str:
        """The code of the refusal that the command must meet."""
        try:
            self.do(command)
        except Refused as refused:
            return refused.code.value
        raise AssertionError(f"not refused: {command}")

    def walk_in(self, service: str, **more: object) -> str:
        """A walk-in's ticket."""
        self.visits += 1
        visit = f"v{self.visits}"
        self.do(co.WalkIn(visit=visit, service=service, **more))  # type: ignore[arg-type]
        return self.day.visits[visit].ticket

    def report(self, ref: str) -> str:
        """The ticket of an appointment whose citizen is here."""
        self.visits += 1
        self.do(co.Report(known=self.day.appointments[ref], visit=f"v{self.visits}"))
        return self.day.visits[self.day.appointments[ref].visit or ""].ticket

    def call(self, counter: str, ticket: str | None = None) -> ev.Called | None:
        """Call a ticket, or who is next; None where nobody waits."""
        command = (
            co.CallNext(counter=counter) if ticket is None else co.CallTicket(counter=counter, ticket=ticket)
        )
        happened = self.do(command)
        if not happened:
            return None
        assert isinstance(happened[0], ev.Called)
        return happened[0]

    def next(self, counter: str) -> tuple[str, str] | None:
        """(ticket, rule) of who is called next."""
        called = self.call(counter)
        return None if called is None else (self.day.visits[called.visit].ticket, called.rule)

    def finish(self, counter: str) -> None:
        self.do(co.Finish(counter=counter))

    def order(self, counter: str) -> list[tuple[str, str]]:
        """(ticket, rule) of all whom the counter may call, who is next first."""
        places = queue(self.house, self.day, counter, self.now)
        return [(place.visit.ticket, place.rule.value) for place in places]

    def status(self, ticket: str) -> str:
        visit = self.day.find(ticket)
        assert visit is not None
        return visit.status.value

    def retold(self) -> Day:
        """The day folded from nothing, out of a journal that went through JSON."""
        day = Day()
        for entry in self.journal:
            text = msgspec.json.encode(entry.event)
            event = msgspec.json.decode(text, type=ev.KINDS[entry.kind])
            day = evolve(day, replace(entry, event=event))
        return day


def appointment(ref: str, service: str, at: int, **more: object) -> Appointment:
    """A booked slot."""
    return Appointment(id=ref, service=service, at=at, booked_at=0, **more)  # type: ignore[arg-type]
