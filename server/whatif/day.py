"""A day to be played again and again: as it was recorded, or as it is planned; and what varies in it.

The journal gives an ended day. A planned one has its booked appointments, the walk-ins of the same weekdays
before it and the counters of the newest of these. How long calls take and how far from their slot people
report varies as it did in the four weeks before.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date, timedelta

import sqlalchemy as sa

from server import database as db
from server.domain.appointment import Booking
from server.domain.day import CounterMode, Status
from server.domain.house import House
from server.domain.schedule import SECOND, Period, to_datetime
from server.ledger import appointment_of, newest_day
from server.replay.hall import Duty, Person
from server.whatif.recorded import Recorded, entries, read
from server.whatif.scenario import Wrong

BACK_DAYS = 28
"""How far back handling times and lateness are taken from, in local days; the day itself is in it."""

WEEKS = 8
"""How many of the same weekday are looked at for a planned day's walk-ins."""

LONGEST_S = 7200
"""A call that took longer was a counter that somebody forgot, in seconds."""

ENOUGH = 20
"""With fewer appointments of its own, a service's lateness is taken from all services'."""


@dataclass(frozen=True, slots=True)
class Lateness:
    """How far from its slot an appointment was reported, in microseconds; None: never.

    ``told_us`` is how much later than the slot the house had told them to come, if it had.
    """

    late_us: int | None
    announced: bool = False
    told_us: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """What varies. Times of calls in microseconds by service, lateness by service, and both of all."""

    takes_us: dict[str, list[int]]
    lateness: dict[str, list[Lateness]]
    all_lateness: list[Lateness]
    delays_us: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class DayToPlay:
    """What a day is made of. ``recorded`` is None where it is planned.

    ``people`` are the appointments, and of a recorded day the walk-ins; ``walk_ins`` has those of each
    weekday before a planned one, of which every run takes one. ``visitors`` is how many are expected to come.
    """

    house: House
    date: date
    openings: tuple[Period, ...]
    ends_at: int
    people: tuple[Person, ...]
    walk_ins: tuple[tuple[Person, ...], ...]
    duties: tuple[Duty, ...]
    habits: Habits
    visitors: float
    recorded: Recorded | None = None


def take(connection: sa.Connection, house: House, day: date, now: date) -> DayToPlay:
    """The day, of the journal where it has ended there, else planned. Raises :class:`Wrong`.

    ``now`` is the local day of now: nothing that is past and was not recorded can be planned.
    """
    found = entries(connection, house.site, house.calendar, day)
    if found:
        return _recorded(connection, house, read(house, day, found))
    if day < now:
        raise Wrong("nothing-recorded", f"day: nothing is recorded of {day.isoformat()}")
    return _planned(connection, house, day)


def _recorded(connection: sa.Connection, house: House, recorded: Recorded) -> DayToPlay:
    if not recorded.people:
        raise Wrong("nobody-came", f"day: nobody came on {recorded.date.isoformat()}")
    delays = [delay for each in recorded.delays_us.values() for delay in each]
    return DayToPlay(
        house=house,
        date=recorded.date,
        openings=recorded.openings,
        ends_at=recorded.ends_at,
        people=recorded.people,
        walk_ins=(),
        duties=recorded.duties,
        habits=_habits(connection, house, recorded.date, delays),
        visitors=sum(person.arrived_at is not None for person in recorded.people),
        recorded=recorded,
    )


def _planned(connection: sa.Connection, house: House, day: date) -> DayToPlay:
    calendar = house.calendar
    openings = calendar.openings(day)
    if not openings:
        raise Wrong("house-closed", f"day: the house is closed on {day.isoformat()}")
    before = [
        read(house, past, found)
        for week in range(1, WEEKS + 1)
        if (found := entries(connection, house.site, calendar, past := day - timedelta(weeks=week)))
    ]
    walk_ins = tuple(
        tuple(_moved(house, person, day) for person in past.people if person.slot_at is None)
        for past in before
    )
    appointments = _appointments(connection, house, day)
    if not appointments and not any(walk_ins):
        raise Wrong(
            "nobody-expected",
            f"day: no appointment is booked for {day.isoformat()}, and of no such "
            "weekday before it is anything recorded",
        )
    newest = newest_day(connection, house.site)
    delays = [delay for past in before[:1] for each in past.delays_us.values() for delay in each]
    habits = _habits(connection, house, day if newest is None else min(newest, day), delays)
    come = [each.late_us is not None for each in habits.all_lateness]
    share = sum(come) / len(come) if come else 1.0
    return DayToPlay(
        house=house,
        date=day,
        openings=openings,
        ends_at=calendar.day_end(day),
        people=appointments,
        walk_ins=walk_ins,
        duties=tuple(_duties(house, before[0], day) if before else _all_day(house, openings)),
        habits=habits,
        visitors=share * len(appointments) + sum(map(len, walk_ins)) / max(1, len(walk_ins)),
    )


