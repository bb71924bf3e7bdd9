"""The report of visits: how many came and what became of them, handling times, and the counters' time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import sqlalchemy as sa

from server.domain.day import IN_HOUSE, CounterMode, Status
from server.domain.house import House
from server.domain.schedule import SECOND
from server.figures.bookings import bookings
from server.figures.grouping import DIMENSIONS, OF_TIME, check_dimensions, groups
from server.figures.notes import span_notes
from server.figures.packing import ENDS, MODES, NEVER, STATUSES
from server.figures.record import Columns, Ints, Record, by_hour, check_span, read
from server.figures.report import Column, Report, Table, Unit
from server.figures.spread import columns, share, spread
from server.figures.stints import End

KIND = "visits"

COUNTERS_BY = (*sorted(OF_TIME), "counter")
"""What the time of counters can be asked by: a counter is open for all its services at once."""


def report(
    connection: sa.Connection, house: House, first: date, last: date, by: Sequence[str], now: int
) -> Report:
    """Visits at a site over local days, both included, asked ``by`` some of ``grouping.DIMENSIONS``.

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
        tables=(
            *(visits(record, house, by), handling(record, house, by), counters(record, house, by)),
            *(() if by else (bookings(connection, house, first, last),)),
        ),
        notes=span_notes(record, house, by, now),
    )


def visits(record: Record, house: House, by: Sequence[str]) -> Table:
    """How many came, by appointment or not, and how their visits ended."""
    rows = record.visits
    of = groups(record, house, rows, rows["reported_at"], by)
    count, booked = of.counts(), of.counts(rows["appointment"] == 1)
    persons, days = of.sums(rows["persons"]), of.different(rows["day"])
    ended = {
        status: of.counts(rows["status"] == STATUSES.index(status))
        for status in (Status.SERVED, Status.LEFT, Status.NOT_PRESENT, Status.NOT_SERVED)
    }
    here = of.counts(np.isin(rows["status"], [STATUSES.index(status) for status in IN_HOUSE]))
    told = []
    for place, label in enumerate(of.labels):
        came, over = int(count[place]), int(count[place] - here[place])
        left = int(ended[Status.LEFT][place] + ended[Status.NOT_PRESENT][place])
        told.append(
            (
                *(*label, came, int(persons[place]), int(days[place])),
                *(share(came, int(days[place])), int(booked[place]), share(int(booked[place]), came)),
                *(int(counted[place]) for counted in ended.values()),
                *(share(left, over), share(int(ended[Status.NOT_SERVED][place]), over), int(here[place])),
            )
        )
    return Table(
        id="visits",
        title="Visits",
        columns=(
            *(DIMENSIONS[name] for name in by),
            Column("visits", "visits", Unit.COUNT, "visits"),
            Column("persons", "persons", Unit.COUNT, "visits"),
            Column("days", "days with visits", Unit.COUNT, "visits-a-day"),
            Column("visits_a_day", "visits a day", Unit.NUMBER, "visits-a-day"),
            Column("by_appointment", "by appointment", Unit.COUNT, "share-by-appointment"),
            Column("appointment_share", "share by appointment", Unit.SHARE, "share-by-appointment"),
            Column("served", "served", Unit.COUNT, "visits"),
            Column("left", "said that they leave", Unit.COUNT, "people-who-left"),
            Column("not_present", "called in vain", Unit.COUNT, "people-who-left"),
            Column("not_served", "not served by closing", Unit.COUNT, "not-served-by-closing"),
            Column("left_share", "share who left", Unit.SHARE, "people-who-left"),
            Column("not_served_share", "share not served", Unit.SHARE, "not-served-by-closing"),
            Column("here", "still in the house", Unit.COUNT, "visits"),
        ),
        rows=tuple(told),
    )


