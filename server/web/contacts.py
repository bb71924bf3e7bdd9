"""What is kept of a person, and what they want of it: written to no more, forgotten at once.

None of it gives a name, a number or an address; who may read those finds them elsewhere.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import sqlalchemy as sa

from notify import assignment, contacts
from notify.contacts import Contact
from server import database as db
from server.access import Right
from server.domain.refusal import Code, Refused
from server.domain.schedule import iso
from server.keys import BadKey
from server.live import Key
from server.web import bodies
from server.web.appointments import APPOINTMENT
from server.web.endpoint import Ask, Endpoint, once
from server.web.visits import VISIT, source_of


def _subjects(ask: Ask, connection: sa.Connection) -> tuple[str, ...]:
    """The subjects of who is named in the path. Raises ``Refused`` where there is nobody."""
    if "ref" in ask.names:
        found = contacts.about(connection, ask.site_name, ref=ask.names["ref"])
        if not found:
            raise Refused(Code.UNKNOWN_APPOINTMENT)
        return found
    name = ask.names["visit"]
    known = ask.site.day.find(name)
    found = contacts.about(connection, ask.site_name, visit=name if known is None else known.id)
    if not found:
        raise Refused(Code.UNKNOWN_TICKET, ticket=name)
    return found


def _kept(ask: Ask, connection: sa.Connection, subjects: tuple[str, ...]) -> list[Contact]:
    kept = []
    for subject in subjects:
        # What an older key sealed can be forgotten, but not read.
        with contextlib.suppress(BadKey):
            kept.append(contacts.get(connection, ask.parts.keys, subject))
    return [contact for contact in kept if contact is not None]


def _standing(ask: Ask, connection: sa.Connection, subjects: tuple[str, ...]) -> bodies.Standing:
    table = db.contact
    row = connection.execute(
        sa.select(table.c.basis, table.c.basis_at, table.c.basis_source, sa.func.max(table.c.erase_at))
        .where(table.c.subject.in_(subjects))
        .group_by(table.c.subject)
        .order_by(table.c.basis_at)
        .limit(1)
    ).one_or_none()
    told = bodies.Standing()
    if row is not None:
        told.basis, told.basis_source = row.basis, row.basis_source
        told.basis_at = None if row.basis_at is None else iso(row.basis_at)
        told.kept_until = iso(row[3])
    closed: dict[str, tuple[int, str]] = {}
    channels: set[str] = set()
    for contact in _kept(ask, connection, subjects):
        channels |= contacts.channels(contact)
        closed |= contacts.opted_out(connection, ask.parts.keys, contact)
        told.safe = told.safe or contact.safe
    told.channels = sorted(channels)
    told.opted_out = [bodies.OptedOut(name, iso(at), by) for name, (at, by) in sorted(closed.items())]
    return told


async def _look(ask: Ask) -> bodies.Standing:
    return await ask.parts.database.read(
        lambda connection: _standing(ask, connection, _subjects(ask, connection))
    )


async def _opt_out(ask: Ask, key: Key | None) -> bytes:
    source = source_of(ask)
    return await _change(
        ask, key, lambda connection, each: contacts.opt_out(connection, ask.parts.keys, each, source)
    )


async def _opt_in(ask: Ask, key: Key | None) -> bytes:
    return await _change(ask, key, lambda connection, each: contacts.opt_in(connection, ask.parts.keys, each))


async def _change(ask: Ask, key: Key | None, change: Callable[[sa.Connection, Contact], None]) -> bytes:
    def work(connection: sa.Connection) -> bodies.Standing:
        subjects = _subjects(ask, connection)
        for contact in _kept(ask, connection, subjects):
            change(connection, contact)
        return _standing(ask, connection, subjects)

    return await once(ask, key, work)


async def _erase(ask: Ask, key: Key | None) -> bytes:
    def work(connection: sa.Connection) -> bodies.Erased:
        subjects = _subjects(ask, connection)
        gone = [contacts.erase(connection, subject) for subject in subjects]
        assignment.forget(connection, subjects)
        return bodies.Erased(any(gone))

    return await once(ask, key, work)


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "GET",
        APPOINTMENT + "/contact",
        Right.HANDLE_CONTACT,
        "What is kept of the person: on which basis, until when, for which channels; no name, no address",
        bodies.Standing,
        read=_look,
        refusals=(Code.UNKNOWN_APPOINTMENT,),
    ),
    Endpoint(
        "DELETE",
        APPOINTMENT + "/contact",
        Right.HANDLE_CONTACT,
        "Forget the person's data and what was written to them, now; the appointment stands",
        bodies.Erased,
        act=_erase,
        refusals=(Code.UNKNOWN_APPOINTMENT,),
    ),
    Endpoint(
        "DELETE",
        VISIT + "/contact",
        Right.HANDLE_CONTACT,
        "Forget the data of a visit's person and what was written to them, now; the visit goes on",
        bodies.Erased,
        act=_erase,
        refusals=(Code.UNKNOWN_TICKET,),
    ),
    Endpoint(
        "POST",
        APPOINTMENT + "/opt-out",
        Right.HANDLE_CONTACT,
        "The person wants no messages any more, at none of their addresses",
        bodies.Standing,
        bodies.Nothing,
        act=_opt_out,
        refusals=(Code.UNKNOWN_APPOINTMENT,),
    ),
    Endpoint(
        "DELETE",
        APPOINTMENT + "/opt-out",
        Right.HANDLE_CONTACT,
        "The person wants messages again",
        bodies.Standing,
        act=_opt_in,
        refusals=(Code.UNKNOWN_APPOINTMENT,),
    ),
)
"""The endpoints of what is kept of people."""
