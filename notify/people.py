"""Those whom deliveries are for: what is kept of them, what they come for, what they want none of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from notify import recipients
from notify.contacts import Contact, addresses, opened
from notify.delivery import usable
from server import database as db
from server.domain.house import House
from server.keys import BadKey, Keys
from server.ledger import appointment_of

Row = sa.Row[Any]


class People:
    """What is known, in one transaction, of those whom deliveries are for.

    Who comes for a discreet service is written to through the channel that is named as safe, or not at all.
    """

    def __init__(
        self,
        connection: sa.Connection,
        keys: Keys,
        subjects: Iterable[str],
        houses: Mapping[str, House],
    ) -> None:
        ids = set(subjects)
        self._houses = houses
        self.visits: dict[str, Row] = {
            row.id: row for row in connection.execute(sa.select(db.visit).where(db.visit.c.id.in_(ids)))
        }
        booked = ids | {row.appointment for row in self.visits.values() if row.appointment}
        found = connection.execute(sa.select(db.appointment).where(db.appointment.c.id.in_(booked)))
        rows = found.all()
        self.appointments = {row.id: appointment_of(row) for row in rows}
        self._sites = {row.id: row.site for row in rows}
        self.told_of_alerts = recipients.enabled(connection, ids)
        """The ids that are those of supervisors who asked for alerts and may still sign in."""
        self._contacts: dict[str, Contact] = {}
        for row in connection.execute(sa.select(db.contact).where(db.contact.c.subject.in_(booked))):
            try:
                self._contacts[row.subject] = opened(keys, row.subject, row.sealed)
            except BadKey:
                continue
        marks = {
            to: keys.address_mark(to)
            for contact in self._contacts.values()
            for to in addresses(contact).values()
            if to
        }
        known = connection.execute(
            sa.select(db.opt_out.c.mark).where(db.opt_out.c.mark.in_(list(marks.values())))
        )
        closed = {row.mark for row in known}
        self._opted_out = {to for to, mark in marks.items() if mark in closed}

    def contact(self, subject: str) -> Contact | None:
        """What is kept of a person, by their visit or, where that has nothing, by its appointment."""
        own = self._contacts.get(subject)
        visit = self.visits.get(subject)
        booked = self._contacts.get(visit.appointment) if visit is not None and visit.appointment else None
        known = own or booked
        if own is not None and booked is not None:
            # The page of the ticket knows the telephone's push, the booking system the rest.
            values = {field: getattr(own, field) or getattr(booked, field) for field in own.__struct_fields__}
            known = Contact(**values)
        if known is not None and known.safe is None and self._discreet(subject):
            return msgspec.structs.replace(known, safe="none")
        return known

    def _discreet(self, subject: str) -> bool:
        """Whether somebody comes for what is told to nobody; a service that was dropped may be one."""
        appointment, visit = self.appointments.get(subject), self.visits.get(subject)
        if visit is not None and visit.appointment:
            appointment = self.appointments.get(visit.appointment)
        wanted = [(visit.site, visit.service)] if visit is not None else []
        if appointment is not None:
            site = self._sites.get(appointment.id, "")
            wanted.append((site, appointment.service))
        for site, name in wanted:
            house = self._houses.get(site)
            service = None if house is None else house.services.get(name)
            if service is None or service.discreet:
                return True
        return False

    def usable(self, subject: str, order: Sequence[str], used: Iterable[str]) -> list[str]:
        """The channels that are left for a person; see ``delivery.usable``."""
        return usable(self.contact(subject), order, frozenset(used), self._opted_out)

    def may_use(self, subject: str, channel: str, kind: str) -> bool:
        """Whether a person may be written to through a channel that was chosen before."""
        contact = self.contact(subject)
        # Who writes STOP is told once that it was understood; alerts are for who asked for them since.
        asked = kind == "stopped" or kind in recipients.KINDS
        closed: set[str] = set() if asked else self._opted_out
        return channel in usable(contact, (channel,), (), closed)

    def why_not(self, subject: str, order: Sequence[str]) -> str:
        """Why no channel is left for a person."""
        contact = self.contact(subject)
        if contact is not None and contact.safe == "none":
            return "not-safe"
        if contact is None or not usable(contact, order, (), ()):
            return "no-address"
        return "opted-out"
