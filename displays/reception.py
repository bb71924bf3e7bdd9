"""Reception's view: the hall at a glance, today's appointments, everybody in the house."""

from __future__ import annotations

from displays import advice
from displays.day import DayModel, maybe
from displays.management import counters_now, services_now
from displays.views import AppointmentLine, ReceptionView, VisitLine
from server.domain.day import IN_HOUSE, Status
from server.domain.schedule import iso


def desk(model: DayModel) -> ReceptionView:
    """Reception's view of the site now. Names are not part of it: they never travel on the wire."""
    day = model.day
    appointments = [
        AppointmentLine(
            appointment=known.id,
            service=known.service,
            at=iso(known.at),
            state=known.state.value,
            late_s=known.late_s,
            told_at=maybe(known.told_at),
            ticket=day.visits[known.visit].ticket if known.visit in day.visits else None,
            persons=known.persons,
            call_back_at=maybe(known.call_back_at),
        )
        for known in sorted(day.appointments.values(), key=lambda known: (known.at, known.id))
    ]
    visits = [
        VisitLine(
            visit=visit.id,
            ticket=visit.ticket,
            service=visit.service,
            status=visit.status.value,
            reported_at=iso(visit.reported_at),
            slot_at=maybe(visit.slot_at),
            priority=visit.priority,
            persons=visit.persons,
            counter=visit.counter or visit.to_counter,
            staff=visit.staff,
        )
        for visit in day.visits.values()
        if visit.status in IN_HOUSE or visit.status is Status.NOT_PRESENT
    ]
    return ReceptionView(
        services=services_now(model),
        counters=counters_now(model),
        appointments=appointments,
        visits=visits,
        takes_tickets=model.takes_tickets,
        advice=advice.now(model),
        house=model.house_now,
    )
