"""The report of waits: how long until the first call, the service level, and what became of calls."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from server.domain.day import Status
from server.domain.house import House
from server.domain.schedule import SECOND
from server.figures.grouping import DIMENSIONS, Groups, check_dimensions, groups
from server.figures.notes import PERCENTILES, lasting, span_notes
from server.figures.packing import ENDS, NEVER, STATUSES
from server.figures.record import Ints, Record, check_span, read
from server.figures.report import Column, Report, Table, Unit, Value
from server.figures.spread import columns, share, spread
from server.figures.stints import End

KIND = "waits"

_WHO = Column("who", "Who", Unit.TEXT)


def report(
    connection: sa.Connection, house: House, first: date, last: date, by: Sequence[str], now: int
) -> Report:
    """Waits at a site over local days, both included, asked ``by`` some of ``grouping.DIMENSIONS``.

    Raises :class:`~server.figures.report.BadQuestion`.
    """
    check_span(first, last)
    check_dimensions(by)
    record = read(connection, house.site, first, last, now)
    return Report(
        kind=KIND,
        site=house.site,
        first=first,
        last=last,
        tables=(waits(record, house, by), calls(record, house, by)),
        notes=span_notes(record, house, by, now),
    )


def waited(record: Record) -> tuple[Ints, NDArray[np.bool_]]:
    """Microseconds from the later of slot and report to the first call, and who was called at all.

    An appointment that is called before its slot waited 0.
    """
    visits = record.visits
    called = visits["first_called_at"] != NEVER
    since = np.maximum(visits["reported_at"], visits["slot_at"])  # without a slot it is NEVER, the least
    return np.where(called, np.maximum(0, visits["first_called_at"] - since), 0), called


def waits(record: Record, house: House, by: Sequence[str]) -> Table:
    """Waits with and without appointment, and how many waited no longer than the house's norm."""
    visits, norm = record.visits, house.norm
    took, called = waited(record)
    of = groups(record, house, visits, visits["reported_at"], by)
    everybody = np.ones(len(called), dtype=np.bool_)
    booked = visits["appointment"] == 1
    parts = {"all": everybody, "with appointment": booked, "without appointment": ~booked}
    if "appointment" in by:
        parts = {"all": everybody}
    found = {who: _rows(record, of, took, called & mine, mine, norm.within_s) for who, mine in parts.items()}
    rows = [
        (*label, *((who,) if len(parts) > 1 else ()), *found[who][place])
        for place, label in enumerate(of.labels)
        for who in parts
    ]
    return Table(
        id="waits",
        title="Waits until the first call",
        columns=(
            *(DIMENSIONS[name] for name in by),
            *((_WHO,) if len(parts) > 1 else ()),
            Column("visits", "Visits", Unit.COUNT, "visits"),
            Column("called", "Called", Unit.COUNT, "wait"),
            *columns("wait", "Wait", "wait"),
            Column("within", f"Called within {lasting(norm.within_s)}", Unit.COUNT, "service-level"),
            Column("within_share", "Service level", Unit.SHARE, "service-level"),
            Column("left_uncalled", "Left before a call", Unit.COUNT, "people-who-left"),
            Column("not_served_uncalled", "Never called by closing", Unit.COUNT, "not-served-by-closing"),
            Column("waiting", "Still waiting", Unit.COUNT, "wait"),
        ),
        rows=tuple(rows),
        notes=(
            "Service level: of those who were called, how many were within the time that the house aims at. "
            f"It aims at {norm.percent} of 100 within {lasting(norm.within_s)}.",
            "Who was never called has no wait: they left before, were there at closing, or still wait.",
            PERCENTILES,
        ),
    )


def _rows(
    record: Record,
    of: Groups,
    took: Ints,
    called: NDArray[np.bool_],
    mine: NDArray[np.bool_],
    within_s: int,
) -> list[tuple[Value, ...]]:
    visits = record.visits
    told = spread(took, called, of)
    within = of.counts(called & (took <= within_s * SECOND))
    uncalled = mine & ~called
    counts = [
        of.counts(uncalled & (visits["status"] == STATUSES.index(status)))
        for status in (Status.LEFT, Status.NOT_SERVED)
    ]
    counts.append(of.counts(uncalled & (visits["ended_at"] == NEVER)))
    present = of.counts(mine)
    return [
        (
            *(int(present[place]), int(told.counts[place]), *told.rows[place]),
            *(int(within[place]), share(int(within[place]), int(told.counts[place]))),
            *(int(count[place]) for count in counts),
        )
        for place in range(of.count)
    ]


def calls(record: Record, house: House, by: Sequence[str]) -> Table:
    """Calls to counters: how many were repeated or in vain, and how long people walked."""
    stints = record.stints
    of = groups(record, house, stints, stints["called_at"], by)
    started = stints["started_at"] != NEVER
    walk = np.where(started, stints["started_at"] - stints["called_at"], 0)
    told = spread(walk, started, of)
    count, again = of.counts(), of.counts(stints["calls"] > 1)
    recalls = of.sums(stints["calls"] - 1)
    vain = of.counts(stints["end"] == ENDS.index(End.NOT_PRESENT))
    rows = [
        (
            *(*label, int(count[place]), int(recalls[place]), int(again[place])),
            *(share(int(again[place]), int(count[place])), int(vain[place])),
            *(int(told.counts[place]), *told.rows[place]),
        )
        for place, label in enumerate(of.labels)
    ]
    return Table(
        id="calls",
        title="Calls to counters",
        columns=(
            *(DIMENSIONS[name] for name in by),
            Column("calls", "Calls", Unit.COUNT, "calls-and-recalls"),
            Column("recalls", "Recalls", Unit.COUNT, "calls-and-recalls"),
            Column("recalled", "Calls that were repeated", Unit.COUNT, "calls-and-recalls"),
            Column("recalled_share", "Share repeated", Unit.SHARE, "calls-and-recalls"),
            Column("in_vain", "Calls in vain", Unit.COUNT, "people-who-left"),
            Column("started", "Services begun", Unit.COUNT, "walking-time"),
            *columns("walk", "Walking time", "walking-time"),
        ),
        rows=tuple(rows),
        notes=(
            "A visit that goes on, returns or is sent on is called again: each time counts.",
            PERCENTILES,
        ),
    )
