"""A database of appointments for tests of what is planned for them: booked as an import books them.

House time is given with each booking; nothing runs beside it.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from notify import planner
from notify.contacts import Contact
from server import schema, settings
from server.database import Database
from server.domain.house import House
from server.domain.schedule import to_instant
from server.intake.booking import Books
from server.intake.rows import Row
from server.keys import Keys
from server.web import bodies

BRUSSELS = ZoneInfo("Europe/Brussels")
KEYS = Keys(bytes(range(32)))
PHONE = Contact(phone="+32499887766")


def at(text: str) -> int:
    """A wall-clock time in Brussels as an instant."""
    return to_instant(datetime.fromisoformat(text).replace(tzinfo=BRUSSELS))


class Town:
    """A site's database. ``config`` may be given anew: as at the next start of a server."""

    def __init__(self, folder: Path, config: str) -> None:
        self.store = Database(f"sqlite:///{folder / 'onthaal.db'}")
        self.store.write_now(schema.migrate)
        self.house = self.read(config)

    def read(self, config: str) -> House:
        """The configuration's only house, from now on this one's."""
        (self.house,) = settings.load_text(config, "town.toml").values()
        return self.house

    def book(self, *rows: tuple[str, str, str, Contact | None], now: str) -> None:
        """Book, or move, appointments: reference, service, slot, person; a service "" cancels."""
        taken = []
        for line, (ref, service, slot, contact) in enumerate(rows, 1):
            moment = datetime.fromisoformat(slot).replace(tzinfo=BRUSSELS)
            booking = bodies.Booking(service=service, at=moment, contact=contact) if service else None
            taken.append(Row(line, ref, booking, at(slot)))
        books = Books(self.store, self.house, KEYS, at(now), dry=False)
        bad = asyncio.run(books.take(taken))
        assert bad == []

    def plan(self, now: str) -> None:
        """Plan all that the journal tells, as a worker does: first what another policy planned, then news."""
        after: tuple[int, str] | None = (at(now), "")
        while after is not None:
            place = after
            after = self.store.write_now(
                lambda connection, place=place: planner.renew(  # type: ignore[misc]
                    connection, self.house, at(now), place, KEYS
                )
            )
        while self.store.write_now(lambda c: planner.advance(c, self.house, at(now), KEYS)):
            pass

    def write(self, sql: str) -> None:
        self.store.write_now(lambda connection: connection.execute(sa.text(sql)))

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What a second connection sees."""
        with contextlib.closing(sqlite3.connect(self.store.path)) as database:
            return database.execute(sql).fetchall()

    def assigned(self) -> dict[str, tuple[str | None, str | None]]:
        """By reference: arm and reason."""
        return {
            ref: (arm, reason)
            for ref, arm, reason in self.rows(
                "SELECT ref, arm, reason FROM assignment JOIN reference ON appointment = subject"
            )
        }

    def steps(self) -> dict[str, list[str]]:
        """By reference: the reminders that are planned, soonest first."""
        found: dict[str, list[str]] = {}
        for ref, step in self.rows(
            "SELECT reference.ref, step FROM reference LEFT JOIN delivery ON subject = appointment "
            "AND kind = 'reminder' AND state = 'planned' ORDER BY reference.ref, due_at"
        ):
            found.setdefault(ref, []).extend([step] if step else [])
        return found
