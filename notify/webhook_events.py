"""What other systems are told of a site's journal: types of event, and exactly what each carries.

Ids, services, slots and tickets only. The data types here are the whole list of what leaves the house;
``docs/webhooks.md`` explains each type. Nothing that concerns a discreet service is told: no
appointment for one, and no visit that was for one at any moment of its day.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from server.domain import events as ev
from server.domain.appointment import Appointment, Booking
from server.domain.day import Day, Status, Visit
from server.domain.fold import evolve, subject
from server.domain.house import House
from server.domain.schedule import iso


class AppointmentData(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What is told of an appointment; ``ref`` is the booking system's own reference."""

    site: str
    appointment: str
    ref: str | None = None
    service: str
    slot: str
    was_slot: str | None = None
    late_s: int | None = None
    by: str | None = None


class VisitData(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What is told of a visit; ``service`` is the one that it was for when this happened."""

    site: str
    visit: str
    ticket: str
    service: str
    appointment: str | None = None
    ref: str | None = None
    slot: str | None = None
    counter: str | None = None
    call: str | None = None
    next_service: str | None = None
    to_counter: str | None = None
    undid: str | None = None


class Body(msgspec.Struct):
    """A webhook's body; ``timestamp`` is when it happened, in house time."""

    type: str
    timestamp: str
    data: AppointmentData | VisitData


@dataclass(frozen=True, slots=True)
class Happening:
    """Something to tell, from the journal's entry ``seq``; ``about`` is the appointment's or visit's id."""

    seq: int
    about: str
    body: Body


_VISIT_TYPES: dict[type[ev.Event], str] = {
    ev.VisitReported: "visit.reported",
    ev.Called: "visit.called",
    ev.Recalled: "visit.recalled",
    ev.ServiceStarted: "visit.started",
    ev.ServiceFinished: "visit.finished",
    ev.Parked: "visit.parked",
    ev.VisitReturned: "visit.returned",
    ev.Transferred: "visit.transferred",
    ev.VisitLeft: "visit.left",
    ev.NotPresent: "visit.not_present",
}
_APPOINTMENT_TYPES: dict[type[ev.Event], str] = {
    ev.AppointmentBooked: "appointment.booked",
    ev.AppointmentConfirmed: "appointment.confirmed",
    ev.AppointmentAnnouncedLate: "appointment.late",
    ev.AppointmentCancelled: "appointment.cancelled",
    ev.AppointmentCame: "appointment.came",
}
TYPES = (
    *("appointment.booked", "appointment.moved", "appointment.changed", "appointment.confirmed"),
    *("appointment.late", "appointment.cancelled", "appointment.missed", "appointment.came"),
    *_VISIT_TYPES.values(),
    *("visit.not_served", "visit.undone"),
)
"""Every type of event that is told."""

Elsewhere = Callable[[str], tuple[str, int] | None]
"""Service and slot (microseconds UTC) of an appointment that is not of this day, or None."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A site's journal as far as it was read: the day there, and the visits of it that are not told of."""

    house: House
    day: Day
    hidden: frozenset[str] = frozenset()

    def after(self, entry: ev.Entry, elsewhere: Elsewhere) -> tuple[Reading, list[Happening]]:
        """The reading after one more entry, and what it tells others. References are not filled in."""
        day = evolve(self.day, entry)
        hidden = frozenset() if isinstance(entry.event, ev.DayOpened) else self.hidden
        if day.visits is not self.day.visits:
            hidden |= {key for key in self._changed(day) if self._discreet(day.visits[key])}
        next_one = Reading(self.house, day, hidden)
        told: list[tuple[str, str, AppointmentData | VisitData]] = []
        if isinstance(entry.event, ev.DayEnded):
            told = self._ended(next_one)
        elif isinstance(entry.event, ev.AppointmentEvent):
            told = self._appointment(entry, next_one, elsewhere)
        elif not isinstance(entry.event, ev.DayOpened):
            told = self._visit(entry.event, next_one)
        at = iso(entry.at)
        return next_one, [Happening(entry.seq, about, Body(kind, at, data)) for kind, about, data in told]

    def _changed(self, day: Day) -> list[str]:
        return [key for key, visit in day.visits.items() if self.day.visits.get(key) is not visit]

    def _discreet(self, visit: Visit) -> bool:
        return any(not self._may_tell(service) for service in (visit.service, *visit.then))

    def _may_tell(self, service: str) -> bool:
        # Of a service that is configured no more, nobody knows whether it was discreet.
        known = self.house.services.get(service)
        return known is not None and not known.discreet

    def _appointment(
        self, entry: ev.Entry, now: Reading, elsewhere: Elsewhere
    ) -> list[tuple[str, str, AppointmentData | VisitData]]:
        event = entry.event
        assert isinstance(event, ev.AppointmentEvent)
        key = subject(event)
        kind = _APPOINTMENT_TYPES.get(type(event), "appointment.changed")
        was_at = None
        if isinstance(event, ev.AppointmentBooked | ev.AppointmentRebooked):
            service, slot = event.appointment.service, event.appointment.at
            if isinstance(event, ev.AppointmentRebooked) and event.appointment.rebooked_at == entry.at:
                kind, was_at = "appointment.moved", event.appointment.was_at
        else:
            known = now.day.appointments.get(key)
            found = (known.service, known.at) if known is not None else elsewhere(key)
            if found is None:
                return []
            service, slot = found
        if not self._may_tell(service):
            return []
        data = AppointmentData(
            site=self.house.site,
            appointment=key,
            service=service,
            slot=iso(slot),
            was_slot=None if was_at is None else iso(was_at),
            late_s=event.late_s if isinstance(event, ev.AppointmentAnnouncedLate) else None,
            by=event.by if isinstance(event, ev.AppointmentCancelled) else None,
        )
        return [(kind, key, data)]

    def _visit(self, event: ev.Event, now: Reading) -> list[tuple[str, str, AppointmentData | VisitData]]:
        if isinstance(event, ev.Undone):
            undid = _VISIT_TYPES.get(ev.KINDS[event.undid])
            return [
                ("visit.undone", key, self._of(now.day.visits[key], event.counter, undid=undid))
                for key in self._changed(now.day)
                if undid is not None and key not in now.hidden
            ]
        kind = _VISIT_TYPES.get(type(event))
        key = getattr(event, "visit", None)
        if kind is None or key is None or key in now.hidden:
            return []
        # Finishing and sending on change the service: what is told is the one until then, and the next.
        visit = self.day.visits.get(key) or now.day.visits[key]
        data = self._of(visit, getattr(event, "counter", None))
        if isinstance(event, ev.Called | ev.Recalled):
            data.call = event.call
        if isinstance(event, ev.ServiceFinished):
            data.next_service = event.goes_on
        if isinstance(event, ev.Transferred):
            data.next_service, data.to_counter = event.to_service, event.to_counter
        return [(kind, key, data)]

    def _ended(self, now: Reading) -> list[tuple[str, str, AppointmentData | VisitData]]:
        told: list[tuple[str, str, AppointmentData | VisitData]] = []
        for key in self._changed(now.day):
            visit = now.day.visits[key]
            served = visit.status is Status.SERVED
            kind = "visit.finished" if served else "visit.not_served"
            if key not in now.hidden:
                told.append((kind, key, self._of(visit, visit.counter if served else None)))
        for key, appointment in now.day.appointments.items():
            missed = appointment.state is Booking.NEVER and self.day.appointments.get(key) is not appointment
            if missed and self._may_tell(appointment.service):
                told.append(("appointment.missed", key, self._missed(appointment)))
        return told

    def _missed(self, known: Appointment) -> AppointmentData:
        return AppointmentData(
            site=self.house.site, appointment=known.id, service=known.service, slot=iso(known.at)
        )

    def _of(self, visit: Visit, counter: str | None, undid: str | None = None) -> VisitData:
        return VisitData(
            site=self.house.site,
            visit=visit.id,
            ticket=visit.ticket,
            service=visit.service,
            appointment=visit.appointment,
            slot=None if visit.slot_at is None else iso(visit.slot_at),
            counter=counter,
            undid=undid,
        )
