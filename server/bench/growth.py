"""What a command costs with a year in the journal, over what it costs with a day.

Two servers stand side by side, both in the same morning; one has a year behind it. They are given the
same commands in turns, and their processes' CPU time is compared pair by pair.
"""

from __future__ import annotations

import statistics
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from server import journal, ledger, schema, settings
from server.bench.machine import Progress
from server.bench.subject import HOUSE_TIME, SITE, Subject, house_file
from server.database import Database
from server.domain import commands as co
from server.domain import events as ev
from server.domain.appointment import Appointment
from server.domain.day import Day
from server.domain.hall import decide
from server.domain.house import House
from server.domain.schedule import SECOND, to_instant

AIM = 1.2
VISITS_A_DAY = 350
COUNTERS_USED = 14
PAIRS = 9
ROUNDS = 100
"""Rounds of four commands in each half of a pair: about a second of CPU, against ticks of 10 ms."""

DAYS_A_TRANSACTION = 10


class Year:
    """Days of a house's past, decided by the domain and written through journal and ledger."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._day = Day()
        self._people = 0
        self._booked: tuple[Appointment, ...] = ()
        self._entries: list[ev.Entry] = []
        self._rows = ledger.Ledger(SITE, {})

    def write_day(self, connection: sa.Connection, date: datetime, visits: int) -> int:
        """One whole day, appointments for the next booked in its evening; how many entries it has."""
        self._entries, self._rows = [], ledger.Ledger(SITE, {known.id: known for known in self._booked})
        opening = to_instant(date.replace(hour=8))
        self._do(co.OpenDay(appointments=self._booked), opening - 600 * SECOND)
        for number in range(1, COUNTERS_USED + 1):
            self._do(co.OpenCounter(counter=str(number)), opening)
        step = 11 * 3600 * SECOND // visits
        due = iter(self._booked)
        for number in range(visits):
            now = opening + number * step
            self._people += 1
            known = next(due, None) if number % 3 else None
            if known is None:
                self._do(co.WalkIn(visit=f"v{self._people}", service="desk"), now)
            else:
                self._do(co.Report(known=known, visit=f"v{self._people}"), now)
            counter = str(number % COUNTERS_USED + 1)
            if self._day.counter(counter).visit is not None:
                self._do(co.Finish(counter=counter), now)
            self._do(co.CallNext(counter=counter), now)
            self._do(co.Start(counter=counter), now + 30 * SECOND)
        self._book(date + timedelta(days=1), visits, opening + 11 * 3600 * SECOND + 3600 * SECOND)
        self._do(co.EndDay(), opening + 14 * 3600 * SECOND)
        journal.append(connection, SITE, self._entries)
        self._rows.write(connection)
        return len(self._entries)

    def _book(self, date: datetime, visits: int, now: int) -> None:
        """Two in three come by appointment."""
        count = visits * 2 // 3
        opening = to_instant(date.replace(hour=8))
        booked = []
        for number in range(count):
            at = opening + number * (11 * 3600 * SECOND // count)
            name = f"a{self._people}-{number}"
            happened = self._do(co.Book(appointment=name, service="desk", at=at, known=None), now)
            booked += [event.appointment for event in happened if isinstance(event, ev.AppointmentBooked)]
        self._booked = tuple(booked)

    def _do(self, command: co.Command, now: int) -> tuple[ev.Event, ...]:
        now = max(now, self._day.at)
        happened = decide(self._house, self._day, command, now)
        for event in happened:
            entry = ev.Entry(self._day.seq + 1, now, event)
            self._day = self._rows.apply(self._day, entry)
            self._entries.append(entry)
        return happened


def write_past(url: str, house: House, visits: int, progress: Progress) -> int:
    """Fill an empty database with days of people up to yesterday; how many entries that makes."""
    database = Database(url)
    days = max(1, visits // VISITS_A_DAY)
    today = datetime.fromisoformat(HOUSE_TIME).replace(hour=0, minute=0, tzinfo=house.calendar.zone)
    shares = [visits // days + (number < visits % days) for number in range(days)]
    year, entries = Year(house), 0
    try:
        database.write_now(schema.migrate)
        for begin in range(0, days, DAYS_A_TRANSACTION):

            def some_days(connection: sa.Connection, begin: int = begin) -> int:
                return sum(
                    year.write_day(connection, today - timedelta(days=days - number), shares[number])
                    for number in range(begin, min(days, begin + DAYS_A_TRANSACTION))
                )

            entries += database.write_now(some_days)
            progress(f"writing a year: day {min(days, begin + DAYS_A_TRANSACTION)} of {days}")
    finally:
        database.close()
    return entries


def measure(folder: Path, visits: int, progress: Progress) -> dict[str, Any]:
    """CPU of one command in milliseconds with a year and with a day, and the ratio: median and spread."""
    long, short = Subject(folder / "year"), Subject(folder / "day")
    house = settings.load(house_file(long.folder))[SITE]
    entries = write_past(long.url, house, visits, progress)
    day_entries = write_past(short.url, house, VISITS_A_DAY, progress)
    pairs = []
    with long, short:
        runs = {id(subject): _Run(subject) for subject in (long, short)}
        for subject in (long, short):
            runs[id(subject)].half()  # imports, caches and the first pages are not what is compared
        for number in range(PAIRS):
            order = (long, short) if number % 2 else (short, long)
            cost = {id(subject): runs[id(subject)].half() for subject in order}
            pairs.append((cost[id(long)], cost[id(short)]))
            progress(f"pair {number + 1} of {PAIRS}")
    ratios = sorted(of_long / of_short for of_long, of_short in pairs)
    return {
        "visits": visits,
        "entries": entries,
        "day_entries": day_entries,
        "commands_each": 4 * ROUNDS * PAIRS,
        "year_ms": round(statistics.median(of_long for of_long, _ in pairs), 3),
        "day_ms": round(statistics.median(of_short for _, of_short in pairs), 3),
        "ratio": round(statistics.median(ratios), 3),
        "ratios": [round(ratio, 3) for ratio in ratios],
        "aim": AIM,
        "met": statistics.median(ratios) <= AIM,
    }


class _Run:
    """The same commands again and again at one server: draw, call, start, finish."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._kiosk, self._counter = subject.client("kiosk"), subject.client("counter")
        self._counter.post("/counters/1/open")

    def half(self) -> float:
        """CPU of one command, user and system, in milliseconds."""
        before = self._subject.cpu_s()
        for _ in range(ROUNDS):
            self._kiosk.post("/visits", {"service": "desk"})
            for step in ("next", "start", "finish"):
                self._counter.post(f"/counters/1/{step}")
        return (self._subject.cpu_s() - before) * 1000 / (4 * ROUNDS)
