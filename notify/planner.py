"""Planning: what the journal tells of appointments becomes rows of reminders, with the cursor, at once.

Everything here is a plain function over a connection, to be run inside ``Database.write``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import sqlalchemy as sa

from notify import assignment, contacts, plan
from notify.delivery import State
from server import database as db
from server import journal
from server.domain import events as ev
from server.domain.appointment import Appointment
from server.domain.fold import subject
from server.domain.house import House
from server.domain.messages import Step
from server.keys import Keys
from server.ledger import appointment_of, by_id

PIECE = 200
"""Entries of the journal, or appointments, that one transaction plans for: milliseconds of the writer."""

REMINDER = "reminder"

_PUT_CURSOR = sa.text(db.upsert(db.planner))
_KINDS = tuple(kind for kind, event in ev.KINDS.items() if issubclass(event, ev.AppointmentEvent))


def advance(connection: sa.Connection, house: House, now: int, keys: Keys | None = None) -> bool:
    """Plan for the next entries of a site's journal; whether there may be more.

    ``keys`` draw the arms of an experiment: a house that has one cannot do without.

    The cursor moves in the same transaction: what is planned is planned once, by whichever node.
    """
    site = house.site
    known = connection.execute(sa.select(db.planner).where(db.planner.c.site == site)).one_or_none()
    seq = 0 if known is None else known.seq
    rows = connection.execute(
        sa.select(db.journal.c.seq, db.journal.c.kind, db.journal.c.event)
        .where(db.journal.c.site == site, db.journal.c.seq > seq)
        .order_by(db.journal.c.seq)
        .limit(PIECE)
    ).all()
    if not rows:
        if known is None:
            _put_cursor(connection, house, 0)
        return False
    told = [
        event
        for row in rows
        if row.kind in _KINDS
        and isinstance(event := journal.decode(row.kind, row.event), ev.AppointmentEvent)
    ]
    ids = {subject(event) for event in told}
    fresh = {subject(event) for event in told if isinstance(event, ev.AppointmentBooked)}
    # At the end of a day those who never came are told by its end alone, and have no reminder left.
    _revise(connection, house, by_id(connection, site, ids).values(), now, 0, keys, fresh)
    _put_cursor(connection, house, rows[-1].seq, None if known is None else known.policy)
    return len(rows) == PIECE


def renew(
    connection: sa.Connection, house: House, now: int, after: tuple[int, str], keys: Keys | None = None
) -> tuple[int, str] | None:
    """Plan a piece of the appointments ahead anew where the policy has changed since they were planned.

    ``after`` is the slot and id behind which to go on, (now, "") to begin with; answers the next one,
    or None where all is done, which is noted.
    ``keys`` as in :func:`advance`.
    """
    table = db.appointment
    known = connection.execute(
        sa.select(db.planner.c.seq, db.planner.c.policy).where(db.planner.c.site == house.site)
    ).one_or_none()
    if known is None or known.policy == plan.policy(house):
        return None
    found = [
        appointment_of(row)
        for row in connection.execute(
            sa.select(table)
            .where(table.c.site == house.site, sa.tuple_(table.c.at, table.c.id) > sa.tuple_(*after))
            .order_by(table.c.at, table.c.id)
            .limit(PIECE)
        )
    ]
    _revise(connection, house, found, now, now, keys)
    if len(found) < PIECE:
        _put_cursor(connection, house, known.seq)
        return None
    return found[-1].at, found[-1].id


def _put_cursor(connection: sa.Connection, house: House, seq: int, policy: str | None = None) -> None:
    row = {"site": house.site, "seq": seq, "policy": policy or plan.policy(house)}
    connection.execute(_PUT_CURSOR, row)


def keep(
    connection: sa.Connection,
    house: House,
    keys: Keys,
    subject: str,
    contact: contacts.Contact,
    slot_at: int,
    now: int,
    *,
    source: str,
    told: bool,
) -> bool:
    """Keep the data of an appointment's person; whether anything changed by it.

    ``told`` is whether the journal has news of the appointment as well, from which it is planned anyway.
    Without any, who needs a safe contact from now on would stay in an experiment's arm.
    """
    changed = contacts.put(
        connection,
        keys,
        house.site,
        subject,
        contact,
        slot_at,
        kept_s=house.messages.kept_s,
        source=source,
    )
    if changed and not told and house.experiment is not None:
        again(connection, house, now, [subject], keys)
    return changed


def again(
    connection: sa.Connection, house: House, now: int, ids: Iterable[str], keys: Keys | None = None
) -> None:
    """Plan for appointments of which the journal tells nothing new: what is kept of their people has changed.

    In the transaction that keeps it. ``keys`` as in :func:`advance`.
    """
    _revise(connection, house, by_id(connection, house.site, ids).values(), now, now, keys)


def _revise(
    connection: sa.Connection,
    house: House,
    appointments: Collection[Appointment],
    now: int,
    since: int,
    keys: Keys | None,
    fresh: Collection[str] = (),
) -> None:
    if not appointments:
        return
    table = db.delivery
    known: dict[str, list[plan.Planned]] = {each.id: [] for each in appointments}
    rows = connection.execute(
        sa.select(table).where(table.c.subject.in_(list(known)), table.c.kind == REMINDER)
    )
    for row in rows:
        known[row.subject].append(
            plan.Planned(
                id=row.id,
                step=row.step,
                slot_at=row.slot_at,
                rank=row.rank,
                due_at=row.due_at,
                until=row.until,
                # One that is on its way or was is never planned again.
                attempt=row.attempt if row.state in (State.PLANNED, State.WITHDRAWN) else 1,
                withdrawn=row.state == State.WITHDRAWN and row.attempt == 0,
            )
        )
    ladders: dict[str, tuple[Step, ...]] = {}
    if house.experiment is not None:
        if keys is None:
            raise ValueError("an experiment is drawn by the server's keys")
        # One that was planned for before has had its reminders: a journal read anew draws nobody late.
        unknown = [each for each in appointments if each.id in fresh and not known[each.id]]
        assignment.assign(connection, house, keys, unknown, now)
        ladders = assignment.ladders(connection, house, keys, appointments)
    made: list[dict[str, object]] = []
    for each in appointments:
        held = {row.id for row in known[each.id]}
        for change in plan.revise(house, each, known[each.id], since, ladders.get(each.id)):
            if isinstance(change, plan.Withdraw):
                withdraw(connection, change.id, change.reason)
            elif change.id in held:
                connection.execute(
                    table.update()
                    .where(table.c.id == change.id, table.c.attempt == 0)
                    .values(
                        state=State.PLANNED,
                        reason=None,
                        channel="",
                        due_at=change.rung.due_at,
                        until=change.rung.until,
                    )
                )
            else:
                made.append(
                    row_of(
                        change.id,
                        house.site,
                        each.id,
                        REMINDER,
                        change.rung.step,
                        now,
                        change.rung.due_at,
                        change.rung.until,
                        slot_at=each.at,
                    )
                )
    if made:
        connection.execute(table.insert(), made)


def withdraw(connection: sa.Connection, delivery: str, reason: str) -> None:
    """Take a delivery back that is not on its way."""
    table = db.delivery
    connection.execute(
        table.update()
        .where(table.c.id == delivery, table.c.state == State.PLANNED)
        .values(state=State.WITHDRAWN, reason=reason)
    )


def row_of(
    identity: str,
    site: str,
    subject: str,
    kind: str,
    step: str,
    now: int,
    due_at: int,
    until: int,
    *,
    slot_at: int = 0,
    rank: int = 0,
    channel: str = "",
    about: str = "",
) -> dict[str, object]:
    """A fresh row of the ledger. Its channel is chosen when it is due, by what is then known of them."""
    return {
        "id": identity,
        "site": site,
        "subject": subject,
        "kind": kind,
        "step": step,
        "slot_at": slot_at,
        "rank": rank,
        "channel": channel,
        "state": State.PLANNED,
        "planned_at": now,
        "due_at": due_at,
        "until": until,
        "retry_at": 0,
        "attempt": 0,
        "about": about,
    }
