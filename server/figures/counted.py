"""The numbers and tables of a page of figures, out of the reports that define them.

A page defines nothing of its own: it asks those who make the reports for the same figures, of other days as
well.
"""

from __future__ import annotations

import math
import pickle
import time
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import sqlalchemy as sa

from server.domain.day import Status
from server.domain.house import House
from server.figures import comparisons, experiments, outside, punctuality, reminders, slots
from server.figures import visits as of_visits
from server.figures import waits as of_waits
from server.figures.axes import Group, distribution, told
from server.figures.grouping import WEEKDAYS
from server.figures.overview import Compared, Experiment, Figure, Found, Numbers, Overview
from server.figures.packing import NEVER, STATUSES
from server.figures.periods import Against, Days, Span, against, period
from server.figures.record import Record, read
from server.figures.report import Column, Table, Unit, Value
from server.figures.slots import Slots
from server.figures.spread import share

Row = dict[str, Value]

KEPT, KEPT_S = 8, 600.0
"""So many years are kept, for so long, in real seconds."""

_DAY = timedelta(days=1)
_kept: dict[bytes, tuple[float, Overview]] = {}


def overview(connection: sa.Connection, house: House, span: Span, on: date, now: int) -> Overview:
    """The figures of the day, week or year that ``on`` lies in; ``now`` is house time.

    A year is told up to yesterday, the same all day long: it takes a second to count, so it is kept for
    :data:`KEPT_S`. Somebody may yet note of a day that is over that a person came.
    """
    of = period(span, on)
    if span is not Span.YEAR:
        return _counted(connection, house, span, of, now)
    yesterday = house.calendar.local_date(now) - _DAY
    of = Days(of.first, max(of.first - _DAY, min(of.last, yesterday)))
    key = pickle.dumps((house, of, yesterday))
    at, told = _kept.pop(key, (-math.inf, None))
    if told is None or time.monotonic() - at > KEPT_S:
        at, told = time.monotonic(), _counted(connection, house, span, of, now)
    _kept[key] = at, told
    while len(_kept) > KEPT:
        _kept.pop(next(iter(_kept)))
    return told


def _counted(connection: sa.Connection, house: House, span: Span, of: Days, now: int) -> Overview:
    record = read(connection, house.site, of.first, of.last, now)
    running = bool(record.running)
    # Who has not come yet may still come: appointments are told of days that are over.
    today = house.calendar.local_date(now)
    over = min(of.last, today if today in record.days and not running else today - _DAY)
    found = slots.read(connection, house, of.first, of.last)
    here = found.where(found.slot_at < house.calendar.midnight_after(over)) if of.first <= over else None
    compared = tuple(
        _compared(connection, house, each, over < today <= of.last)
        for each in against(span, of, house.calendar, now)
    )
    tables = (
        arrivals(found, house),
        busyness(record, house),
        *((hours(record, house),) if span is Span.DAY else ()),
        services(record, house, here, of.first),
        reminders.deliveries(connection, house, of.first, of.last, ("step", "channel")),
        *outside.tables(connection, house, of.first, of.last, now),
    )
    return Overview(
        span=span,
        of=of,
        days=_days(record),
        running=running,
        appointments=None if here is None else over,
        numbers=numbers(record, house, here),
        compared=compared,
        tables={table.id: table for table in tables},
        experiments=_experiments(connection, house, of, now),
    )


def numbers(record: Record, house: House, found: Slots | None) -> Numbers:
    """The headline numbers of some days, and of the slots of those of them that are over."""
    came = _rows(of_visits.visits(record, house, ()))[0]
    waited = {str(row["who"]): row for row in _rows(of_waits.waits(record, house, ()))}
    booked, walked = waited["with appointment"], waited["without appointment"]
    table = None if found is None else _group(found, house).table
    some = bool(came["visits"])
    made: dict[Figure, Any] = {
        Figure.VISITS: came["visits"] if some else None,
        Figure.APPOINTMENT_SHARE: came["appointment_share"],
        Figure.WITH_P50: booked["wait_p50_s"],
        Figure.WITH_P90: booked["wait_p90_s"],
        Figure.WITHOUT_P50: walked["wait_p50_s"],
        Figure.WITHOUT_P90: walked["wait_p90_s"],
        Figure.SERVICE_LEVEL: waited["all"]["within_share"],
        Figure.LATE_OR_MISSED: share(table.late + table.never_reported, table.stood) if table else None,
        Figure.MISSED: share(table.never_reported, table.stood) if table else None,
        Figure.LEFT: came["left_share"],
        Figure.NOT_SERVED: came["not_served"] if some else None,
    }
    return made


