"""Punctuality over local days: who may be counted in which table, and the report.

``docs/punctuality.md`` defines every figure with its denominator.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import sqlalchemy as sa

from server import policies
from server.domain.house import House
from server.domain.punctuality import Arrival, Outcome, Policy
from server.figures import dimensions, experiments, slots
from server.figures import report as reports
from server.figures.axes import ARRIVALS, Bin, Group, distribution, told
from server.figures.report import BadQuestion, Column, Report, Unit, Value
from server.figures.slots import NONE, Slots

DAYS = 400
"""Local days in one answer at most."""


def seen(found: Slots, house: House, by: Sequence[str]) -> Slots:
    """The slots that may stand in an answer that is divided so: see :func:`left_out`."""
    hidden = [service.discreet for service in house.services.values()]
    if "service" in by:
        # What the configuration no longer has may have been discreet.
        return found.where(~np.array([*hidden, True])[found.service])
    return found.where(found.service != NONE) if "range" in by else found


def left_out(house: House, by: Sequence[str]) -> str:
    """What :func:`seen` leaves out, in words; "" where that is nothing.

    Whoever comes to a discreet service must not be found in a cell of a table, nor by taking the cells from
    the total: where figures are divided by service, they are in none of them.
    """
    if "service" in by:
        return "Discreet services, and services that the house no longer has, are in none of these figures."
    return "Services that the house no longer has are in none of these figures." if "range" in by else ""


def asked(
    connection: sa.Connection, house: House, first: date, last: date, by: Sequence[str], version: str | None
) -> tuple[tuple[str, ...], Policy]:
    """What is asked for, if it can be: dimensions and policy. Raises :class:`BadQuestion`."""
    if last < first:
        raise BadQuestion("to: lies before from")
    if (last - first).days >= DAYS:
        raise BadQuestion(f"to: at most {DAYS} days after from")
    policy = policies.find(connection, house, version)
    if policy is None:
        known = ", ".join(policies.known(connection, house.site) or [house.policy.version])
        raise BadQuestion(f'policy: the house has no "{version}"; it has {known}')
    return dimensions.checked(by), policy


def report(
    connection: sa.Connection,
    house: House,
    first: date,
    last: date,
    by: Sequence[str],
    now: int,
    policy: str | None = None,
) -> Report:
    """Punctuality on the local days from ``first`` to ``last``, both included, under a version of the policy.

    Without ``policy`` by the one that counts. ``now`` is house time. Raises :class:`BadQuestion`.
    """
    divided, lines = asked(connection, house, first, last, by, policy)
    hidden = experiments.withheld(connection, house, now) if "arm" in divided else frozenset()
    read = slots.read(connection, house, first, last, wanted=divided, hidden=hidden)
    found = seen(read, house, divided)
    tables = [_table("all", "All appointments", (), told(found, house, lines, (), first, last))]
    if divided:
        made = told(found, house, lines, divided, first, last)
        tables += [_table("groups", "Punctuality", divided, made), _pairs(divided, made)]
    else:
        tables.append(_pairs((), told(found, house, lines, (), first, last)))
    tables.append(_bins(distribution(found, lines)))
    notes = [
        f"Policy {lines.version}: early is more than {lines.early_s} s before the slot, the grace is "
        f"{lines.grace_s} s, cancelled in time is at least {lines.cancel_in_time_s} s before the slot.",
        left_out(house, divided),
    ]
    if hidden:
        notes.append(f"Not over, and so not told by arm: {', '.join(sorted(hidden))}.")
    if not len(found):
        notes.append("There was no appointment on these days.")
    elif house.calendar.local_date(now) <= last:
        notes.append("These days are not over: what is still to be seen is only counted as pending.")
    return Report("punctuality", house.site, first, last, tuple(tables), tuple(filter(None, notes)))


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


_COUNTED = (
    *("slots", "stood", "early", "on_time", "grace", "late", "missed", "came", "served", "left"),
    *("not_present", "not_served", "cancelled_in_time", "cancelled_too_late", "cancelled_by_city"),
    *("rebooked", "pending"),
)
_SHARES = ("share_early", "share_late", "share_missed", "share_late_or_missed")
_SPREADS = ("wait", "city_lateness", "call_minus_slot")
_NAMES = {
    "slots": "Slots",
    "stood": "Stood",
    "missed": "Never reported",
    "came": "Came, not reported",
    "not_present": "Called in vain",
    "not_served": "Not served by closing",
    "share_late_or_missed": "Share late or never reported",
    "share_missed": "Share never reported",
    "wait": "Wait",
    "city_lateness": "City's lateness",
    "call_minus_slot": "Call minus slot",
}


def _name(key: str) -> str:
    return _NAMES.get(key, key.replace("_", " ").capitalize())


def _columns(by: Sequence[str]) -> tuple[Column, ...]:
    figure = "Punctuality"
    columns = [dimensions.DIMENSIONS[name] for name in by]
    columns += [Column(key, _name(key), Unit.COUNT, figure) for key in _COUNTED]
    columns += [Column(key, _name(key), Unit.SHARE, figure) for key in _SHARES]
    for key in _SPREADS:
        columns.append(Column(f"{key}_appointments", f"{_name(key)}: appointments", Unit.COUNT, figure))
        for part, said in (("mean_s", "mean"), ("p50_s", "P50"), ("p90_s", "P90"), ("p95_s", "P95")):
            columns.append(Column(f"{key}_{part}", f"{_name(key)}: {said}", Unit.SECONDS, figure))
    return tuple(columns)


def _row(group: Group) -> tuple[Value, ...]:
    table = group.table
    spreads = [
        value
        for spread in (group.wait, group.city_lateness, group.call_minus_slot)
        for value in (spread.appointments, spread.mean_s, spread.p50_s, spread.p90_s, spread.p95_s)
    ]
    return (
        *group.of,
        *(sum(table.counts.values()) + table.pending, table.stood),
        *(table.arrived(each) for each in ARRIVALS if each is not Arrival.NEVER),
        *(table.never_reported, table.ended(Outcome.CAME)),
        *(table.ended(Outcome.SERVED), table.ended(Outcome.LEFT), table.not_present),
        table.ended(Outcome.NOT_SERVED),
        *(table.ended(Outcome.CANCELLED_IN_TIME), table.ended(Outcome.CANCELLED_TOO_LATE)),
        *(table.ended(Outcome.CANCELLED_BY_CITY), table.ended(Outcome.REBOOKED), table.pending),
        *(_share(table.arrived(Arrival.EARLY), table.stood), _share(table.late, table.stood)),
        _share(table.never_reported, table.stood),
        _share(table.late + table.never_reported, table.stood),
        *spreads,
    )


def _table(identity: str, title: str, by: Sequence[str], groups: Sequence[Group]) -> reports.Table:
    return reports.Table(identity, title, _columns(by), tuple(_row(group) for group in groups))


def _pairs(by: Sequence[str], groups: Sequence[Group]) -> reports.Table:
    figure = "Arrival and outcome"
    columns = (
        *(dimensions.DIMENSIONS[name] for name in by),
        Column("arrival", "Arrival", Unit.TEXT, figure),
        Column("outcome", "Outcome", Unit.TEXT, figure),
        Column("slots", "Slots", Unit.COUNT, figure),
    )
    rows = [
        (*group.of, arrival.value, outcome.value, number)
        for group in groups
        for (arrival, outcome), number in group.table.counts.items()
    ]
    return reports.Table("pairs", "Arrival and outcome", columns, tuple(rows))


def _bins(bins: Sequence[Bin]) -> reports.Table:
    figure = "Arrival minus slot"
    columns = (
        Column("from_s", "From", Unit.SECONDS, figure),
        Column("to_s", "To before", Unit.SECONDS, figure),
        Column("slots", "Appointments", Unit.COUNT, figure),
    )
    rows = tuple((each.from_s, each.to_s, each.slots) for each in bins)
    notes = ("Of everybody who reported and whose outcome is known; negative is before the slot.",)
    return reports.Table("arrivals", "Arrival minus slot", columns, rows, notes)
