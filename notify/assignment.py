"""Assignments: the rows that say which arm of the experiment an appointment was drawn into, or why none.

Written in the planner's transaction, before the first delivery of an appointment, and never changed: not by
moving or cancelling it, nor by another configuration. Everything here is a plain function over a connection.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, timedelta

import sqlalchemy as sa

from notify import experiment
from notify.people import People
from server import database as db
from server.domain.appointment import Appointment
from server.domain.experiment import Wording
from server.domain.house import House
from server.domain.messages import Step, step
from server.keys import Keys

_table = db.assignment


def assign(
    connection: sa.Connection, house: House, keys: Keys, fresh: Iterable[Appointment], now: int
) -> None:
    """Draw the arms of appointments that are first known now; those that have been drawn stay as they are."""
    known = {each.id: each for each in fresh if experiment.runs(house, each)}
    drawn = _table.c.subject
    for subject in connection.execute(sa.select(drawn).where(drawn.in_(list(known)))).scalars():
        del known[subject]
    if not known or house.experiment is None:
        return
    people = People(connection, keys, known, {house.site: house})
    names = db.reference.c
    references: dict[str, str] = {
        row.appointment: row.ref
        for row in connection.execute(
            sa.select(names.appointment, names.ref).where(names.appointment.in_(list(known)))
        )
    }
    policy = experiment.version(house)
    marks = {
        subject: experiment.person(house.experiment, keys, house.site, contact)
        for subject in known
        if (contact := people.contact(subject)) is not None
    }
    seen = _seen(connection, marks.values())
    places = {arm.id: place for place, arm in enumerate(house.experiment.arms)}
    rows = []
    for subject, each in sorted(known.items(), key=lambda item: (item[1].booked_at, item[0])):
        contact = people.contact(subject)
        # Whoever needs a safe contact counts as nobody that could be written to.
        writable = contact is not None and contact.safe is None
        writable = writable and bool(people.usable(subject, house.messages.order, ()))
        reason = experiment.barred(house, each, writable, now)
        # What came by no booking system and no desk has only its own id.
        reference = references.get(subject, subject)
        arm = None if reason else experiment.assign(house.experiment, keys, house.site, reference)
        # Who takes no part leaves no mark.
        mark = None if arm is None else marks.get(subject)
        rows.append(
            {
                "subject": subject,
                "site": house.site,
                "experiment": house.experiment.id,
                "policy": policy,
                "eligible": reason is None,
                "reason": reason,
                "arm": None if arm is None else arm.id,
                "probability": None if arm is None else arm.probability,
                "ladder": None if arm is None else " ".join(rung.name for rung in arm.ladder),
                "wording": None if arm is None else arm.wording,
                "slot_at": each.at,
                "at": now,
                "place": None if arm is None else places[arm.id],
                "ends": house.experiment.ends.isoformat(),
                "person": mark,
                "again": mark in seen,
            }
        )
        if mark is not None:
            seen.add(mark)
    connection.execute(_table.insert(), rows)


def _seen(connection: sa.Connection, marks: Iterable[bytes | None]) -> set[bytes]:
    """Those of these marks whose person has been drawn before."""
    asked = [mark for mark in marks if mark is not None]
    return set(connection.execute(sa.select(_table.c.person).where(_table.c.person.in_(asked))).scalars())


def forget(connection: sa.Connection, subjects: Collection[str]) -> None:
    """Take away the marks of a person. The arms stay, and that the later of them were drawn again."""
    marks = sa.select(_table.c.person).where(_table.c.subject.in_(list(subjects)))
    connection.execute(_table.update().where(_table.c.person.in_(marks)).values(person=None))


def sweep(connection: sa.Connection, today: date) -> None:
    """Take away all marks of experiments whose last day has passed; ``today`` is UTC's."""
    before = (today - timedelta(days=1)).isoformat()
    old = sa.select(_table.c.subject).where(_table.c.person.is_not(None), _table.c.ends < before)
    # Where the last day was moved on the way, a person is known again until the later one.
    running = sa.select(_table.c.experiment).where(_table.c.ends >= before)
    gone = _table.update().where(_table.c.subject.in_(old), _table.c.experiment.not_in(running))
    connection.execute(gone.values(person=None))


def ladders(
    connection: sa.Connection, house: House, keys: Keys, appointments: Iterable[Appointment]
) -> dict[str, tuple[Step, ...]]:
    """The ladders of those of these appointments that are reminded as their arm is, by id.

    Who has since come to a discreet service, or needs a safe contact by now, is reminded as everybody is.
    """
    plain = [
        each.id
        for each in appointments
        if (service := house.services.get(each.service)) is None or not service.discreet
    ]
    drawn = {
        row.subject: row.ladder
        for row in connection.execute(
            sa.select(_table.c.subject, _table.c.ladder).where(_table.c.subject.in_(plain), _table.c.eligible)
        )
    }
    people = People(connection, keys, drawn, {house.site: house})
    return {
        subject: tuple(step(name) for name in ladder.split())
        for subject, ladder in drawn.items()
        if (contact := people.contact(subject)) is None or contact.safe is None
    }


def wordings(connection: sa.Connection, subjects: Collection[str]) -> dict[str, str]:
    """How the reminders of these appointments are to be put, where that is not plain."""
    if not subjects:
        return {}
    rows = connection.execute(
        sa.select(_table.c.subject, _table.c.wording).where(
            _table.c.subject.in_(list(subjects)), _table.c.eligible, _table.c.wording != Wording.PLAIN
        )
    )
    return {row.subject: row.wording for row in rows}
