"""Days of random commands, decided by the domain alone: something to store, fold and rebuild.

These are input for tests of storage; whether the decisions are right is judged in ``tests/domain``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import time
from random import Random
from zoneinfo import ZoneInfo

from server.domain import commands as co
from server.domain import events as ev
from server.domain.appointment import Appointment, Booking
from server.domain.day import Day
from server.domain.fold import amend, evolve, subject
from server.domain.hall import decide
from server.domain.house import CounterPlan, House, Kind, Service
from server.domain.refusal import Refused
from server.domain.schedule import Calendar

HOUR = 3_600_000_000
BEGIN = 1_795_388_400_000_000
"""Midnight of Monday 23 November 2026 in Brussels."""

HOUSE = House(
    site="one",
    name="One",
    calendar=Calendar(zone=ZoneInfo("Europe/Brussels"), weekly=(((time(8), time(18)),),) * 7),
    services={
        name: Service(id=name, name=name, kind=Kind.THEME, range=letter, target_s=300)
        for name, letter in (("first", "A"), ("second", "B"))
    },
    counters={
        name: CounterPlan(id=name, services=frozenset({"first", "second"})) for name in ("1", "2", "3")
    },
)


@dataclass
class Driven:
    """The entries of the days, the day that they lead to, and every appointment as it is now."""

    entries: list[ev.Entry] = field(default_factory=list)
    day: Day = field(default_factory=Day)
    appointments: dict[str, Appointment] = field(default_factory=dict)

    @property
    def booked(self) -> list[Appointment]:
        return list(self.appointments.values())

    def do(self, command: co.Command, now: int) -> None:
        try:
            events = decide(HOUSE, self.day, command, now)
        except Refused:
            return
        for event in events:
            entry = ev.Entry(self.day.seq + 1, now, event)
            self.entries.append(entry)
            self.day = evolve(self.day, entry)
            if isinstance(event, ev.AppointmentEvent):
                key = subject(event)
                self.appointments[key] = amend(self.appointments.get(key), event, now)
            self.appointments |= self.day.appointments


def random_days(seed: int, days: int, commands: int = 400) -> Driven:
    """Whole days, the last one left running."""
    random = Random(seed)
    driven = Driven()
    for day in range(days):
        begin = BEGIN + day * 24 * HOUR
        until = begin + 24 * HOUR
        today = tuple(
            known
            for known in sorted(driven.booked, key=lambda known: (known.at, known.id))
            if begin <= known.at < until and known.state in (Booking.BOOKED, Booking.CONFIRMED)
        )
        driven.do(co.OpenDay(appointments=today), begin + 7 * HOUR)
        moments = sorted(random.randrange(begin + 7 * HOUR, begin + 18 * HOUR) for _ in range(commands))
        for number, now in enumerate(moments):
            driven.do(_command(random, driven, f"{day}-{number}", now), now)
        if day < days - 1:
            driven.do(co.EndDay(), begin + 19 * HOUR)
    return driven


def _command(random: Random, driven: Driven, fresh: str, now: int) -> co.Command:
    counter = random.choice("123")
    visit = random.choice(list(driven.day.visits) or ["none"])
    known = random.choice(driven.booked) if driven.booked else None
    service = random.choice(["first", "second"])
    at = now + random.randrange(-HOUR, 40 * HOUR)
    commands: list[co.Command] = [
        *[co.WalkIn(visit=f"v{fresh}", service=service, then=("second",) * random.randrange(2))] * 3,
        *[co.OpenCounter(counter=counter, staff="ann")] * 2,
        *[co.CallNext(counter=counter)] * 6,
        *[co.Start(counter=counter)] * 3,
        *[co.Finish(counter=counter)] * 3,
        *[co.Recall(counter=counter)] * 2,
        *[co.NoShow(counter=counter)] * 2,
        *[co.Undo(counter=counter)] * 2,
        co.PauseCounter(counter=counter),
        co.CloseCounter(counter=counter),
        co.Park(counter=counter),
        co.Transfer(counter=counter, to_service="second"),
        co.Prioritise(visit=visit, priority=random.random() < 0.5),
        co.Bind(visit=visit, staff=random.choice([None, "ann"])),
        co.Return(visit=visit),
        co.Leave(visit=visit),
        *[co.Book(appointment=f"a{fresh}", service=service, at=at, known=None)] * 3,
    ]
    if known is not None:
        commands += [
            *[co.Report(known=known, visit=f"r{fresh}")] * 3,
            co.Book(appointment=known.id, service=service, at=at, persons=2, known=known),
            co.Confirm(known=known),
            co.AnnounceLate(known=known, late_s=600),
            co.Delay(known=known, to=known.at + HOUR // 2),
            co.AskCallBack(known=known),
            co.NoteCalledBack(known=known),
            co.Cancel(known=known, by="citizen"),
            co.NoteCame(known=known),
        ]
    return random.choice(commands)
