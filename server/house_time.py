"""House time as a command finds it that runs beside a server, or where none runs.

A server whose clock follows the machine's is asked for nothing. One whose house time was set (a demo, a
test) leaves word of it at its start: the machine's clock would be days beside it, and what is written to
the journal with a later ``at`` would take the house there, because ``at`` never steps back.
"""

from __future__ import annotations

import sqlalchemy as sa

from server import database as db
from server.clock import real_now

_PUT = sa.text(db.upsert(db.house_time))


def note(connection: sa.Connection, set_to: int | None) -> None:
    """Leave word of what house time was set to at the start; None where it follows the machine's clock."""
    connection.execute(_PUT, {"id": 1, "set_to": set_to})


def now(connection: sa.Connection, site: str, given: int | None = None) -> int:
    """House time of a site now, never before its journal's newest entry.

    It is ``given``, or the machine's time; where the newest start had set house time, what the journal
    last saw of it, which is of the same day as long as the server runs.
    """
    entry = db.journal.c
    newest = connection.execute(
        sa.select(entry.at).where(entry.site == site).order_by(entry.seq.desc()).limit(1)
    ).scalar()
    if given is None:
        given = connection.execute(sa.select(db.house_time.c.set_to)).scalar()
    return max(real_now() if given is None else given, newest or 0)
