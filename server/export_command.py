"""``onthaal export ...``: records for evaluators and tables of visits, to be read by other programs."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from server.command_line import check_site, config_option, database_option, failing, house_of, opened

if TYPE_CHECKING:
    import sqlalchemy as sa

    from server.database import Database
    from server.domain.house import House
    from server.domain.punctuality import Policy

__all__ = ["command"]

PIECE = 200
"""Appointments that are read at once: a snapshot for each piece, and some megabytes at most."""

_ADDRESS = re.compile(r"[^\s<>@]+@[^\s<>@]+|\+?\d[\d ./-]{5,}\d")


@click.group("export")
def command() -> None:
    """Records for evaluators, visits for the city's own tools, and a table for everybody."""


@command.command("reminders")
@config_option
@database_option
@click.option("--site", required=True)
def reminders(config: str | None, database: str, site: str) -> None:
    """Print the record of a site's experiments: one appointment a line, as JSON.

    Its arm, what became of it, and every delivery with all that happened to it. Ids and figures only;
    docs/experiment.md says what each key means.
    """
    import msgspec

    encoder = msgspec.json.Encoder()

    from server.domain.punctuality import Policy

    async def pieces(store: Database, house: House | None) -> None:
        after = ""
        # What has moved to a discreet service is in no record any more.
        services = house.services.values() if house else ()
        discreet = [service.id for service in services if service.discreet]
        policy = house.policy if house else Policy()
        while True:
            # Read beside a running server: a snapshot holds up no writer.
            found = await store.read(
                partial(_piece, site=site, discreet=discreet, policy=policy, after=after)
            )
            for record in found:
                click.echo(encoder.encode(record))
            if len(found) < PIECE:
                return
            after = found[-1]["appointment"]

    def work() -> None:
        with opened(database) as store:
            check_site(store, config, site, None)
            house = store.write_now(partial(_house, site=site))
            asyncio.run(pieces(store, house))

    failing(work)


_day = click.DateTime(["%Y-%m-%d"])
_month = click.DateTime(["%Y-%m"])


@command.command("visits")
@config_option
@database_option
@click.option("--site", required=True)
@click.option("--from", "first", required=True, type=_day, metavar="DAY", help="The first local day.")
@click.option("--to", "last", required=True, type=_day, metavar="DAY", help="The last local day.")
def visits(config: str | None, database: str, site: str, first: datetime, last: datetime) -> None:
    """Print the visits of some days as CSV, without personal data.

    For the city's own tools, not for everybody: docs/exports.md says what each column means.
    """
    from server.figures import visit_rows as table

    _in_order(first, last)
    days = ((first + timedelta(days=ahead)).date() for ahead in range((last - first).days + 1))
    _table(config, database, site, table.COLUMNS, lambda _now: iter(days), table.rows)


@command.command("open-data")
@config_option
@database_option
@click.option("--site", required=True)
@click.option(
    "--from", "first", required=True, type=_month, metavar="MONTH", help="The first month, 2027-01."
)
@click.option(
    "--to", "last", required=True, type=_month, metavar="MONTH", help="The last month; it must be over."
)
def open_data(config: str | None, database: str, site: str, first: datetime, last: datetime) -> None:
    """Print a table of whole months for everybody as CSV: counts by service, weekday and hours.

    Cells under five are withheld, and cannot be had by subtraction: docs/exports.md says why.
    """
    from server.figures import open_data as table

    _in_order(first, last)

    def months(today: date) -> Iterator[date]:
        if last.date() >= today.replace(day=1):
            # Two tables of a month that goes on would tell, one less the other, of the days between.
            raise RuntimeError(f"--to: {last:%Y-%m} is not over; only whole months are published")
        return table.months(first.date(), last.date())

    _table(config, database, site, table.COLUMNS, months, table.rows)


def _in_order(first: datetime, last: datetime) -> None:
    if last < first:
        raise click.BadParameter("lies before --from", param_hint="--to")


def _table(
    config: str | None,
    database: str,
    site: str,
    columns: Sequence[str],
    periods: Callable[[date], Iterator[date]],
    rows: Callable[..., list[Sequence[str | int]]],
) -> None:
    """Print a table a period at a time; ``periods`` is told the site's day of today.

    ``rows`` is asked, with a connection, for those of a ``house`` in a ``period``.
    """
    import csv

    from server import house_time

    async def pieces(store: Database, house: House, all_of_them: Iterator[date]) -> None:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(columns)
        for period in all_of_them:
            # Read beside a running server: a snapshot holds up no writer.
            writer.writerows(await store.read(partial(rows, house=house, period=period)))

    def work() -> None:
        with opened(database) as store:
            check_site(store, config, site, None)
            house = house_of(store, config, site)
            now = store.read_now(partial(house_time.now, site=site))
            asyncio.run(pieces(store, house, periods(house.calendar.local_date(now))))

    failing(work)


def _house(connection: sa.Connection, site: str) -> House | None:
    """The house of a site, by the configuration in the database."""
    from server.configuration import stored
    from server.settings import load_text

    text = stored(connection)
    houses = load_text(text, "the configuration in the database") if text else {}
    return houses.get(site)


