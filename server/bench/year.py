"""A made year of the Mechelen house: visits, appointments and digests, written as rows without a journal.

Only for measuring: the times are drawn, nobody decides who is next. The same seed gives the same year.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random
from typing import Any

import sqlalchemy as sa

from server import database as db
from server.domain.day import CounterMode, Status
from server.domain.house import House
from server.domain.schedule import SECOND
from server.figures import digests
from server.figures.packing import pack
from server.figures.stints import End, Facts, Passage, Shift, Stint

APPOINTMENTS = 77_176 / 108_277
"""How many of the visits of 2018 were by appointment, if every appointment were one."""

NEVER_REPORTED = 0.07


def open_days(house: House, last: date, count: int) -> list[date]:
    """So many days on which the house was open, up to the day before ``last``."""
    found: list[date] = []
    day = last
    while len(found) < count:
        day -= timedelta(days=1)
        if house.calendar.openings(day):
            found.append(day)
    return found[::-1]


class Maker:
    """Makes days for a house and writes them."""

    def __init__(self, house: House, seed: int = 1) -> None:
        self._house = house
        self._random = Random(seed)
        self._walk_in = [each.id for each in house.services.values() if each.walk_ins]
        self._booked = [each.id for each in house.services.values() if each.appointments]
        self._seq = 0
        self._people = 0

    def write_day(self, connection: sa.Connection, day: date, visits: int) -> None:
        """One day of so many visits: its digest, and the rows of its visits and appointments."""
        facts = self._facts(day, visits)
        self._seq += 5 * visits
        digests.put(connection, self._house.site, self._seq, pack(facts))
        rows, booked = [], []
        for number, (visit, passage) in enumerate(self._named(facts)):
            key = f"a{visit}" if passage.appointment else None
            rows.append(self._visit_row(visit, facts.date, number, passage, key))
            if key is not None:
                booked.append(self._appointment_row(key, visit, passage))
        connection.execute(db.visit.insert(), rows)
        connection.execute(db.appointment.insert(), booked)

    def _named(self, facts: Facts) -> Iterator[tuple[str, Passage]]:
        for passage in facts.visits:
            self._people += 1
            yield f"v{self._people}", passage

    def _facts(self, day: date, visits: int) -> Facts:
        calendar, random = self._house.calendar, self._random
        facts = Facts(
            date=day.isoformat(),
            begins_at=calendar.midnight_before(day),
            until=calendar.midnight_after(day),
            at=calendar.day_end(day),
            ended=True,
        )
        openings = calendar.openings(day)
        for counter in self._house.counters:
            for begin, end in openings:
                middle = begin + int((end - begin) * random.uniform(0.3, 0.7))
                later = middle + 900 * SECOND
                open_, paused = CounterMode.OPEN, CounterMode.PAUSED
                facts.shifts += [
                    Shift(counter=counter, mode=open_, begin=begin, end=middle),
                    Shift(counter=counter, mode=paused, begin=middle, end=later),
                    Shift(counter=counter, mode=open_, begin=later, end=max(later, end)),
                ]
        for number in range(visits):
            begin, end = random.choice(openings)
            self._visit(facts, number, begin + int((end - begin) * random.random()))
        return facts

    def _visit(self, facts: Facts, number: int, at: int) -> None:
        random = self._random
        booked = random.random() < APPOINTMENTS
        service = random.choice(self._booked if booked else self._walk_in)
        passage = Passage(
            service=service,
            range=self._house.services[service].range,
            reported_at=at,
            appointment=booked,
            slot_at=at - int(random.gauss(-120, 400)) * SECOND if booked else None,
            language=random.choice((None, "nl", "fr", "tr")),
        )
        facts.visits.append(passage)
        called = max(at, passage.slot_at or at) + int(random.expovariate(1 / 240)) * SECOND
        if random.random() < 0.03:
            passage.status, passage.ended_at = Status.LEFT, called
            return
        counter = random.choice(list(self._house.counters))
        passage.first_called_at, passage.counter = called, counter
        queued = at
        for n in range(1, 3 if random.random() < 0.1 else 2):
            started = called + random.randint(20, 90) * SECOND
            ended = started + int(random.lognormvariate(5.6, 0.6)) * SECOND
            facts.stints.append(
                Stint(
                    visit=number,
                    n=n,
                    service=service,
                    counter=counter,
                    queued_at=queued,
                    called_at=called,
                    started_at=started,
                    ended_at=ended,
                    calls=1 + (random.random() < 0.08),
                    end=End.FINISHED,
                )
            )
            queued, called = ended, ended + 120 * SECOND
        passage.status, passage.ended_at = Status.SERVED, facts.stints[-1].ended_at

    def _visit_row(
        self, visit: str, day: str, number: int, passage: Passage, appointment: str | None
    ) -> dict[str, Any]:
        return {
            "id": visit,
            "site": self._house.site,
            "day": day,
            "ticket": f"{passage.range}{number:03d}",
            "service": passage.service,
            "status": passage.status.value,
            "appointment": appointment,
            "slot_at": passage.slot_at,
            "announced_late": False,
            "reported_at": passage.reported_at,
            "first_called_at": passage.first_called_at,
            "called_at": passage.first_called_at,
            "started_at": passage.first_called_at,
            "ended_at": passage.ended_at,
            "counter": passage.counter,
            "rule": "walk-in",
            "calls": 1,
            "persons": 1,
            "language": passage.language,
            "priority": False,
        }

    def _appointment_row(self, key: str, visit: str, passage: Passage) -> dict[str, Any]:
        assert passage.slot_at is not None
        missed = self._random.random() < NEVER_REPORTED
        return {
            "id": key,
            "site": self._house.site,
            "service": passage.service,
            "at": passage.slot_at,
            "booked_at": passage.slot_at - self._random.randint(0, 40 * 86_400) * SECOND,
            "state": "never" if missed else "reported",
            "persons": 1,
            "language": passage.language,
            "visit": None if missed else visit,
            "came": False,
        }
