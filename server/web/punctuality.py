"""``GET /sites/{site}/punctuality``: the two axes over local days, from the rows beside the journal.

A day is read and told at a time, so that neither the loop nor the reading thread is held for long.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from functools import partial
from typing import Any

import msgspec
import sqlalchemy as sa

from server import database as db
from server.access import Right
from server.domain.appointment import Booking
from server.domain.day import Status
from server.domain.punctuality import Facts, Policy, Table, by_service
from server.web.endpoint import SITE, Ask, Endpoint
from server.web.errors import Problem

DAYS = 400
"""Local days in one answer at most."""

_FIRST, _LAST = date(2000, 1, 1), date(2199, 12, 31)


class Lines(msgspec.Struct):
    """Where the lines are drawn, in seconds from the slot.

    Reported more than ``early_s`` before it is early, up to ``grace_s`` after it within the grace;
    cancelled at least ``cancel_in_time_s`` before it is in time.
    """

    version: str
    early_s: int
    grace_s: int
    cancel_in_time_s: int


class Pair(msgspec.Struct):
    """How many slots had this arrival and this outcome."""

    arrival: str
    outcome: str
    slots: int


class Spread(msgspec.Struct):
    """Seconds of so many appointments; the quantiles are by nearest rank, all null where there is none."""

    appointments: int
    mean_s: float | None
    p50_s: float | None
    p90_s: float | None
    p95_s: float | None


class Figures(msgspec.Struct):
    """The figures of some slots.

    ``stood`` is the denominator of both percentages: slots at which somebody was expected, neither
    cancelled nor given up. ``not_present`` is the part of ``left`` that was called in vain; ``pending``
    is still to be seen and in no other figure. ``wait`` begins at the later of slot and report, and an
    early call counts 0; ``city_lateness`` is the same with early calls negative; ``call_minus_slot`` is
    raw, whoever was late.
    """

    pairs: list[Pair]
    stood: int
    late: int
    never_reported: int
    percent_late_or_missed: float | None
    percent_missed: float | None
    not_present: int
    pending: int
    wait: Spread
    city_lateness: Spread
    call_minus_slot: Spread


class Punctuality(msgspec.Struct):
    """Appointments with a slot on the local days from ``from`` to ``to``, both included.

    An appointment that moved counts once for the slot it last gave up, as rebooked, and once for its own.
    """

    site: str
    from_: str = msgspec.field(name="from")
    to: str
    policy: Lines
    all: Figures
    services: dict[str, Figures]


def _span(ask: Ask) -> list[date]:
    first, last = ask.query["from"], ask.query["to"]
    for name, day in (("from", first), ("to", last)):
        if not _FIRST <= day <= _LAST:
            raise Problem(422, "invalid-query", f"{name}: a day from {_FIRST} to {_LAST}.", parameter=name)
    if last < first:
        raise Problem(422, "invalid-query", "to: lies before from.", parameter="to")
    count = (last - first).days + 1
    if count > DAYS:
        raise Problem(
            422, "invalid-query", f"to: at most {DAYS} days after from.", parameter="to", limit=DAYS
        )
    return [first + timedelta(days=ahead) for ahead in range(count)]


def _slots(connection: sa.Connection, site: str, begin: int, until: int) -> list[Facts]:
    """The slots that appointments hold in [begin, until), with what became of them."""
    table, visit = db.appointment, db.visit
    rows = connection.execute(
        sa.select(
            *(table.c.service, table.c.at, table.c.state, table.c.cancelled_at, table.c.cancelled_by),
            *(
                table.c.came,
                table.c.told_at,
                visit.c.reported_at,
                visit.c.first_called_at,
                visit.c.ended_at,
                visit.c.status,
            ),
        )
        .join_from(table, visit, visit.c.id == table.c.visit, isouter=True)
        .where(table.c.site == site, table.c.at >= begin, table.c.at < until)
    )
    return [
        Facts(
            service=row.service,
            slot_at=row.at,
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
        for row in rows
    ]


def _given_up(connection: sa.Connection, site: str, begin: int, until: int) -> list[Facts]:
    """The slots in [begin, until) that appointments moved away from."""
    table = db.appointment
    rows = connection.execute(
        sa.select(table.c.service, table.c.was_at).where(
            table.c.site == site, table.c.was_at >= begin, table.c.was_at < until
        )
    )
    return [
        Facts(service=row.service, slot_at=row.was_at, state=Booking.BOOKED, rebooked=True) for row in rows
    ]


def merged(tables: Sequence[Table], policy: Policy) -> Table:
    """The table of all slots behind these tables, which were told under the same policy."""
    counts: Counter[Any] = Counter()
    for table in tables:
        counts.update(table.counts)
    return Table(
        policy=policy.version,
        counts=dict(counts),
        not_present=sum(table.not_present for table in tables),
        pending=sum(table.pending for table in tables),
        waits_s=tuple(sorted(each for table in tables for each in table.waits_s)),
        city_lateness_s=tuple(sorted(each for table in tables for each in table.city_lateness_s)),
        call_minus_slot_s=tuple(sorted(each for table in tables for each in table.call_minus_slot_s)),
    )


def _spread(ordered: Sequence[float]) -> Spread:
    def rank(share: float) -> float | None:
        return round(ordered[math.ceil(share * len(ordered)) - 1], 1) if ordered else None

    mean = round(math.fsum(ordered) / len(ordered), 1) if ordered else None
    return Spread(len(ordered), mean, rank(0.5), rank(0.9), rank(0.95))


def _figures(table: Table) -> Figures:
    return Figures(
        pairs=[
            Pair(arrival.value, outcome.value, count)
            for (arrival, outcome), count in sorted(table.counts.items())
        ],
        stood=table.stood,
        late=table.late,
        never_reported=table.never_reported,
        percent_late_or_missed=_rounded(table.percent_late_or_missed),
        percent_missed=_rounded(table.percent_missed),
        not_present=table.not_present,
        pending=table.pending,
        wait=_spread(table.waits_s),
        city_lateness=_spread(table.city_lateness_s),
        call_minus_slot=_spread(table.call_minus_slot_s),
    )


def _rounded(percent: float | None) -> float | None:
    return None if percent is None else round(percent, 2)


def _add(tables: dict[str, list[Table]], rows: Iterable[Facts], policy: Policy) -> None:
    for service, table in by_service(rows, policy).items():
        tables.setdefault(service, []).append(table)


def _told(ask: Ask, days: Sequence[date], tables: dict[str, list[Table]], policy: Policy) -> Punctuality:
    services = {service: merged(tables[service], policy) for service in sorted(tables)}
    return Punctuality(
        site=ask.site_name,
        from_=days[0].isoformat(),
        to=days[-1].isoformat(),
        policy=Lines(policy.version, policy.early_s, policy.grace_s, policy.cancel_in_time_s),
        all=_figures(merged(list(services.values()), policy)),
        services={service: _figures(table) for service, table in services.items()},
    )


async def _punctuality(ask: Ask) -> Punctuality:
    days, calendar, policy = _span(ask), ask.site.house.calendar, Policy()
    begin, until = calendar.midnight_before(days[0]), calendar.midnight_after(days[-1])
    tables: dict[str, list[Table]] = {}
    read = ask.parts.database.read
    _add(tables, await read(partial(_given_up, site=ask.site_name, begin=begin, until=until)), policy)
    for day in days:
        begin, until = calendar.midnight_before(day), calendar.midnight_after(day)
        _add(tables, await read(partial(_slots, site=ask.site_name, begin=begin, until=until)), policy)
    return await asyncio.to_thread(_told, ask, days, tables, policy)


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "GET",
        SITE + "/punctuality",
        Right.READ_FIGURES,
        f"Punctuality of the appointments on the local days from..to, both included, at most {DAYS}",
        Punctuality,
        read=_punctuality,
        query=(("from", date, True), ("to", date, True)),
    ),
)
"""The endpoints of figures."""