def _piece(
    connection: sa.Connection, site: str, discreet: list[str], policy: Policy, after: str
) -> list[dict[str, Any]]:
    """The records of the next appointments behind an id."""
    import sqlalchemy as sa

    from server import database as db

    drawn, booked, visit = db.assignment, db.appointment.c, db.visit.c
    rows = connection.execute(
        sa.select(
            drawn,
            *(booked.service, booked.booked_at, booked.state, booked.late_s, booked.rebooked_at),
            *(booked.was_at, booked.cancelled_at, booked.cancelled_by, booked.came, booked.told_at),
            booked.at.label("last_slot_at"),
            *(visit.reported_at, visit.first_called_at, visit.ended_at, visit.status),
        )
        .join_from(drawn, db.appointment, booked.id == drawn.c.subject)
        .join(db.visit, visit.id == booked.visit, isouter=True)
        .where(drawn.c.site == site, drawn.c.subject > after, booked.service.not_in(discreet))
        .order_by(drawn.c.subject)
        .limit(PIECE)
    ).all()
    deliveries = _deliveries(connection, [row.subject for row in rows])
    return [_record(row, deliveries.get(row.subject, []), policy) for row in rows]


def _record(row: sa.Row[Any], deliveries: list[dict[str, Any]], policy: Policy) -> dict[str, Any]:
    from server.domain import punctuality
    from server.domain.appointment import Booking
    from server.domain.day import Status
    from server.domain.schedule import SECOND

    facts = punctuality.Facts(
        service=row.service,
        slot_at=row.last_slot_at,
        state=Booking(row.state),
        reported_at=row.reported_at,
        first_called_at=row.first_called_at,
        ended_at=row.ended_at,
        outcome_status=None if row.status is None else Status(row.status),
        cancelled_at=row.cancelled_at,
        cancelled_by=row.cancelled_by,
        came=bool(row.came),
        told_at=row.told_at,
    )

    def seconds(since: int | None, until: int | None) -> float | None:
        return None if since is None or until is None else (until - since) / SECOND

    return {
        "appointment": row.subject,
        "experiment": row.experiment,
        "policy": row.policy,
        "eligible": bool(row.eligible),
        "reason": row.reason,
        "arm": row.arm,
        "probability": row.probability,
        "ladder": None if row.ladder is None else row.ladder.split(),
        "wording": row.wording,
        "again": bool(row.again),
        "ends": row.ends,
        "assigned_at": _iso(row.at),
        "assigned_slot_at": _iso(row.slot_at),
        "lead_s": seconds(row.booked_at, row.slot_at),
        "service": row.service,
        "booked_at": _iso(row.booked_at),
        "slot_at": _iso(row.last_slot_at),
        "state": row.state,
        "moved_at": _iso(row.rebooked_at),
        "was_at": _iso(row.was_at),
        "announced_late_s": row.late_s,
        "cancelled_at": _iso(row.cancelled_at),
        "cancelled_by": row.cancelled_by,
        "cancelled_ahead_s": seconds(row.cancelled_at, row.last_slot_at),
        "reported_at": _iso(row.reported_at),
        "late_s": seconds(row.last_slot_at, row.reported_at),
        "called_at": _iso(row.first_called_at),
        "ended_at": _iso(row.ended_at),
        "punctuality": policy.version,
        "arrival": punctuality.arrival(row.last_slot_at, row.reported_at, policy, row.told_at),
        "outcome": punctuality.outcome(facts, policy),
        "deliveries": deliveries,
    }


def _deliveries(connection: sa.Connection, subjects: list[str]) -> dict[str, list[dict[str, Any]]]:
    """Every delivery of these appointments and of their visits, by appointment, oldest first."""
    import sqlalchemy as sa

    from server import database as db

    table, visit = db.delivery, db.visit.c
    owners = {subject: subject for subject in subjects}
    for row in connection.execute(
        sa.select(visit.id, visit.appointment).where(
            visit.id.in_(sa.select(db.appointment.c.visit).where(db.appointment.c.id.in_(subjects)))
        )
    ):
        owners[row.id] = row.appointment
    rows = connection.execute(
        sa.select(table)
        .where(table.c.subject.in_(list(owners)))
        .order_by(table.c.planned_at, table.c.due_at, table.c.rank, table.c.id)
    ).all()
    events: dict[str, list[dict[str, Any]]] = {row.id: [] for row in rows}
    happened = db.delivery_event
    for row in connection.execute(
        sa.select(happened)
        .where(happened.c.delivery.in_(list(events)))
        .order_by(happened.c.delivery, happened.c.n)
    ):
        events[row.delivery].append(
            {
                "kind": row.kind,
                "at": _iso(row.at),
                "real_at": _iso(row.real_at),
                "attempt": row.attempt,
                "code": without_addresses(row.code),
            }
        )
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(owners[row.subject], []).append(
            {
                "delivery": row.id,
                "kind": row.kind,
                "step": row.step,
                "slot_at": _iso(row.slot_at or None),
                "rank": row.rank,
                "channel": row.channel or None,
                "state": row.state,
                "reason": None if row.reason is None else without_addresses(row.reason),
                "planned_at": _iso(row.planned_at),
                "due_at": _iso(row.due_at),
                "attempts": row.attempt,
                "parts": row.parts,
                "cost": row.cost,
                "events": events[row.id],
            }
        )
    return found


def without_addresses(code: str) -> str:
    """What a gateway said, without the numbers and mail addresses that some repeat in it."""
    return _ADDRESS.sub("...", code)


def _iso(instant: int | None) -> str | None:
    from server.domain.schedule import iso

    return None if instant is None else iso(instant)
