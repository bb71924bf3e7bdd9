"""Satisfaction: what citizens said of visits that are over (``docs/outside-figures.md``)."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

import sqlalchemy as sa

from server import database as db
from server.domain.day import OVER
from server.domain.house import House
from server.figures.report import Column, Table, Unit, Value

FEWEST = 5
"""Fewer answers say little of a service, and perhaps too much of a person: they are only counted."""

_OVER = [status.value for status in OVER]
_FIGURE = "Satisfaction"
_COLUMNS = (
    Column("ended", "Visits that ended", Unit.COUNT, _FIGURE),
    Column("answers", "Answers", Unit.COUNT, _FIGURE),
    Column("answered", "Share that answered", Unit.SHARE, _FIGURE),
    Column("mean", "Mean score", Unit.NUMBER, _FIGURE),
    Column("median", "Median score", Unit.NUMBER, _FIGURE),
    Column("high", "Share 9 or 10", Unit.SHARE, _FIGURE),
    Column("low", "Share 0 to 6", Unit.SHARE, _FIGURE),
)


@dataclass(slots=True)
class Group:
    """Visits that ended, and the scores among them: how often each was given."""

    ended: int = 0
    scores: Counter[int] = field(default_factory=Counter)

    def cells(self) -> tuple[Value, ...]:
        """The figures, in the order of the columns."""
        answers = self.scores.total()
        counted = (self.ended, answers, answers / self.ended if self.ended else None)
        if answers < FEWEST:
            return (*counted, None, None, None, None)
        mean = math.fsum(score * times for score, times in self.scores.items()) / answers
        high = sum(times for score, times in self.scores.items() if score >= 9)
        low = sum(times for score, times in self.scores.items() if score <= 6)
        return (*counted, mean, _median(self.scores, answers), high / answers, low / answers)


def tables(connection: sa.Connection, house: House, first: date, last: date) -> tuple[Table, ...]:
    """Satisfaction with the visits of the local days from ``first`` to ``last``.

    In all and by how they ended; by service; by month.
    """
    whole = Group()
    by_end: defaultdict[str, Group] = defaultdict(Group)
    by_service: defaultdict[str, Group] = defaultdict(Group)
    by_month: defaultdict[str, Group] = defaultdict(Group)

    def groups(service: str, month: str, status: str) -> tuple[Group, ...]:
        known = house.services.get(service)
        # A service that was dropped may have been a discreet one.
        listed = known is not None and not known.discreet
        return (whole, by_end[status], by_month[month], *((by_service[service],) if listed else ()))

    for service, day, status, visits in _ended(connection, house.site, first, last):
        for group in groups(service, day[:7], status):
            group.ended += visits
    for service, month, status, score, answers in _answered(connection, house.site, first, last):
        for group in groups(service, month, status):
            group.scores[score] += answers
    notes = (f"Scores are told from {FEWEST} answers on.",)
    quiet = ("Visits for a discreet service are in the other tables only.", *notes)
    names = {name: service.name for name, service in house.services.items()}
    ends = [("all", whole), *sorted(by_end.items())]
    return (
        _table("satisfaction", "Satisfaction", "end", "How the visit ended", ends, notes),
        _table(
            "satisfaction-by-service",
            "Satisfaction by service",
            "service",
            "Service",
            [(names[name], by_service[name]) for name in names if name in by_service],
            quiet,
        ),
        _table(
            "satisfaction-by-month",
            "Satisfaction by month",
            "month",
            "Month",
            sorted(by_month.items()),
            notes,
        ),
    )


def _table(
    name: str, title: str, key: str, heading: str, groups: Iterable[tuple[str, Group]], notes: tuple[str, ...]
) -> Table:
    rows = tuple((label, *group.cells()) for label, group in groups)
    return Table(name, title, (Column(key, heading, Unit.TEXT), *_COLUMNS), rows, notes)


def _ended(connection: sa.Connection, site: str, first: date, last: date) -> list[tuple[str, str, str, int]]:
    """Service, day, how it ended, and how many visits."""
    visit = db.visit
    counted = (
        sa.select(visit.c.service, visit.c.day, visit.c.status, sa.func.count())
        .where(visit.c.site == site, visit.c.day >= first.isoformat(), visit.c.day <= last.isoformat())
        .where(visit.c.status.in_(_OVER))
        # The index has the days in order: by month all of a year would have to be sorted.
        .group_by(visit.c.day, visit.c.service, visit.c.status)
    )
    return [tuple(row) for row in connection.execute(counted)]


def _answered(
    connection: sa.Connection, site: str, first: date, last: date
) -> list[tuple[str, str, str, int, int]]:
    """Service, month, how it ended, score, and how many visits that are over got it."""
    visit, said = db.visit, db.satisfaction
    month = sa.func.substr(said.c.day, 1, 7).label("month")
    counted = (
        sa.select(visit.c.service, month, visit.c.status, said.c.score, sa.func.count())
        .join_from(said, visit, visit.c.id == said.c.visit)
        .where(said.c.site == site, said.c.day >= first.isoformat(), said.c.day <= last.isoformat())
        .where(visit.c.status.in_(_OVER))
        .group_by(visit.c.service, month, visit.c.status, said.c.score)
    )
    return [tuple(row) for row in connection.execute(counted)]


def _median(scores: Mapping[int, int], answers: int) -> float:
    """The middle one of the scores in order; the mean of the two in the middle where their number is even."""
    ordered = [score for score in sorted(scores) for _ in range(scores[score])]
    return (ordered[(answers - 1) // 2] + ordered[answers // 2]) / 2