def rewound(record: Record, until: int) -> Record:
    """The visits of a record as they stood at an instant: who came later has not come yet."""
    there = record.visits["reported_at"] <= until
    visits = {name: column[there] for name, column in record.visits.items()}
    for name in ("first_called_at", "ended_at"):
        visits[name] = np.where(visits[name] > until, NEVER, visits[name])
    status = np.where(visits["ended_at"] == NEVER, STATUSES.index(Status.WAITING), visits["status"])
    return Record(
        record.texts, visits | {"status": status}, record.stints, record.shifts, record.days, record.running
    )


def _compared(connection: sa.Connection, house: House, with_: Against, shortened: bool) -> Compared:
    """The numbers of the days held against; counts are the mean of the parts on which anybody came.

    ``shortened`` leaves the last day's appointments out, as they are left out of what is compared.
    """
    records, days = [], []
    for part in with_.parts:
        record = read(connection, house.site, part.first, part.last)
        record = record if part.until is None else rewound(record, part.until)
        if len(record.visits["day"]):
            records.append(record)
            days.append(Days(part.first, part.last - _DAY if shortened else part.last))
    if not records:
        return Compared(with_, 0, dict.fromkeys(Figure))
    made = numbers(_together(records), house, _slots(connection, house, days))
    for figure in (Figure.VISITS, Figure.NOT_SERVED):
        whole = made[figure]
        made[figure] = None if whole is None else whole / len(records)
    return Compared(with_, sum(_days(record) for record in records), made)


def _together(records: Sequence[Record]) -> Record:
    """Records one after another, for what is asked of visits without their words."""
    if len(records) == 1:
        return records[0]
    visits = {name: np.concatenate([record.visits[name] for record in records]) for name in records[0].visits}
    return Record((), visits, {}, {}, tuple(day for record in records for day in record.days))


def _slots(connection: sa.Connection, house: House, days: Sequence[Days]) -> Slots | None:
    pieces = [
        slots.read(connection, house, each.first, each.last) for each in days if each.first <= each.last
    ]
    return slots.joined(pieces) if pieces else None


def _group(found: Slots, house: House) -> Group:
    (group,) = told(found, house, house.policy, (), date.min, date.min)
    return group


def _days(record: Record) -> int:
    return len(np.unique(record.visits["day"]))


def _rows(table: Table) -> list[Row]:
    keys = [column.key for column in table.columns]
    return [dict(zip(keys, row, strict=True)) for row in table.rows]


# --- the tables -----------------------------------------------------------------------------------------


def arrivals(found: Slots, house: House) -> Table:
    """How far from their slot people reported, in bars, and in a last row who never did."""
    policy = house.policy
    rows: list[tuple[Value, ...]] = []
    for bar in distribution(found, policy):
        begins = bar.from_s if bar.from_s is not None else -policy.early_s - 1
        if begins < 0:
            kind = "early" if begins < -policy.early_s else "on-time"
        else:
            kind = "grace" if begins < policy.grace_s else "late"
        rows.append((kind, bar.from_s, bar.to_s, bar.slots))
    rows.append(("never", None, None, _group(found, house).table.never_reported))
    return Table(
        id="arrivals",
        title="Arrival against slot",
        columns=(
            Column("arrival", "arrival", Unit.TEXT, "punctuality"),
            Column("from_s", "from", Unit.SECONDS),
            Column("to_s", "to before", Unit.SECONDS),
            Column("appointments", "appointments", Unit.COUNT, "punctuality"),
        ),
        rows=tuple(rows),
    )


def busyness(record: Record, house: House) -> Table:
    """Visits and waits by weekday and hour. A mean is over the days of that weekday on which anybody came."""
    by = ("weekday", "hour")
    days = {row["weekday"]: row["days"] for row in _rows(of_visits.visits(record, house, ("weekday",)))}
    waited = {
        (row["weekday"], row["hour"]): row["wait_p50_s"]
        for row in _rows(of_waits.waits(record, house, by))
        if row["who"] == "all"
    }
    rows = []
    for row in _rows(of_visits.visits(record, house, by)):
        day, hour = row["weekday"], row["hour"]
        count, of = row["visits"], days[day]
        assert isinstance(count, int)
        assert isinstance(of, int)
        rows.append((day, hour, count, round(count / of, 3), waited[day, hour]))
    return Table(
        id="busyness",
        title="Visits by weekday and hour",
        columns=(
            Column("weekday", "weekday", Unit.TEXT),
            Column("hour", "hour", Unit.NUMBER),
            Column("visits", "visits", Unit.COUNT, "visits"),
            Column("visits_a_day", "visits a day", Unit.NUMBER, "visits-a-day"),
            Column("wait_p50_s", "wait, P50", Unit.SECONDS, "wait"),
        ),
        rows=tuple(sorted(rows, key=lambda row: (WEEKDAYS.index(str(row[0])), row[1]))),
    )


