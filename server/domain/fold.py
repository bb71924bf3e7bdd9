"""Evolve: what an entry of the journal makes of the day. No decisions and no configuration here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from server.domain import events as ev
from server.domain.appointment import Appointment, Booking
from server.domain.day import (
    AWAITED,
    CALLS_KEPT,
    IN_HOUSE,
    Call,
    CounterMode,
    CounterState,
    Day,
    LastAct,
    Status,
    Visit,
)


def fold(day: Day, entries: Iterable[ev.Entry]) -> Day:
    """The day after all these entries."""
    for entry in entries:
        day = evolve(day, entry)
    return day


def evolve(day: Day, entry: ev.Entry) -> Day:
    """The day after one more entry. Its seq must be the next one: a gap is a broken journal."""
    if entry.seq != day.seq + 1:
        raise ValueError(f"journal has a gap: entry {entry.seq} after {day.seq}")
    seq, at, event = entry.seq, entry.at, entry.event
    if isinstance(event, ev.DayOpened):
        return _day_opened(event, seq, at)
    day = replace(day, seq=seq, at=at)
    if isinstance(event, ev.DayEnded):
        return _day_ended(day)
    if isinstance(event, ev.AppointmentEvent):
        return _appointment(day, event)
    if isinstance(event, ev.VisitEvent):
        return _visit(day, event)
    if isinstance(event, ev.Undone):
        return _undone(day, event)
    return _counter(day, event)


def amend(known: Appointment | None, event: ev.AppointmentEvent, at: int) -> Appointment:
    """An appointment after an event about it, whatever day it is for."""
    if isinstance(event, ev.AppointmentBooked | ev.AppointmentRebooked):
        return event.appointment
    if known is None:
        raise ValueError(f"journal names appointment {event.appointment}, which was never booked")
    if isinstance(event, ev.AppointmentConfirmed):
        return replace(known, state=Booking.CONFIRMED)
    if isinstance(event, ev.AppointmentAnnouncedLate):
        return replace(known, late_s=event.late_s)
    if isinstance(event, ev.AppointmentDelayed):
        return replace(known, told_at=event.to)
    if isinstance(event, ev.AppointmentCancelled):
        return replace(known, state=Booking.CANCELLED, cancelled_at=at, cancelled_by=event.by)
    if isinstance(event, ev.AppointmentCallBackAsked):
        return replace(known, call_back_at=at)
    if isinstance(event, ev.AppointmentCalledBack):
        return replace(known, call_back_at=None)
    return replace(known, came=True)


def subject(event: ev.AppointmentEvent) -> str:
    """The id of the appointment that an event is about."""
    if isinstance(event, ev.AppointmentBooked | ev.AppointmentRebooked):
        return event.appointment.id
    return event.appointment


def _day_opened(event: ev.DayOpened, seq: int, at: int) -> Day:
    return Day(
        seq=seq,
        at=at,
        date=event.date,
        openings=event.openings,
        begins_at=event.begins_at,
        until=event.until,
        ends_at=event.ends_at,
        ended=False,
        appointments={appointment.id: appointment for appointment in event.appointments},
    )


def _day_ended(day: Day) -> Day:
    visits = dict(day.visits)
    for visit in day.visits.values():
        if visit.status is Status.SERVING:
            visits[visit.id] = replace(visit, status=Status.SERVED, ended_at=day.at)
        elif visit.status in IN_HOUSE:
            visits[visit.id] = replace(visit, status=Status.NOT_SERVED, ended_at=day.at)
    appointments = {
        key: replace(appointment, state=Booking.NEVER)
        if appointment.state in (Booking.BOOKED, Booking.CONFIRMED)
        else appointment
        for key, appointment in day.appointments.items()
    }
    counters = {key: CounterState(id=key, since=day.at) for key in day.counters}
    return replace(day, ended=True, visits=visits, appointments=appointments, counters=counters, calls=())


def _appointment(day: Day, event: ev.AppointmentEvent) -> Day:
    """Appointments of other days are not part of the day; one that moves comes in or goes out."""
    key = subject(event)
    known = day.appointments.get(key)
    if isinstance(event, ev.AppointmentBooked | ev.AppointmentRebooked):
        if not day.covers(event.appointment.at):
            if known is None:
                return day
            return replace(day, appointments={k: v for k, v in day.appointments.items() if k != key})
    elif known is None:
        return day
    return replace(day, appointments={**day.appointments, key: amend(known, event, day.at)})


def _visit(day: Day, event: ev.VisitEvent) -> Day:
    if isinstance(event, ev.VisitReported):
        return _reported(day, event)
    visit = day.visits[event.visit]
    if isinstance(event, ev.VisitPrioritised):
        visit = replace(visit, priority=event.priority)
    elif isinstance(event, ev.VisitBound):
        visit = replace(visit, staff=event.staff)
    elif isinstance(event, ev.VisitReturned):
        visit = replace(visit, status=Status.WAITING, again=True, ended_at=None, waits_since=day.at)
    else:
        visit = replace(visit, status=Status.LEFT, ended_at=day.at)
    return replace(day, visits={**day.visits, visit.id: visit})


def _reported(day: Day, event: ev.VisitReported) -> Day:
    visit = Visit(
        id=event.visit,
        range=event.range,
        number=event.number,
        service=event.service,
        reported_at=day.at,
        then=event.then,
        appointment=event.appointment,
        slot_at=event.slot_at,
        told_at=event.told_at,
        announced_late=event.announced_late,
        priority=event.priority,
        language=event.language,
        persons=event.persons,
        waits_since=day.at,
    )
    appointments = day.appointments
    if event.appointment is not None:
        appointment = replace(appointments[event.appointment], state=Booking.REPORTED, visit=visit.id)
        appointments = {**appointments, appointment.id: appointment}
    return replace(
        day,
        visits={**day.visits, visit.id: visit},
        tickets={**day.tickets, visit.ticket: visit.id},
        numbers={**day.numbers, event.range: event.number},
        appointments=appointments,
    )


def _counter(day: Day, event: ev.CounterEvent) -> Day:
    before = day.counter(event.counter)
    counter = before
    changed: tuple[Visit, ...] = ()
    calls = day.calls
    if isinstance(event, ev.CounterOpened):
        counter = replace(counter, mode=CounterMode.OPEN, since=day.at, staff=event.staff)
    elif isinstance(event, ev.CounterPaused):
        counter = replace(counter, mode=CounterMode.PAUSED, since=day.at)
    elif isinstance(event, ev.CounterClosed):
        counter = replace(counter, mode=CounterMode.CLOSED, since=day.at, staff=None)
        changed = tuple(
            replace(visit, to_counter=None)
            for visit in day.visits.values()
            if visit.to_counter == counter.id and visit.status in AWAITED
        )
    elif isinstance(event, ev.Called | ev.Recalled):
        counter, visit = _called(day, counter, event)
        changed = (visit,)
        call = Call(
            id=event.call, visit=visit.id, ticket=visit.ticket, counter=counter.id, at=day.at, seq=day.seq
        )
        calls = (call, *calls[: CALLS_KEPT - 1])
    elif isinstance(event, ev.ServiceStarted):
        changed = (replace(day.visits[event.visit], status=Status.SERVING, started_at=day.at),)
    elif not isinstance(event, ev.Undone):
        counter = replace(counter, visit=None)
        changed = (_sent_away(day, event),)
    last = LastAct(
        kind=ev.KIND_OF[type(event)],
        at=day.at,
        counter_before=replace(before, last=None),
        visits_before=tuple(day.visits[visit.id] for visit in changed),
        visits_after=changed,
        calls_before=day.calls,
    )
    return replace(
        day,
        counters={**day.counters, counter.id: replace(counter, last=last)},
        visits={**day.visits, **{visit.id: visit for visit in changed}} if changed else day.visits,
        calls=calls,
    )


def _called(day: Day, counter: CounterState, event: ev.Called | ev.Recalled) -> tuple[CounterState, Visit]:
    visit = day.visits[event.visit]
    if isinstance(event, ev.Recalled):
        return counter, replace(visit, calls=visit.calls + 1, recalls=visit.recalls + 1)
    since = counter.calls_since_overdue
    since = 0 if event.rule == "overdue" else since if since is None else since + 1
    visit = replace(
        visit,
        status=Status.CALLED,
        counter=counter.id,
        rule=event.rule,
        overtook=event.overtook,
        calls=visit.calls + 1,
        recalls=0,
        called_at=day.at,
        first_called_at=visit.first_called_at if visit.first_called_at is not None else day.at,
        started_at=None,
        ended_at=None,
    )
    return replace(counter, visit=visit.id, calls_since_overdue=since), visit


def _sent_away(day: Day, event: ev.ServiceFinished | ev.NotPresent | ev.Parked | ev.Transferred) -> Visit:
    """The visit as it leaves the counter."""
    visit = day.visits[event.visit]
    if isinstance(event, ev.NotPresent):
        return replace(visit, status=Status.NOT_PRESENT, ended_at=day.at)
    if isinstance(event, ev.Parked):
        return replace(visit, status=Status.PARKED, parked_at=day.at)
    if isinstance(event, ev.ServiceFinished) and event.goes_on is None:
        return replace(visit, status=Status.SERVED, ended_at=day.at)
    on = replace(
        visit,
        status=Status.WAITING,
        again=True,
        to_counter=None,
        staff=None,
        accompanied=False,
        waits_since=day.at,
    )
    if isinstance(event, ev.ServiceFinished):
        return replace(on, service=event.goes_on or visit.service, then=visit.then[1:])
    return replace(
        on,
        service=event.to_service or visit.service,
        to_counter=event.to_counter,
        staff=event.staff,
        accompanied=event.accompanied,
    )


def _undone(day: Day, event: ev.Undone) -> Day:
    counter = day.counters[event.counter]
    last = counter.last
    if last is None:
        raise ValueError(f"journal undoes nothing at counter {counter.id}")
    return replace(
        day,
        counters={**day.counters, counter.id: last.counter_before},
        visits={**day.visits, **{visit.id: visit for visit in last.visits_before}},
        calls=_calls_without(day, last),
    )


def _calls_without(day: Day, last: LastAct) -> tuple[Call, ...]:
    """The day's calls without those that the undone event added; calls of others stay."""
    if last.kind not in ("called", "recalled"):
        return day.calls
    kept = {call.id for call in last.calls_before}
    undone = {visit.id for visit in last.visits_after}
    return tuple(call for call in day.calls if call.id in kept or call.visit not in undone)
