"""Experiments out of their record: whom each drew, when it is over, and what then became of whom.

Outcomes are read of experiments that are over, and of no others: nobody can stop one by what they saw.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

import sqlalchemy as sa

from server import database as db
from server.domain.appointment import Booking
from server.domain.day import Status
from server.domain.house import House
from server.domain.punctuality import Arrival, Facts, Outcome, Policy, arrival, outcome
from server.domain.schedule import SECOND

_drawn, _booked = db.assignment.c, db.appointment.c
_LAST_PLACE = 1000
_UNKNOWN, _NONE = "unknown", "none"


class Effect(StrEnum):
    """What an arm may change, each told of everybody who was drawn into it."""

    MISSED = "missed"
    """Never reported, and no counter saw them."""
    LATE = "late"
    """Reported later than the grace."""
    CANCELLED = "cancelled-in-time"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """An arm and those who were drawn into it under one policy.

    ``drawn`` are appointments, ``people`` those of them that were their person's first in the experiment.
    """

    id: str
    ladder: str
    probability: float
    drawn: int = 0
    people: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What became of the people of an arm, once all of it is over.

    ``told`` are those whose outcome is known, ``unknown`` those of whom nothing ever was written down.
    """

    told: int
    unknown: int
    effects: dict[Effect, int]


