"""Which channels do not carry messages, by the ledger of deliveries: asked for beside the loop."""

from __future__ import annotations

import sqlalchemy as sa

from notify.delivery import State
from notify.recipients import KINDS
from server import database as db
from server.domain.alerts import Alerts, Failing
from server.domain.schedule import SECOND

GOT_OUT = (State.ACCEPTED, State.DELIVERED, State.SHOWN)
_table = db.delivery


def failing(connection: sa.Connection, site: str, numbers: Alerts, now: int) -> tuple[Failing, ...]:
    """The channels of a site whose messages fail, as its numbers say; by name.

    Counted are messages to citizens that were due within the window and were tried: as got out where the
    gateway took them, as failing where it refused them, or where they wait to be tried again. Alerts do not
    count: what cannot be told must not be the reason to tell it.
    """
    begin = now - numbers.failing_window_s * SECOND
    got_out = _table.c.state.in_(GOT_OUT)
    # Claimed for the first time it has not failed yet; claimed again it has.
    refused = sa.or_(
        _table.c.state == State.FAILED,
        sa.and_(_table.c.state == State.PLANNED, _table.c.reason.is_not(None)),
        sa.and_(_table.c.state == State.SENDING, _table.c.attempt > 1),
    )
    rows = connection.execute(
        sa.select(
            _table.c.channel,
            sa.func.sum(sa.case((got_out, 1), else_=0)).label("well"),
            sa.func.sum(sa.case((refused, 1), else_=0)).label("bad"),
            sa.func.min(sa.case((refused, _table.c.due_at))).label("since"),
        )
        .where(
            _table.c.site == site,
            _table.c.due_at > begin,
            _table.c.due_at <= now,
            _table.c.attempt > 0,
            _table.c.kind.not_in(KINDS),
        )
        .group_by(_table.c.channel)
        .order_by(_table.c.channel)
    )
    return tuple(
        Failing(channel=row.channel, count=row.bad, of=row.well + row.bad, since=row.since)
        for row in rows
        if row.bad >= numbers.failing_least
        and 100 * row.bad >= numbers.failing_percent * (row.well + row.bad)
        and row.since <= now - numbers.failing_for_s * SECOND
    )
