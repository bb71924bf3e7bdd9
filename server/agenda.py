"""What the booking side tells of its agenda, which Onthaal does not have: each service's first free slot."""

from __future__ import annotations

import sqlalchemy as sa

from server import database as db
from server.domain.schedule import Calendar

_PUT = sa.text(db.upsert(db.first_free))


def tell(
    connection: sa.Connection, calendar: Calendar, site: str, service: str, at: int | None, now: int
) -> int:
    """Keep that a service's first free slot is ``at`` by now, None for none; since when it was told so.

    What was told on the same local day already is not written again, so who repeats it every minute fills
    no table; on another day it is, because it is news that it still holds.
    """
    table = db.first_free
    newest = connection.execute(
        sa.select(table.c.told_at, table.c.at)
        .where(table.c.site == site, table.c.service == service)
        .order_by(table.c.told_at.desc())
        .limit(1)
    ).one_or_none()
    if newest is not None and newest.at == at:
        told_at: int = newest.told_at
        if calendar.local_date(told_at) == calendar.local_date(now):
            return told_at
    connection.execute(_PUT, {"site": site, "service": service, "told_at": now, "at": at})
    return now
