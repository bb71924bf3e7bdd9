"""The rows beside the journal: one per visit and appointment, derived by the same fold.

They are written in the transaction that appends, and ``onthaal rebuild`` makes them again from the
journal alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import date
from typing import Any

import sqlalchemy as sa

from server import database as db
from server.domain import events as ev
from server.domain.appointment import Appointment, BookedBy, Booking
from server.domain.day import Day, Visit
from server.domain.fold import amend, evolve, subject

Row = dict[str, Any]

_VISIT = sa.text(db.upsert(db.visit))
_APPOINTMENT = sa.text(db.upsert(db.appointment))
_VISIT_COLUMNS = frozenset(column.name for column in db.visit.columns)


class Ledger:
    """Collects the rows that a run of entries changes.

    ``elsewhere`` are appointments of other days that the entries are about; those of a day that passes
    while entries are applied stay known there.
    """

    def __init__(self, site: str, elsewhere: dict[str, Appointment]) -> None:
        self._site = site
        self.elsewhere = elsewhere
        self.visits: dict[str, Row] = {}
        self.appointments: dict[str, Row] = {}

    def apply(self, day: Day, entry: ev.Entry) -> Day:
        """The day after the entry, with the changed rows noted."""
        after = evolve(day, entry)
        event = entry.event
        if isinstance(event, ev.DayOpened):
            return after
        if after.visits is not day.visits:
            for key, visit in after.visits.items():
                if day.visits.get(key) is not visit:
                    self.visits[key] = visit_row(self._site, after.date, visit)
        if after.appointments is not day.appointments:
            for key, known in after.appointments.items():
                if day.appointments.get(key) is not known:
                    self.elsewhere[key] = known
                    self.appointments[key] = appointment_row(self._site, known)
        if isinstance(event, ev.AppointmentEvent) and subject(event) not in after.appointments:
            key = subject(event)
            before = day.appointments.get(key) or self.elsewhere.get(key)
            self.elsewhere[key] = amend(before, event, entry.at)
            self.appointments[key] = appointment_row(self._site, self.elsewhere[key])
        return after

    def write(self, connection: sa.Connection) -> None:
        """Put the noted rows into the tables."""
        if self.visits:
            connection.execute(_VISIT, list(self.visits.values()))
        if self.appointments:
            connection.execute(_APPOINTMENT, list(self.appointments.values()))


def visit_row(site: str, date: str, visit: Visit) -> Row:
    """A visit as its row."""
    row = {name: getattr(visit, name) for name in _VISIT_COLUMNS if hasattr(visit, name)}
    return {**row, "status": visit.status.value, "site": site, "day": date}


def appointment_row(site: str, known: Appointment) -> Row:
    """An appointment as its row."""
    channel = None if known.channel is None else known.channel.value
    return {**asdict(known), "state": known.state.value, "channel": channel, "site": site}


def appointment_of(row: sa.Row[Any]) -> Appointment:
    """The appointment that a row of its table holds."""
    known = {name: value for name, value in row._mapping.items() if name not in ("site", "ref")}
    channel = known["channel"]
    known |= {"state": Booking(known["state"]), "came": bool(known["came"])}
    return Appointment(**{**known, "channel": None if channel is None else BookedBy(channel)})


def appointments_between(
    connection: sa.Connection, site: str, begin: int, until: int
) -> tuple[Appointment, ...]:
    """The appointments with a slot in [begin, until) that still stand or are done, by slot.

    Cancelled ones stay out: a day begins with who may come.
    """
    table = db.appointment
    rows = connection.execute(
        sa.select(table)
        .where(table.c.site == site, table.c.at >= begin, table.c.at < until)
        .where(table.c.state.in_([Booking.BOOKED.value, Booking.CONFIRMED.value]))
        .order_by(table.c.at, table.c.id)
    )
    return tuple(appointment_of(row) for row in rows)


def by_id(connection: sa.Connection, site: str, ids: Iterable[str]) -> dict[str, Appointment]:
    """The appointments of a site by our own ids."""
    wanted = list(ids)
    if not wanted:
        return {}
    # The site is looked at here: SQLite would rather walk through all appointments of a site than take a few
    # by their key.
    rows = connection.execute(sa.select(db.appointment).where(db.appointment.c.id.in_(wanted)))
    return {row.id: appointment_of(row) for row in rows if row.site == site}


def by_reference(connection: sa.Connection, site: str, refs: Iterable[str]) -> dict[str, Appointment]:
    """The appointments that a booking system's references stand for."""
    table, names = db.appointment, db.reference
    rows = connection.execute(
        sa.select(names.c.ref, *table.columns)
        .join(table, table.c.id == names.c.appointment)
        .where(names.c.site == site, names.c.ref.in_(list(refs)))
    )
    return {row.ref: appointment_of(row) for row in rows}


def newest_day(connection: sa.Connection, site: str) -> date | None:
    """The newest local day that has ended and on which anybody came."""
    ended = connection.exec_driver_sql(
        "SELECT at FROM journal WHERE site = ? AND kind = 'day-ended' ORDER BY seq DESC LIMIT 1", (site,)
    ).one_or_none()
    if ended is None:
        return None
    # A server that was off ends its day at its next start, which may be on the next one.
    found = connection.exec_driver_sql(
        "SELECT day FROM visit WHERE site = ? AND reported_at <= ? ORDER BY day DESC LIMIT 1",
        (site, ended.at),
    ).one_or_none()
    return None if found is None else date.fromisoformat(found.day)
