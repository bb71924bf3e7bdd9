"""Decide: the events that a command leads to, given the house, the day and now; or a refusal.

``decide`` is pure. An empty tuple means that all is already as the command wants it.
"""

from __future__ import annotations

from dataclasses import replace

from server.domain import commands as co
from server.domain import events as ev
from server.domain.appointment import Appointment, Booking
from server.domain.calling import Rule, choose, may_help, may_serve, overtaken, queue
from server.domain.day import AWAITED, IN_HOUSE, CounterMode, CounterState, Day, Status, Visit
from server.domain.house import House, Service
from server.domain.refusal import Code, Refused
from server.domain.schedule import SECOND, takes_tickets

Events = tuple[ev.Event, ...]

LATE_FROM_S = 4 * 3600
"""How long before the slot a citizen may say that they will be late, in seconds: before, nobody knows it."""

LATE_MINUTES = (5, 10, 20)
"""By how much later a citizen may say to come."""

BOOKABLE_S = 2 * 366 * 86_400
"""How far ahead a slot may lie, in seconds: a wrong year is a mistake, not a booking."""


def due(house: House, day: Day, now: int) -> bool:
    """Whether the clock alone asks for something: a day to open or to end."""
    if day.date != house.calendar.local_date(now).isoformat():
        return True
    return not day.ended and now >= day.ends_at


def decide(house: House, day: Day, command: co.Command, now: int) -> Events:
    """The events that ``command`` leads to at ``now`` (never before ``day.at``).

    Raises :class:`Refused` where the rules of the hall do not allow it.
    """
    if isinstance(command, co.OpenDay):
        return _open_day(house, day, command, now)
    if isinstance(command, co.EndDay):
        return () if day.ended or now < day.ends_at else (ev.DayEnded(),)
    if isinstance(command, co.AppointmentCommand):
        return _appointment(house, day, command, now)
    if day.ended or not day.covers(now):
        raise Refused(Code.DAY_OVER)
    if isinstance(command, co.Report):
        return _report(house, day, command)
    if isinstance(command, co.WalkIn):
        return _walk_in(house, day, command, now)
    if isinstance(command, co.VisitCommand):
        return _visit(day, command)
    if command.counter not in house.counters:
        raise Refused(Code.UNKNOWN_COUNTER, counter=command.counter)
    return _counter(house, day, command, now)


def _open_day(house: House, day: Day, command: co.OpenDay, now: int) -> Events:
    calendar = house.calendar
    date = calendar.local_date(now)
    if day.date == date.isoformat():
        return ()
    opened = ev.DayOpened(
        date=date.isoformat(),
        begins_at=calendar.midnight_before(date),
        until=calendar.midnight_after(date),
        ends_at=calendar.day_end(date),
        openings=calendar.openings(date),
        appointments=command.appointments,
    )
    return (opened,) if day.ended else (ev.DayEnded(), opened)


# --- appointments -------------------------------------------------------------------------------


def _service(house: House, name: str) -> Service:
    service = house.services.get(name)
    if service is None:
        raise Refused(Code.UNKNOWN_SERVICE, service=name, known=list(house.services))
    return service


def _appointment(house: House, day: Day, command: co.AppointmentCommand, now: int) -> Events:
    if isinstance(command, co.Book):
        return _book(house, day, command, now)
    known = _newest(day, command.known)
    if isinstance(command, co.NoteCame):
        if known.state is Booking.CANCELLED:
            raise Refused(Code.APPOINTMENT_CANCELLED)
        if known.state is Booking.REPORTED or known.came:
            return ()
        return (ev.AppointmentCame(appointment=known.id),)
    if isinstance(command, co.NoteCalledBack):
        return () if known.call_back_at is None else (ev.AppointmentCalledBack(appointment=known.id),)
    if isinstance(command, co.Cancel):
        if known.state is Booking.CANCELLED:
            return ()
        _still_ahead(known)
        return (ev.AppointmentCancelled(appointment=known.id, by=command.by),)
    if known.state is Booking.CANCELLED:
        raise Refused(Code.APPOINTMENT_CANCELLED)
    _still_ahead(known)
    if isinstance(command, co.Confirm):
        return () if known.state is Booking.CONFIRMED else (ev.AppointmentConfirmed(appointment=known.id),)
    if isinstance(command, co.Delay):
        return _delay(day, known, command.to)
    if isinstance(command, co.AskCallBack):
        return () if known.call_back_at is not None else (ev.AppointmentCallBackAsked(appointment=known.id),)
    if known.late_s == command.late_s:
        return ()
    if command.keeps:
        _keeps_place(house, known, command.late_s, now)
    return (ev.AppointmentAnnouncedLate(appointment=known.id, late_s=command.late_s),)


