"""How appointments were booked: the share that citizens booked online by themselves."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa

from server import database as db
from server.domain.appointment import BookedBy
from server.domain.house import House
from server.figures.report import Column, Table, Unit

FIGURE = "share-booked-online"


def bookings(connection: sa.Connection, house: House, first: date, last: date) -> Table:
    """The appointments with a slot on the local days from ``first`` to ``last``, by how they were booked.

    Each counts at the slot that it has or had last, whatever became of it.
    """
    calendar, table = house.calendar, db.appointment.c
    begin, until = calendar.midnight_before(first), calendar.midnight_after(last)
    found = connection.execute(
        sa.select(table.channel, sa.func.count())
        .where(table.site == house.site, table.at >= begin, table.at < until)
        .group_by(table.channel)
    )
    count: dict[str | None, int] = {row[0]: row[1] for row in found}
    known = sum(number for channel, number in count.items() if channel is not None)
    unknown = count.get(None, 0)
    rows = [
        (channel.value, count[channel.value], round(count[channel.value] / known, 4))
        for channel in BookedBy
        if channel.value in count
    ]
    note = f"{unknown} appointments of which nobody said how they were booked are in no share."
    return Table(
        id="bookings",
        title="How appointments were booked",
        columns=(
            Column("channel", "booked by", Unit.TEXT),
            Column("appointments", "appointments", Unit.COUNT, FIGURE),
            Column("share", "share", Unit.SHARE, FIGURE),
        ),
        rows=tuple(rows),
        notes=(note,) if unknown else (),
    )