def _moved(house: House, person: Person, day: date) -> Person:
    """A walk-in at the same wall-clock time of another day."""
    assert person.arrived_at is not None
    return replace(person, arrived_at=_same_time(house, person.arrived_at, day))


def _same_time(house: House, instant: int, day: date) -> int:
    calendar = house.calendar
    moment = to_datetime(instant, calendar.zone)
    return calendar.at(day, moment.timetz().replace(tzinfo=None, fold=0))


def _duties(house: House, past: Recorded, day: date) -> list[Duty]:
    return [replace(duty, at=_same_time(house, duty.at, day)) for duty in past.duties]


def _all_day(house: House, openings: tuple[Period, ...]) -> list[Duty]:
    """All counters, all the time: what a house without a past may have meant."""
    found = []
    for begin, end in openings:
        for counter in house.counters:
            found.append(Duty(at=begin, counter=counter))
            found.append(Duty(at=end, counter=counter, mode=CounterMode.CLOSED, stays=True))
    return found


def _appointments(connection: sa.Connection, house: House, day: date) -> tuple[Person, ...]:
    table, calendar = db.appointment, house.calendar
    rows = connection.execute(
        sa.select(table)
        .where(table.c.site == house.site)
        .where(table.c.at >= calendar.midnight_before(day), table.c.at < calendar.midnight_after(day))
        .where(table.c.state != Booking.CANCELLED.value)
        .order_by(table.c.at, table.c.id)
    )
    booked = [appointment_of(row) for row in rows if row.service in house.services]
    return tuple(
        Person(service=each.service, arrived_at=each.at, slot_at=each.at, stages=()) for each in booked
    )


def _habits(connection: sa.Connection, house: House, last: date, delays_us: list[int]) -> Habits:
    first = last - timedelta(days=BACK_DAYS)
    visit, booked = db.visit, db.appointment
    takes: dict[str, list[int]] = defaultdict(list)
    for row in connection.execute(
        sa.select(visit.c.service, visit.c.called_at, visit.c.ended_at)
        .where(visit.c.site == house.site, visit.c.status == Status.SERVED.value)
        .where(visit.c.day >= first.isoformat(), visit.c.day <= last.isoformat())
        .order_by(visit.c.day, visit.c.ticket)
    ):
        if row.called_at is not None and 0 <= row.ended_at - row.called_at <= LONGEST_S * SECOND:
            takes[row.service].append(row.ended_at - row.called_at)
    lateness: dict[str, list[Lateness]] = defaultdict(list)
    for slot in connection.execute(
        sa.select(booked.c.service, booked.c.at, booked.c.late_s, booked.c.told_at, visit.c.reported_at)
        .join_from(booked, visit, visit.c.id == booked.c.visit, isouter=True)
        .where(booked.c.site == house.site)
        .where(booked.c.at >= house.calendar.midnight_before(first))
        .where(booked.c.at < house.calendar.midnight_after(last))
        .where(booked.c.state.in_([Booking.REPORTED.value, Booking.NEVER.value]))
        .order_by(booked.c.at, booked.c.id)
    ):
        late_us = None if slot.reported_at is None else slot.reported_at - slot.at
        told_us = None if slot.told_at is None else slot.told_at - slot.at
        lateness[slot.service].append(Lateness(late_us, slot.late_s is not None, told_us))
    everything = [each for service in sorted(lateness) for each in lateness[service]]
    return Habits(
        takes_us={
            name: takes[name] or [service.target_s * SECOND] for name, service in house.services.items()
        },
        lateness={
            name: lateness[name] if len(lateness[name]) >= ENOUGH else everything for name in house.services
        },
        all_lateness=everything,
        delays_us=sorted(delays_us) or [0],
    )