def _delay(day: Day, known: Appointment, to: int) -> Events:
    """A time is named once and stands: whoever has read it may be on the way by it."""
    if known.id not in day.appointments:
        raise Refused(Code.APPOINTMENT_NOT_TODAY)
    if known.told_at is not None or to <= known.at:
        return ()
    return (ev.AppointmentDelayed(appointment=known.id, to=to),)


def late_limit_s(house: House, known: Appointment) -> int:
    """How long after its slot the place of who announced being late is kept, in seconds."""
    service = house.services.get(known.service)
    return 0 if service is None else service.late_limit_s


def late_choices(house: House, known: Appointment, now: int) -> tuple[int, ...]:
    """By how many minutes a citizen may say now that they come later, and keep their place."""
    return tuple(minutes for minutes in LATE_MINUTES if _may_be_late(house, known, minutes * 60, now))


def _may_be_late(house: House, known: Appointment, late_s: int, now: int) -> bool:
    try:
        _keeps_place(house, known, late_s, now)
    except Refused:
        return False
    return known.late_s != late_s


def _keeps_place(house: House, known: Appointment, late_s: int, now: int) -> None:
    """Refuse to promise a place that will not be kept, to nobody's use."""
    limit_s = late_limit_s(house, known)
    if late_s > limit_s:
        raise Refused(Code.LATE_TOO_LONG, limit_min=limit_s // 60)
    if now < known.at - LATE_FROM_S * SECOND:
        raise Refused(Code.LATE_TOO_EARLY, hours=LATE_FROM_S // 3600)
    if now >= known.due_at + late_s * SECOND:
        raise Refused(Code.LATE_TOO_LATE)


def _newest(day: Day, known: Appointment) -> Appointment:
    """The day knows its own appointments better than a row read before a race was lost."""
    return day.appointments.get(known.id, known)


def _still_ahead(known: Appointment) -> None:
    if known.state is Booking.REPORTED:
        raise Refused(Code.APPOINTMENT_REPORTED)
    if known.state is Booking.NEVER:
        raise Refused(Code.APPOINTMENT_OVER)


def _book(house: House, day: Day, command: co.Book, now: int) -> Events:
    if not _service(house, command.service).appointments:
        raise Refused(Code.NO_APPOINTMENTS, service=command.service)
    known = day.appointments.get(command.appointment, command.known)
    channel = command.channel or (None if known is None else known.channel)
    fresh = Appointment(
        id=command.appointment,
        service=command.service,
        at=command.at,
        booked_at=now,
        language=command.language,
        persons=command.persons,
        channel=channel,
    )
    if known is None:
        _bookable(day, command.at, now)
        return (ev.AppointmentBooked(appointment=fresh),)
    if known.state is not Booking.CANCELLED and (
        (known.service, known.at, known.language, known.persons, known.channel)
        == (fresh.service, fresh.at, fresh.language, fresh.persons, fresh.channel)
    ):
        return ()
    _still_ahead(known)
    _bookable(day, command.at, now)
    moved = known.at != fresh.at
    return (
        ev.AppointmentRebooked(
            appointment=replace(
                fresh,
                booked_at=known.booked_at,
                state=known.state if not moved and known.state is Booking.CONFIRMED else Booking.BOOKED,
                late_s=None if moved else known.late_s,
                rebooked_at=now if moved else known.rebooked_at,
                was_at=known.at if moved else known.was_at,
                told_at=None if moved else known.told_at,
                call_back_at=None if moved or known.state is Booking.CANCELLED else known.call_back_at,
            )
        ),
    )


def _bookable(day: Day, at: int, now: int) -> None:
    """Slots earlier on a day that still runs are taken: the booking system may be late in telling."""
    if at < now and (day.ended or not day.covers(at)):
        raise Refused(Code.SLOT_PAST)
    if day.ended and day.covers(at):
        raise Refused(Code.DAY_OVER)
    if at > now + BOOKABLE_S * SECOND:
        raise Refused(Code.SLOT_FAR)


# --- visits -------------------------------------------------------------------------------------


def _report(house: House, day: Day, command: co.Report) -> Events:
    known = _newest(day, command.known)
    if known.state is Booking.CANCELLED:
        raise Refused(Code.APPOINTMENT_CANCELLED)
    if known.id not in day.appointments:
        raise Refused(Code.APPOINTMENT_NOT_TODAY)
    if known.state is Booking.REPORTED:
        return ()
    letter, number = _draw(house, day, _service(house, known.service))
    return (
        ev.VisitReported(
            visit=command.visit,
            range=letter,
            number=number,
            service=known.service,
            appointment=known.id,
            slot_at=known.at,
            told_at=known.told_at,
            announced_late=known.late_s is not None,
            priority=command.priority,
            language=command.language or known.language,
            persons=command.persons or known.persons,
        ),
    )


def _walk_in(house: House, day: Day, command: co.WalkIn, now: int) -> Events:
    for name in (command.service, *command.then):
        if not _service(house, name).walk_ins:
            raise Refused(Code.NO_WALK_INS, service=name)
    calendar = house.calendar
    if not takes_tickets(day.openings, now, start_s=calendar.tickets_start_s, stop_s=calendar.tickets_stop_s):
        raise Refused(Code.HOUSE_CLOSED)
    letter, number = _draw(house, day, house.services[command.service])
    return (
        ev.VisitReported(
            visit=command.visit,
            range=letter,
            number=number,
            service=command.service,
            then=command.then,
            priority=command.priority,
            language=command.language,
            persons=command.persons,
        ),
    )


def _draw(house: House, day: Day, service: Service) -> tuple[str, int]:
    """The next number of the service's range; a discreet service hides in the commonest range."""
    letter = service.range
    if service.discreet:
        shared: dict[str, int] = {}
        for other in house.services.values():
            if not other.discreet:
                shared[other.range] = shared.get(other.range, 0) + 1
        ranked = sorted(shared, key=lambda name: (-day.numbers.get(name, 0), -shared[name], name))
        letter = ranked[0] if ranked else letter
    return letter, day.numbers.get(letter, 0) + 1


def _find(day: Day, name: str) -> Visit:
    visit = day.find(name)
    if visit is None:
        raise Refused(Code.UNKNOWN_TICKET, ticket=name)
    return visit


def _visit(day: Day, command: co.VisitCommand) -> Events:
    visit = _find(day, command.visit)
    if isinstance(command, co.Return):
        if visit.status is Status.WAITING and visit.again:
            return ()
        if visit.status not in (Status.PARKED, Status.NOT_PRESENT):
            raise Refused(Code.NOT_AWAY, ticket=visit.ticket, state=visit.status.value)
        return (ev.VisitReturned(visit=visit.id),)
    if isinstance(command, co.Leave):
        if visit.status is Status.LEFT:
            return ()
        if visit.status not in (Status.WAITING, Status.PARKED):
            raise Refused(Code.NOT_WAITING, ticket=visit.ticket, state=visit.status.value)
        return (ev.VisitLeft(visit=visit.id),)
    if visit.status not in IN_HOUSE:
        raise Refused(Code.VISIT_OVER, ticket=visit.ticket, state=visit.status.value)
    if isinstance(command, co.Prioritise):
        if visit.priority == command.priority:
            return ()
        return (ev.VisitPrioritised(visit=visit.id, priority=command.priority),)
    if visit.staff == command.staff:
        return ()
    return (ev.VisitBound(visit=visit.id, staff=command.staff),)


# --- counters -----------------------------------------------------------------------------------


def _counter(house: House, day: Day, command: co.CounterCommand, now: int) -> Events:
    counter = day.counter(command.counter)
    match command:
        case co.OpenCounter():
            staff = command.staff or counter.staff
            if counter.mode is CounterMode.OPEN and counter.staff == staff:
                return ()
            return (ev.CounterOpened(counter=counter.id, staff=staff),)
        case co.PauseCounter():
            if counter.mode is CounterMode.CLOSED:
                raise Refused(Code.COUNTER_NOT_OPEN, counter=counter.id)
            return () if counter.mode is CounterMode.PAUSED else (ev.CounterPaused(counter=counter.id),)
        case co.CloseCounter():
            if counter.mode is CounterMode.CLOSED:
                return ()
            if counter.visit is not None:
                raise Refused(Code.COUNTER_BUSY, counter=counter.id, ticket=day.visits[counter.visit].ticket)
            return (ev.CounterClosed(counter=counter.id),)
        case co.CallNext():
            _ready(day, counter)
            choice = choose(house, day, counter.id, now)
            if choice is None:
                return ()
            return (_call(day, counter, choice.visit, choice.rule, choice.overtook),)
        case co.CallTicket():
            return _call_ticket(house, day, counter, command.ticket, now)
        case co.Undo():
            return _undo(house, day, counter, now)
        case _:
            return _at_counter(house, day, counter, command)


def _ready(day: Day, counter: CounterState) -> None:
    if counter.visit is not None:
        raise Refused(Code.COUNTER_BUSY, counter=counter.id, ticket=day.visits[counter.visit].ticket)
    if counter.mode is not CounterMode.OPEN:
        raise Refused(Code.COUNTER_NOT_OPEN, counter=counter.id)


def _call(day: Day, counter: CounterState, visit: Visit, rule: Rule, overtook: tuple[str, ...]) -> ev.Called:
    # The seq makes the id unique for ever, also when an undone call is made again.
    return ev.Called(
        counter=counter.id,
        visit=visit.id,
        call=f"{visit.ticket}-{day.seq + 1}",
        rule=rule.value,
        overtook=overtook,
    )


def _call_ticket(house: House, day: Day, counter: CounterState, ticket: str, now: int) -> Events:
    _ready(day, counter)
    visit = _find(day, ticket)
    if visit.status not in AWAITED:
        raise Refused(Code.NOT_WAITING, ticket=visit.ticket, state=visit.status.value)
    plan = house.counters[counter.id]
    if not may_serve(plan, counter, visit) and not may_help(house, plan, counter, visit):
        raise Refused(Code.NOT_THIS_COUNTER, ticket=visit.ticket, counter=counter.id)
    order = queue(house, day, counter.id, now)
    return (_call(day, counter, visit, Rule.ASKED, overtaken(visit, order)),)


def _at_counter(
    house: House,
    day: Day,
    counter: CounterState,
    command: co.Recall | co.Start | co.Finish | co.NoShow | co.Park | co.Transfer,
) -> Events:
    """What may be done with the person who is called to the counter or served at it."""
    if counter.visit is None:
        raise Refused(Code.NOBODY_AT_COUNTER, counter=counter.id)
    visit = day.visits[counter.visit]
    called = visit.status is Status.CALLED
    match command:
        case co.Recall() | co.Start() | co.NoShow() if not called:
            raise Refused(Code.NOT_CALLED, counter=counter.id, ticket=visit.ticket)
        case co.Recall():
            return (ev.Recalled(counter=counter.id, visit=visit.id, call=f"{visit.ticket}-{day.seq + 1}"),)
        case co.Start():
            return (ev.ServiceStarted(counter=counter.id, visit=visit.id),)
        case co.Finish():
            goes_on = visit.then[0] if visit.then else None
            return (ev.ServiceFinished(counter=counter.id, visit=visit.id, goes_on=goes_on),)
        case co.NoShow():
            if visit.recalls < house.recalls_before_no_show:
                raise Refused(
                    Code.RECALL_FIRST,
                    ticket=visit.ticket,
                    recalls=visit.recalls,
                    needed=house.recalls_before_no_show,
                )
            return (ev.NotPresent(counter=counter.id, visit=visit.id),)
        case co.Park():
            return (ev.Parked(counter=counter.id, visit=visit.id),)
        case co.Transfer():
            return (_transfer(house, day, counter, visit, command),)


def _transfer(
    house: House, day: Day, counter: CounterState, visit: Visit, command: co.Transfer
) -> ev.Transferred:
    if (command.to_service is None) == (command.to_counter is None):
        raise Refused(Code.BAD_TRANSFER)
    if command.to_service is not None:
        _service(house, command.to_service)
    if command.to_counter is not None:
        if command.to_counter not in house.counters:
            raise Refused(Code.UNKNOWN_COUNTER, counter=command.to_counter)
        if command.to_counter == counter.id:
            raise Refused(Code.BAD_TRANSFER)
        if day.counter(command.to_counter).mode is CounterMode.CLOSED:
            raise Refused(Code.COUNTER_NOT_OPEN, counter=command.to_counter)
    return ev.Transferred(
        counter=counter.id,
        visit=visit.id,
        to_service=command.to_service,
        to_counter=command.to_counter,
        staff=command.staff,
        accompanied=command.accompanied,
    )


def _undo(house: House, day: Day, counter: CounterState, now: int) -> Events:
    last = counter.last
    if last is None:
        raise Refused(Code.NOTHING_TO_UNDO, counter=counter.id)
    if now - last.at > house.undo_s * SECOND:
        raise Refused(Code.UNDO_TOO_LATE, counter=counter.id, limit_s=house.undo_s)
    # Nearly always it is the very same value, which is seen at once; comparing all fields is slow.
    if any((known := day.visits[visit.id]) is not visit and known != visit for visit in last.visits_after):
        raise Refused(Code.UNDO_MOVED_ON, counter=counter.id)
    if last.counter_before.mode is CounterMode.CLOSED and any(
        visit.to_counter == counter.id and visit.status in AWAITED for visit in day.visits.values()
    ):
        # Closing frees them; an undone opening would leave them waiting for a counter that has gone.
        raise Refused(Code.UNDO_MOVED_ON, counter=counter.id)
    return (ev.Undone(counter=counter.id, undid=last.kind),)