def hours(record: Record, house: House) -> Table:
    """The hours of a day: who came, how long they waited, and how many counters were open."""
    by = ("hour",)
    came = {row["hour"]: row for row in _rows(of_visits.visits(record, house, by))}
    waited = {(row["hour"], row["who"]): row for row in _rows(of_waits.waits(record, house, by))}
    opened = {row["hour"]: row["counters"] for row in _rows(of_visits.counters(record, house, by))}
    nothing: Row = {}
    rows = []
    for hour in sorted({*came, *opened}, key=lambda value: value if isinstance(value, int) else -1):
        everybody = waited.get((hour, "all"), nothing)
        rows.append(
            (
                *(hour, came.get(hour, nothing).get("visits", 0)),
                *(
                    waited.get((hour, f"{who} appointment"), nothing).get("wait_p50_s")
                    for who in ("with", "without")
                ),
                everybody.get("wait_longest_s"),
                opened.get(hour, 0),
            )
        )
    return Table(
        id="hours",
        title="Waits by hour",
        columns=(
            Column("hour", "hour", Unit.NUMBER),
            Column("visits", "visits", Unit.COUNT, "visits"),
            Column("wait_with_p50_s", "wait with appointment, P50", Unit.SECONDS, "wait"),
            Column("wait_without_p50_s", "wait without appointment, P50", Unit.SECONDS, "wait"),
            Column("wait_longest_s", "wait, longest", Unit.SECONDS, "wait"),
            Column("counters", "counters that were open", Unit.COUNT, "occupancy"),
        ),
        rows=tuple(rows),
    )


def services(record: Record, house: House, found: Slots | None, first: date) -> Table:
    """Visits, waits and punctuality by service from ``first`` on; discreet services are in no row."""
    by = ("service",)
    came = {row["service"]: row for row in _rows(of_visits.visits(record, house, by))}
    waited = {row["service"]: row for row in _rows(of_waits.waits(record, house, by)) if row["who"] == "all"}
    groups: dict[Value, Group] = {}
    if found is not None:
        seen = punctuality.seen(found, house, by)
        groups = {group.of[0]: group for group in told(seen, house, house.policy, by, first, first)}
    nothing: Row = {}
    rows: list[tuple[Value, ...]] = []
    for service in (service for service in house.services.values() if not service.discreet):
        row, wait = came.get(service.id, nothing), waited.get(service.id, nothing)
        group = groups.get(service.id)
        if not row and group is None:
            continue
        table = None if group is None else group.table
        rows.append(
            (
                *(service.id, row.get("visits", 0), row.get("by_appointment", 0)),
                *(wait.get("wait_p50_s"), wait.get("wait_p90_s"), wait.get("within_share")),
                *(
                    (None, None, None)
                    if table is None
                    else (
                        table.stood,
                        share(table.late, table.stood),
                        share(table.never_reported, table.stood),
                    )
                ),
            )
        )
    return Table(
        id="services",
        title="By service",
        columns=(
            Column("service", "service", Unit.TEXT),
            Column("visits", "visits", Unit.COUNT, "visits"),
            Column("by_appointment", "by appointment", Unit.COUNT, "share-by-appointment"),
            Column("wait_p50_s", "wait, P50", Unit.SECONDS, "wait"),
            Column("wait_p90_s", "wait, P90", Unit.SECONDS, "wait"),
            Column("within_share", "service level", Unit.SHARE, "service-level"),
            Column("stood", "appointments that stood", Unit.COUNT, "punctuality"),
            Column("late_share", "share late", Unit.SHARE, "punctuality"),
            Column("missed_share", "share never reported", Unit.SHARE, "punctuality"),
        ),
        rows=tuple(rows),
    )


def _experiments(connection: sa.Connection, house: House, of: Days, now: int) -> tuple[Experiment, ...]:
    """The experiments of these days, each whole, with what they found once they are over."""
    trials = [
        trial
        for trial in experiments.trials(connection, house, now)
        if trial.begins <= of.last and of.first <= trial.last_slot
    ]
    made = []
    for trial in trials:
        found = _rows(comparisons.comparisons([trial])) if trial.ended is not None else []
        made.append(
            Experiment(
                id=trial.id,
                begins=trial.begins,
                ends=trial.ends,
                people=sum(arm.people for arm in trial.arms),
                known_on=trial.known_on,
                over=trial.ended is not None,
                found=tuple(_found(row) for row in found),
            )
        )
    return tuple(made)


def _found(row: Row) -> Found:
    return Found(
        *(str(row["outcome"]), str(row["arm"]), str(row["reference"])),
        *(_number(row[name]) for name in ("difference", "difference_low", "difference_high")),
    )


def _number(value: Value) -> float | None:
    return float(value) if isinstance(value, int | float) else None