def handling(record: Record, house: House, by: Sequence[str]) -> Table:
    """How long people were served at counters."""
    stints = record.stints
    of = groups(record, house, stints, stints["called_at"], by)
    over = (stints["ended_at"] != NEVER) & (stints["end"] != ENDS.index(End.CLOSED))
    over &= stints["end"] != ENDS.index(End.NOT_PRESENT)
    measured = over & (stints["started_at"] != NEVER)
    took = np.where(measured, stints["ended_at"] - stints["started_at"], 0)
    told, unmeasured = spread(took, measured, of), of.counts(over & ~measured)
    whole = of.sums(took)
    rows = [
        (
            *(*label, int(told.counts[place]), *told.rows[place]),
            *(round(int(whole[place]) / SECOND, 3), int(unmeasured[place])),
        )
        for place, label in enumerate(of.labels)
    ]
    return Table(
        id="handling",
        title="Handling times",
        columns=(
            *(DIMENSIONS[name] for name in by),
            Column("handled", "times served", Unit.COUNT, "handling-time"),
            *columns("handling", "handling time", "handling-time"),
            Column("handling_total_s", "handling time, all together", Unit.SECONDS, "handling-time"),
            Column("not_measured", "begun without a start", Unit.COUNT, "handling-time"),
        ),
        rows=tuple(rows),
    )


def counters(record: Record, house: House, by: Sequence[str]) -> Table:
    """How long counters were open, and for how much of that they had somebody."""
    asked = [name for name in by if name in COUNTERS_BY]
    shifts, stints = record.shifts, record.stints
    is_open = shifts["mode"] == MODES.index(CounterMode.OPEN)
    each = {
        "open": _kept(shifts, is_open, "begin"),
        "paused": _kept(shifts, ~is_open, "begin"),
        "busy": _kept(stints, np.ones(len(stints["day"]), dtype=np.bool_), "called_at"),
        "busy_paused": _busy_while_paused(record, ~is_open),
    }
    together = {name: np.concatenate([rows[name] for rows in each.values()]) for name in each["open"]}
    kind = np.repeat(np.arange(len(each)), [len(rows["day"]) for rows in each.values()])
    if "hour" in asked:
        which, begin, end = by_hour(together["begin"], together["end"], record.days, house.calendar)
        together = {name: column[which] for name, column in together.items()} | {"begin": begin, "end": end}
        kind = kind[which]
    of = groups(record, house, together, together["begin"], asked)
    took = together["end"] - together["begin"]
    opened, paused, busy, busy_paused = (
        of.sums(np.where(kind == number, took, 0)) for number in range(len(each))
    )
    count = of.different(together["counter"], kind == 0)
    rows = [
        (
            *(*label, int(count[place])),
            *(round(int(sums[place]) / SECOND, 3) for sums in (opened, paused, busy)),
            share(int(busy[place]), int(opened[place] + busy_paused[place])),
        )
        for place, label in enumerate(of.labels)
    ]
    dropped = [name for name in by if name not in asked]
    return Table(
        id="counters",
        title="Counters",
        columns=(
            *(DIMENSIONS[name] for name in asked),
            Column("counters", "counters that were open", Unit.COUNT, "occupancy"),
            Column("open_s", "time open", Unit.SECONDS, "occupancy"),
            Column("paused_s", "time paused", Unit.SECONDS, "occupancy"),
            Column("busy_s", "time with somebody", Unit.SECONDS, "occupancy"),
            Column("occupancy", "occupancy", Unit.SHARE, "occupancy"),
        ),
        rows=tuple(rows),
        notes=(f"A counter is open for all that it serves: its time is not told by {' or '.join(dropped)}.",)
        if dropped
        else (),
    )


def _kept(rows: Columns, where: Ints, begin: str) -> Columns:
    """Intervals at counters: counter, day, begin and end."""
    named = (("counter", "counter"), ("day", "day"), ("begin", begin), ("end", "until"))
    return {name: rows[column][where] for name, column in named}


def _busy_while_paused(record: Record, paused: Ints) -> Columns:
    """The intervals in which a paused counter still had the person who was there when it paused."""
    shifts = _kept(record.shifts, paused, "begin")
    stints = record.stints
    shifts["stays"] = shifts["begin"].copy()
    for counter in np.unique(shifts["counter"]):
        mine, here = shifts["counter"] == counter, stints["counter"] == counter
        order = np.argsort(stints["called_at"][here], kind="stable")
        begins, ends = stints["called_at"][here][order], stints["until"][here][order]
        place = np.searchsorted(begins, shifts["begin"][mine], side="right") - 1
        # Nobody is called by a paused counter: it has at most the newest whom it called.
        until = np.where(place >= 0, ends[np.maximum(place, 0)], 0) if len(ends) else 0
        shifts["stays"][mine] = np.clip(until, shifts["begin"][mine], shifts["end"][mine])
    return {**{name: shifts[name] for name in ("counter", "day", "begin")}, "end": shifts["stays"]}
