"""`onthaal rebuild`: the visit and appointment rows and the days' digests again, from the journal alone."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from server import database as db
from server import journal, ledger
from server.domain.day import Day
from server.figures import digests
from server.figures.packing import FORMAT


def rows_of(connection: sa.Connection, site: str) -> ledger.Ledger:
    """Every visit and appointment row that a site's journal leads to.

    Raises ``ValueError`` where the journal has a gap or steps back in time.
    """
    day, rows = Day(), ledger.Ledger(site, {})
    at = 0
    for entry in journal.read(connection, site, 0):
        if entry.at < at:
            raise ValueError(f"{site}: entry {entry.seq} steps back in time")
        at = entry.at
        day = rows.apply(day, entry)
    return rows


def sites(connection: sa.Connection) -> list[str]:
    """The sites that have a journal."""
    return list(connection.execute(sa.select(db.journal.c.site).distinct()).scalars())


def differences(connection: sa.Connection) -> list[str]:
    """What the tables hold otherwise than the journal tells; empty where they agree."""
    found = []
    for table, pick in ((db.visit, "visits"), (db.appointment, "appointments")):
        expected: dict[str, dict[str, Any]] = {}
        for site in sites(connection):
            expected |= getattr(rows_of(connection, site), pick)
        stored = {row.id: dict(row._mapping) for row in connection.execute(sa.select(table))}
        for key in sorted(expected.keys() | stored.keys()):
            if key not in stored:
                found.append(f"{table.name} {key}: missing")
            elif key not in expected:
                found.append(f"{table.name} {key}: not in the journal")
            else:
                wrong = [name for name, value in expected[key].items() if stored[key][name] != value]
                if wrong:
                    found.append(f"{table.name} {key}: {', '.join(wrong)}")
    return found + _digests(connection)


def _digests(connection: sa.Connection) -> list[str]:
    """Digests that are otherwise than the journal tells. One that is missing is made when it is needed."""
    found = []
    known = {site: digests.made_again(connection, site) for site in sites(connection)}
    stored = connection.execute(sa.select(db.digest).order_by(db.digest.c.site, db.digest.c.day))
    for row in stored:
        expected = known.get(row.site, {}).get(row.day)
        if expected is None:
            found.append(f"digest {row.site} {row.day}: not in the journal")
        elif row.format == FORMAT and (row.seq, row.packed) != expected:
            found.append(f"digest {row.site} {row.day}: differs")
    return found


def rebuild(connection: sa.Connection) -> int:
    """Write all rows and digests anew; how many rows there are. Contacts and references stay untouched."""
    count = 0
    rows = [rows_of(connection, site) for site in sites(connection)]
    connection.execute(db.visit.delete())
    connection.execute(db.appointment.delete())
    for site_rows in rows:
        site_rows.write(connection)
        count += len(site_rows.visits) + len(site_rows.appointments)
    connection.execute(db.digest.delete())
    for site in sites(connection):
        for seq, day in digests.ended_days(connection, site):
            digests.put(connection, site, seq, day)
    return count
