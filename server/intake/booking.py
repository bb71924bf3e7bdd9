"""Rows into the journal: in pieces, each of them one transaction, beside whatever server runs.

``docs/decisions/import-beside-a-server.md`` says why this goes to the database and not through the API.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from notify import contacts, planner
from server import house_time, journal
from server.database import Database
from server.domain import commands as co
from server.domain import events as ev
from server.domain.appointment import Appointment
from server.domain.day import Day
from server.domain.fold import fold
from server.domain.house import House
from server.domain.refusal import Code, Refused
from server.group import Decided, Group, Request
from server.intake.rows import BadRow, Row
from server.keys import BadKey, Keys, fresh_id
from server.web.errors import of_refusal

PIECE = 100
"""Rows in one transaction: it holds the writer for some tens of milliseconds."""


@dataclass(slots=True)
class Tally:
    """What became of the rows of a file."""

    booked: int = 0
    changed: int = 0
    cancelled: int = 0
    unchanged: int = 0
    bad: int = 0


class Books:
    """A site's appointments, to be made as rows say. With ``dry`` it is only found out what would be."""

    def __init__(self, store: Database, house: House, keys: Keys, given: int | None, *, dry: bool) -> None:
        self.tally = Tally()
        self.held_s = 0.0
        """How long the last piece held the writer, in real seconds."""
        self._store = store
        self._house = house
        self._keys = keys
        self._given = given
        self._dry = dry
        self._day: Day | None = None
        self._begins_at = 0

    async def take(self, rows: Sequence[Row]) -> list[BadRow]:
        """Carry out a piece, whole or not at all; those of its rows that the rules of the hall refuse.

        No two of them have the same reference. Raises ``Unavailable``; then nothing of the piece is kept.
        """
        piece = _Piece(self, rows)
        day = await (self._store.read if self._dry else self._store.write)(piece.carry_out)
        self._day = day
        self.held_s = piece.held_s
        bad = []
        for row, request in zip(rows, piece.requests, strict=True):
            outcome = piece.outcomes[request]
            if isinstance(outcome, Refused):
                self.tally.bad += 1
                bad.append(BadRow(row.line, of_refusal(outcome).detail))
            else:
                setattr(self.tally, outcome, getattr(self.tally, outcome) + 1)
        return bad

    def request(self, row: Row) -> tuple[Request, list[bool]]:
        """A row as a command, and where it is noted whether it changed what is kept of the person."""
        fresh, noted = fresh_id(), [False]
        booking = row.booking

        def build(known: Appointment | None) -> co.Command:
            if booking is None:
                if known is None:
                    raise Refused(Code.UNKNOWN_APPOINTMENT)
                return co.Cancel(known=known, by="citizen")
            if row.at < self._begins_at:
                raise Refused(Code.APPOINTMENT_OVER)
            return co.Book(
                appointment=known.id if known else fresh,
                service=booking.service,
                at=row.at,
                language=booking.language,
                persons=booking.persons,
                channel=booking.channel,
                known=known,
            )

        def keep(connection: sa.Connection, decided: Decided) -> None:
            command = decided.command
            if isinstance(command, co.Cancel):
                contacts.erase(connection, command.known.id)
            elif isinstance(command, co.Book) and booking is not None and booking.contact is not None:
                subject, contact = command.appointment, booking.contact
                if self._dry:
                    noted[0] = not self._keeps(connection, subject, contact)
                else:
                    noted[0] = planner.keep(
                        connection,
                        self._house,
                        self._keys,
                        subject,
                        contact,
                        row.at,
                        decided.now,
                        source="import",
                        told=bool(decided.events),
                    )

        return Request(self._house.site, build, lambda _decided: b"", row.ref, also=keep), noted

    def _keeps(self, connection: sa.Connection, subject: str, contact: contacts.Contact) -> bool:
        try:
            kept = contacts.get(connection, self._keys, subject)
            return kept is not None and kept == contacts.merged(contact, kept)
        except BadKey:
            return False

    def catch_up(self, connection: sa.Connection) -> tuple[Day, int]:
        """The day as the journal has it in this transaction, and house time."""
        site = self._house.site
        if self._day is None:
            day = journal.today(connection, site)
        else:
            day = fold(self._day, journal.read(connection, site, self._day.seq))
        now = house_time.now(connection, site, self._given)
        calendar = self._house.calendar
        self._begins_at = calendar.midnight_before(calendar.local_date(now))
        return day, now

    def carry_out(self, connection: sa.Connection, requests: list[Request]) -> tuple[Group, Day]:
        """Decide, and unless it is dry write. The transaction holds the journal, so nobody comes between."""
        before, now = self.catch_up(connection)
        site = self._house.site
        # A day is opened and ended by who serves it: a server that stands still must not find it moved.
        group = Group(requests, {site: (self._house, before)}, now, keeps_days=False)
        group.read(connection)
        group.decide()
        if not self._dry:
            group.write(connection)
            return group, group.copies[site].day
        for verdict in group.verdicts:
            if (
                verdict.decided is not None
                and verdict.request.also is not None
                and not verdict.decided.events
            ):
                verdict.request.also(connection, verdict.decided)
        return group, before


class _Piece:
    """Rows that are carried out together."""

    def __init__(self, books: Books, rows: Sequence[Row]) -> None:
        self._books = books
        made = [books.request(row) for row in rows]
        self.requests = [request for request, _ in made]
        self._noted = dict(made)
        self.outcomes: dict[Request, str | Refused] = {}
        self.held_s = 0.0

    def carry_out(self, connection: sa.Connection) -> Day:
        began = time.monotonic()
        group, day = self._books.carry_out(connection, self.requests)
        for verdict in group.verdicts:
            self.outcomes[verdict.request] = self._outcome(verdict.request, verdict.result, verdict.decided)
        self.held_s = time.monotonic() - began
        return day

    def _outcome(self, request: Request, result: bytes | Exception, decided: Decided | None) -> str | Refused:
        if isinstance(result, Refused):
            # Who was never booked need not be cancelled: the calendar says how things are, not what to do.
            return "unchanged" if result.code is Code.UNKNOWN_APPOINTMENT else result
        assert decided is not None
        if not decided.events:
            return "changed" if self._noted[request][0] else "unchanged"
        if isinstance(decided.events[0], ev.AppointmentBooked):
            return "booked"
        return "cancelled" if isinstance(decided.events[0], ev.AppointmentCancelled) else "changed"
