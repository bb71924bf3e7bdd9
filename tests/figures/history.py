"""Local days of the Mechelen house as a server leaves them: a digest, and rows of visits and appointments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from server import database as db
from server.database import Database
from server.domain.day import CounterMode, Status
from server.figures import digests
from server.figures.packing import pack
from server.figures.stints import Facts, Passage, Shift

BRUSSELS = ZoneInfo("Europe/Brussels")
S = 1_000_000
OPEN = (("1", "8:00", "13:00"), ("2", "9:00", "11:30"))
"""Which counters are open on a day unless it is said, from when to when."""


def instant(day: str, clock: str) -> int:
    """Microseconds UTC of a time on the wall in Brussels; of one that comes twice, the first."""
    hour, minute = clock.split(":")
    wall = datetime.combine(date.fromisoformat(day), time(int(hour), int(minute)), BRUSSELS)
    return int(wall.timestamp()) * S


@dataclass(frozen=True, slots=True)
class Came:
    """Somebody who came ``at`` a time, called after ``wait`` seconds (None: never)."""

    at: str
    wait: int | None = 60
    slot: str | None = None
    status: Status = Status.SERVED
    service: str = "onthaal"


class History:
    """Writes days into a database that has been migrated, before a server opens it."""

    def __init__(self, database: Database, site: str = "mechelen") -> None:
        self._database = database
        self._site = site
        self._count = 0

    def day(
        self,
        day: str,
        people: Sequence[Came] = (),
        missed: Sequence[str] = (),
        *,
        ended: bool = True,
        opened: Sequence[tuple[str, str, str]] = OPEN,
    ) -> None:
        """A day with these people; ``missed`` are slots to which nobody came."""
        begins = instant(day, "0:00")
        newest = begins + 20 * 3600 * S
        facts = Facts(date=day, begins_at=begins, until=begins + 90_000 * S, at=newest, ended=ended)
        facts.shifts = [
            Shift(counter=counter, mode=CounterMode.OPEN, begin=instant(day, begin), end=instant(day, end))
            for counter, begin, end in opened
        ]
        facts.visits = [self._passage(day, each) for each in people]

        def write(connection: sa.Connection) -> None:
            # Before the first entry of any journal, so that a server's own day comes after it.
            digests.put(connection, self._site, 0, pack(facts))
            for each, passage in zip(people, facts.visits, strict=True):
                self._visit(connection, day, each, passage)
            for slot in missed:
                self._appointment(connection, instant(day, slot), "bevolking", None)

        self._database.write_now(write)

    @staticmethod
    def _passage(day: str, came: Came) -> Passage:
        at = instant(day, came.at)
        slot = None if came.slot is None else instant(day, came.slot)
        called = None if came.wait is None else max(at, slot or at) + came.wait * S
        here = came.status in (Status.WAITING, Status.CALLED, Status.SERVING)
        return Passage(
            service=came.service,
            range="A",
            reported_at=at,
            appointment=slot is not None,
            slot_at=slot,
            status=came.status,
            counter=None if called is None else "1",
            first_called_at=called,
            ended_at=None if here else (called or at) + 300 * S,
        )

    def _visit(self, connection: sa.Connection, day: str, came: Came, passage: Passage) -> None:
        self._count += 1
        identity = f"v{self._count}"
        booked = None
        if passage.slot_at is not None:
            booked = self._appointment(connection, passage.slot_at, came.service, identity)
        row = {"id": identity, "site": self._site, "day": day, "ticket": f"A{self._count:03d}"}
        row |= {"service": came.service, "status": came.status.value, "appointment": booked}  # type: ignore[dict-item]
        row |= {"slot_at": passage.slot_at, "reported_at": passage.reported_at}  # type: ignore[dict-item]
        row |= {"first_called_at": passage.first_called_at, "ended_at": passage.ended_at}  # type: ignore[dict-item]
        rest = {"calls": 1, "persons": 1, "announced_late": False, "priority": False}
        connection.execute(db.visit.insert(), row | rest)

    def _appointment(self, connection: sa.Connection, slot: int, service: str, visit: str | None) -> str:
        self._count += 1
        identity = f"a{self._count}"
        row = {"id": identity, "site": self._site, "service": service, "at": slot, "visit": visit}
        row |= {"booked_at": slot - 86_400 * S, "state": "never" if visit is None else "reported"}
        connection.execute(db.appointment.insert(), row | {"persons": 1, "came": False})
        return identity
