"""What was wrong, as it is kept: raised and told in one transaction, cleared in another, each once.

Plain functions over a connection, to be run inside ``Database.write``. Instants are house time. Of one kind
and about one thing there is at most one alert that is not cleared, which an index holds: whoever comes
second, a restarted server or another process, finds it raised and tells nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa

from notify import plan, planner, recipients
from notify.delivery import State
from notify.ledger import About
from server import database as db
from server.domain.alerts import Alerts
from server.domain.schedule import SECOND
from server.keys import fresh_id

WORTH_S = 3600
"""How long it is of use to hear of an alert, in house seconds."""

Row = sa.Row[Any]
Key = tuple[str, str]
_table = db.alert


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Something that is wrong: of what kind, about what (a name, or nothing), and since when."""

    kind: str
    subject: str
    since: int
    count: int | None = None
    of: int | None = None

    @property
    def key(self) -> Key:
        return self.kind, self.subject


def standing(connection: sa.Connection, site: str) -> dict[Key, Row]:
    """The alerts of a site that are not cleared."""
    rows = connection.execute(sa.select(_table).where(_table.c.site == site, _table.c.cleared_at.is_(None)))
    return {(row.kind, row.subject): row for row in rows}


def look_s(numbers: Alerts) -> int:
    """How old the note that a cause still stands may get, in house seconds: a third of what clears it."""
    return numbers.clears_after_s // 3


def write(
    connection: sa.Connection,
    site: str,
    numbers: Alerts,
    now: int,
    causes: Iterable[Cause],
    ripe: Sequence[Key],
) -> dict[Key, Row]:
    """Raise and tell what is ``ripe``, note what still stands, clear what has long been away.

    Answers what stands then. ``causes`` is all that is wrong now.
    """
    wrong = {cause.key: cause for cause in causes}
    for key in ripe:
        if key in wrong:
            _raise(connection, site, now, wrong[key])
    for key, row in standing(connection, site).items():
        if key in wrong:
            if now - row.seen_at >= look_s(numbers) * SECOND:
                connection.execute(_table.update().where(_table.c.id == row.id).values(seen_at=now))
        elif now - row.seen_at >= numbers.clears_after_s * SECOND:
            _clear(connection, row, now)
    return standing(connection, site)


def _raise(connection: sa.Connection, site: str, now: int, cause: Cause) -> None:
    told = recipients.of_site(connection, site)
    row = {
        "id": fresh_id(),
        "site": site,
        "kind": cause.kind,
        "subject": cause.subject,
        "since": cause.since,
        "raised_at": now,
        "seen_at": now,
        "told": len(told),
    }
    if connection.execute(sa.text(db.insert_new(_table, row)), row).rowcount == 0:
        return  # it stands already, and was told
    about = About(
        wrong=cause.kind, name=cause.subject or None, since=cause.since, count=cause.count, of=cause.of
    )
    _plan(connection, site, recipients.ALERT, steps_of(str(row["id"]))[0], told, about, now)


def _clear(connection: sa.Connection, row: Row, now: int) -> None:
    """The alert is over: who was told of it, and wants to, hears so; who was not yet is told nothing more."""
    connection.execute(_table.update().where(_table.c.id == row.id).values(cleared_at=now))
    table, step = db.delivery, steps_of(row.id)[0]
    planned = sa.and_(table.c.site == row.site, table.c.step == step, table.c.state == State.PLANNED)
    subjects = [each.id for each in recipients.of_site(connection, row.site)]
    for name in connection.execute(
        sa.select(table.c.id).where(table.c.subject.in_(subjects), planned)
    ).scalars():
        planner.withdraw(connection, name, "cleared")
    heard = set(
        connection.execute(
            sa.select(table.c.subject).where(
                table.c.subject.in_(subjects),
                table.c.step == step,
                table.c.state.not_in([State.WITHDRAWN, State.FAILED]),
            )
        ).scalars()
    )
    told = [each for each in recipients.of_site(connection, row.site) if each.over and each.id in heard]
    about = About(wrong=row.kind, name=row.subject or None, since=row.since)
    _plan(connection, row.site, recipients.OVER, steps_of(row.id)[1], told, about, now)


def _plan(
    connection: sa.Connection, site: str, kind: str, step: str, told: Iterable[Row], about: About, now: int
) -> None:
    said = msgspec.json.encode(about).decode()
    rows = [
        planner.row_of(
            plan.delivery_id(each.id, step),
            site,
            each.id,
            kind,
            step,
            now,
            now,
            now + WORTH_S * SECOND,
            channel=each.channel,
            about=said,
        )
        for each in told
    ]
    if rows:
        connection.execute(sa.text(db.insert_new(db.delivery, rows[0])), rows)


def steps_of(alert: str) -> tuple[str, str]:
    """The steps of an alert's deliveries: that something is wrong, and that it no longer is."""
    return f"alert-{alert}", f"alert-{alert}-over"