_NOBODY = Ended(told=0, unknown=0, effects=dict.fromkeys(Effect, 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """An experiment under one policy. ``begins`` and ``ends`` bound the days on which people are drawn.

    ``known_on`` is the first local day on which all of it is over; it can move away, as long as people are
    drawn or move their appointments, never nearer. ``barred`` counts by reason who is not part of it.
    ``ended`` is by arm, and None until it is over. ``last_slot`` is the latest day of anybody's appointment.
    """

    id: str
    policy: str
    arms: tuple[Arm, ...]
    begins: date
    ends: date
    last_slot: date
    known_on: date
    moved_ends: bool = False
    barred: dict[str, int] = field(default_factory=dict)
    ended: dict[str, Ended] | None = None

    @property
    def reference(self) -> Arm:
        """What the others are compared with: the arm that reminds nobody, or the first there is."""
        return next((arm for arm in self.arms if not arm.ladder), self.arms[0])


def trials(connection: sa.Connection, house: House, now: int) -> list[Trial]:
    """All experiments of a house, by when they began; the configured one too that has drawn nobody yet.

    Outcomes are there of those that are over at ``now``, and are of the whole experiment always.
    """
    table = db.assignment
    keys = (_drawn.policy, _drawn.eligible, _drawn.reason, _drawn.arm, _drawn.ladder, _drawn.probability)
    rows = connection.execute(
        sa.select(
            _drawn.experiment,
            *keys,
            sa.func.min(_drawn.place).label("place"),
            sa.func.count().label("drawn"),
            sa.func.sum(sa.cast(_drawn.again, sa.Integer)).label("again"),
            sa.func.min(_drawn.at).label("first"),
            sa.func.max(_drawn.at).label("last"),
            sa.func.min(_drawn.ends).label("ends"),
            sa.func.max(_drawn.ends).label("ends_last"),
        )
        .select_from(table)
        .where(_drawn.site == house.site)
        .group_by(_drawn.experiment, *keys)
    ).all()
    found: list[Trial] = []
    for name in {row.experiment: None for row in rows}:
        found += _of(connection, house, name, [row for row in rows if row.experiment == name], now)
    planned = house.experiment
    if planned is not None and planned.id not in {trial.id for trial in found}:
        arms = tuple(
            Arm(
                id=arm.id,
                ladder=" ".join(step.name for step in arm.ladder),
                probability=arm.probability,
            )
            for arm in planned.arms
        )
        found.append(
            Trial(
                id=planned.id,
                policy="",
                arms=arms,
                begins=planned.starts,
                ends=planned.ends,
                last_slot=planned.ends,
                known_on=planned.ends + timedelta(days=1),
            )
        )
    return sorted(found, key=lambda trial: (trial.begins, trial.id, trial.policy))


def withheld(connection: sa.Connection, house: House, now: int) -> frozenset[str]:
    """The experiments of a house of which nothing by arm may be shown yet."""
    return frozenset(trial.id for trial in trials(connection, house, now) if trial.ended is None)


def _of(
    connection: sa.Connection, house: House, name: str, rows: list[sa.Row[tuple[object, ...]]], now: int
) -> list[Trial]:
    """One experiment, under each of its policies by itself; it is over under all of them at once."""
    local = house.calendar.local_date
    ends = {date.fromisoformat(day) for row in rows for day in (row.ends, row.ends_last) if day}
    if house.experiment is not None and house.experiment.id == name:
        ends.add(house.experiment.ends)
    # A record of before there was an end in it ends with who was drawn last.
    last_day = max(ends, default=local(max(row.last for row in rows)))
    # Cancelling is final at once; whoever moves their appointment is waited for.
    latest = connection.execute(
        sa.select(sa.func.max(_booked.at))
        .join_from(db.assignment, db.appointment, _booked.id == _drawn.subject)
        .where(*_counted(house, name), _booked.state != Booking.CANCELLED)
    ).scalar()
    last_slot = last_day if latest is None else max(last_day, local(latest))
    known_on = last_slot + timedelta(days=1)
    over = local(now) >= known_on
    ended = _ended(connection, house, name) if over else None
    found = []
    for policy in {row.policy: None for row in rows}:
        mine = [row for row in rows if row.policy == policy]
        arms = tuple(
            Arm(
                id=row.arm,
                ladder=row.ladder,
                probability=row.probability,
                drawn=row.drawn,
                people=row.drawn - row.again,
            )
            for row in sorted(
                (row for row in mine if row.eligible),
                key=lambda row: (_LAST_PLACE if row.place is None else row.place, row.arm),
            )
        )
        barred: Counter[str] = Counter()
        for row in mine:
            if not row.eligible:
                barred[row.reason] += row.drawn
        if not arms:
            continue
        found.append(
            Trial(
                id=name,
                policy=policy,
                arms=arms,
                begins=local(min(row.first for row in mine)),
                ends=last_day,
                last_slot=last_slot,
                known_on=known_on,
                moved_ends=len(ends) > 1,
                barred=dict(sorted(barred.items())),
                ended=None
                if ended is None
                else {arm.id: ended.get((policy, arm.id), _NOBODY) for arm in arms},
            )
        )
    return found


def _counted(house: House, name: str) -> tuple[sa.ColumnElement[bool], ...]:
    """Whom an experiment is told of: everybody who was drawn, with the first of their appointments."""
    return (
        _drawn.site == house.site,
        _drawn.experiment == name,
        _drawn.eligible,
        sa.not_(_drawn.again),
    )


def _ended(connection: sa.Connection, house: House, name: str) -> dict[tuple[str, str], Ended]:
    """What became of everybody by policy and arm as they were drawn, whatever was sent to them.

    Who moved counts by the slot that they moved to. Nobody is left out for what they did.
    """
    visit, lines = db.visit.c, Policy()
    found: Counter[tuple[str, str, str]] = Counter()
    # Plain tuples: of a hundred thousand people, names of columns and of enums cost more than the database.
    states, statuses = {each.value: each for each in Booking}, {each.value: each for each in Status}
    rows = connection.execute(
        sa.select(
            *(_drawn.policy, _drawn.arm, _booked.service, _booked.at, _booked.state, _booked.came),
            *(_booked.cancelled_at, _booked.cancelled_by, _booked.told_at),
            *(visit.reported_at, visit.status),
        )
        .join_from(db.assignment, db.appointment, _booked.id == _drawn.subject, isouter=True)
        .join(db.visit, visit.id == _booked.visit, isouter=True)
        .where(*_counted(house, name))
    ).all()
    for (
        policy,
        arm,
        service,
        at,
        state,
        came,
        cancelled_at,
        cancelled_by,
        told_at,
        reported_at,
        status,
    ) in rows:
        ending = Outcome.PENDING
        if at is not None:
            facts = Facts(
                service=service,
                slot_at=at,
                state=states[state],
                reported_at=reported_at,
                outcome_status=None if status is None else statuses[status],
                cancelled_at=cancelled_at,
                cancelled_by=cancelled_by,
                came=bool(came),
                told_at=told_at,
            )
            ending = outcome(facts, lines)
        found[policy, arm, _effect(ending, at, reported_at, told_at, lines)] += 1
    return {
        (policy, arm): Ended(
            told=sum(
                count
                for (*group, what), count in found.items()
                if group == [policy, arm] and what != _UNKNOWN
            ),
            unknown=found[policy, arm, _UNKNOWN],
            effects={effect: found[policy, arm, effect.value] for effect in Effect},
        )
        for policy, arm in {(policy, arm) for policy, arm, _ in found}
    }


def _effect(ending: Outcome, at: int, reported_at: int | None, told_at: int | None, lines: Policy) -> str:
    """The one effect that an outcome counts for, or why none."""
    if ending is Outcome.PENDING:
        return _UNKNOWN
    if ending is Outcome.MISSED:
        return Effect.MISSED.value
    if ending is Outcome.CANCELLED_IN_TIME:
        return Effect.CANCELLED.value
    late = arrival(at, reported_at, lines, told_at) is Arrival.LATE
    return Effect.LATE.value if late else _NONE


def missed_before(connection: sa.Connection, house: House, day: date, days: int) -> tuple[int, int]:
    """Of the appointments of so many days before a day: how many were missed, and how many there were.

    Whoever cancelled counts among all, as they do in an experiment.
    """
    until = house.calendar.midnight_before(day)
    never = sa.and_(_booked.state == Booking.NEVER, sa.not_(_booked.came))
    missed, every = connection.execute(
        sa.select(sa.func.sum(sa.cast(never, sa.Integer)), sa.func.count()).where(
            _booked.site == house.site,
            _booked.at >= until - days * 86_400 * SECOND,
            _booked.at < until,
            _booked.state.not_in([Booking.BOOKED, Booking.CONFIRMED]),
        )
    ).one()
    return missed or 0, every
