"""The allow-lists: for each audience the one type that its view is.

A field that is not here cannot reach that audience. Instants are RFC 3339 strings in UTC, durations
whole seconds; ``low_s`` and ``high_s`` are null while nobody can tell (no open counter).
Everything that grows older is given as an instant, never as an age, so that a view changes only
when something happened.
"""

from __future__ import annotations

import msgspec


class HouseNow(msgspec.Struct):
    """What every page shows around its own matter.

    ``state`` is ``open``, ``closed`` (outside opening hours) or ``ended`` (the day is over);
    ``changes_at`` when the doors next open or close. ``speed`` is house seconds per real second.
    """

    name: str
    time_zone: str
    speed: float
    date: str
    state: str
    changes_at: str | None


class ShownCall(msgspec.Struct):
    """A call as the hall sees it; ``id`` is new for every recall."""

    id: str
    ticket: str
    counter: str
    at: str


class RangeWaiting(msgspec.Struct):
    """How many wait in a number range, and the range of waits for who would draw a ticket now."""

    range: str
    waiting: int
    low_s: int | None
    high_s: int | None


class HallView(msgspec.Struct):
    """The hall screen: the newest call first, one line a ticket. ``notice`` may be empty."""

    calls: list[ShownCall]
    waiting: list[RangeWaiting]
    notice: str
    tickets_over: bool
    house: HouseNow


class QueuedTicket(msgspec.Struct):
    """A waiting ticket in a counter's own order; ``rule`` says why it stands there.

    ``bound``: only one member of staff may serve it; ``accompanied``: a colleague brings it.
    """

    ticket: str
    service: str
    rule: str
    reported_at: str
    slot_at: str | None
    priority: bool
    persons: int
    language: str | None
    accompanied: bool
    bound: bool


class AtCounter(msgspec.Struct):
    """Who is called to the counter or served at it.

    ``status`` is ``called`` or ``serving``; ``rule`` chose the ticket, ``overtook`` are the tickets
    it passed. ``no_show_after`` is the number of recalls still needed before "not present".
    """

    ticket: str
    visit: str
    service: str
    status: str
    rule: str
    overtook: list[str]
    called_at: str
    started_at: str | None
    recalls: int
    no_show_after: int
    slot_at: str | None
    reported_at: str
    then: list[str]
    persons: int
    language: str | None
    accompanied: bool
    priority: bool
    bound: bool


class UndoOffer(msgspec.Struct):
    """The counter's last event, and until when (house time) it may be taken back."""

    kind: str
    until: str


class ParkedTicket(msgspec.Struct):
    """A ticket that is away (``parked``) or was called in vain (``not-present``)."""

    ticket: str
    service: str
    status: str
    since: str


class OfferedService(msgspec.Struct):
    """A service that tickets may be sent on to, or drawn for."""

    id: str
    name: str


class OtherCounter(msgspec.Struct):
    """Another counter, as a place to send people to: what it serves; ``mode`` is open, paused or closed."""

    counter: str
    mode: str
    services: list[str]


class ComingLater(msgspec.Struct):
    """An appointment of the counter's services whose citizen said that they come ``late_s`` later.

    ``expected_at`` is when that is, ``keeps_until`` until when the place is kept.
    """

    appointment: str
    service: str
    at: str
    late_s: int
    expected_at: str
    keeps_until: str


class CounterView(msgspec.Struct):
    """One counter's panel. ``queue`` has who is next first; ``waiting`` counts it whole.

    ``since`` is when it took its ``mode``, null where it was not opened today.
    """

    counter: str
    mode: str
    since: str | None
    staff: str | None
    current: AtCounter | None
    waiting: int
    queue: list[QueuedTicket]
    away: list[ParkedTicket]
    later: list[ComingLater]
    undo: UndoOffer | None
    services: list[OfferedService]
    elsewhere: list[OfferedService]
    counters: list[OtherCounter]
    house: HouseNow


class AppointmentView(msgspec.Struct):
    """An appointment as its citizen sees it. ``service`` is null and ``bring`` empty where it is discreet.

    ``told_at`` is the later time to come at that the house named, running late. ``may`` lists what they may
    say about it now: ``confirm``, ``late`` (by one of ``late_minutes``), ``cancel``, ``call-back``.
    ``messages`` is whether they are written to, null where no address is known.
    """

    at: str
    told_at: str | None
    state: str
    service: str | None
    place: str
    bring: str
    persons: int
    late_s: int | None
    keeps_until: str | None
    call_back: bool
    may: list[str]
    late_minutes: list[int]
    messages: bool | None
    house: HouseNow


class ServiceNow(msgspec.Struct):
    """A service and its queue; ``longest_since`` is when its longest wait began."""

    id: str
    name: str
    kind: str
    range: str
    walk_ins: bool
    appointments: bool
    waiting: int
    longest_since: str | None
    open_counters: int
    low_s: int | None
    high_s: int | None
    discreet: bool


class CounterNow(msgspec.Struct):
    """What a counter is doing. ``since`` is when it took its ``mode``, null where it was not opened today."""

    counter: str
    mode: str
    since: str | None
    staff: str | None
    services: list[str]
    ticket: str | None
    status: str | None
    status_since: str | None


class AppointmentLine(msgspec.Struct):
    """An appointment of today as reception sees it, by our own id."""

    appointment: str
    service: str
    at: str
    state: str
    late_s: int | None
    told_at: str | None
    ticket: str | None
    persons: int
    call_back_at: str | None


class VisitLine(msgspec.Struct):
    """Somebody in the house, or called in vain: who may yet come back to the desk."""

    visit: str
    ticket: str
    service: str
    status: str
    reported_at: str
    slot_at: str | None
    priority: bool
    persons: int
    counter: str | None
    staff: str | None


class Advice(msgspec.Struct):
    """What would help now: ``kind`` is ``open-counter``; ``counter`` is to be opened, as ``mode`` says it is.

    ``service`` is what people wait for too long, ``late`` how many of its ``waiting`` that counter would
    help, ``cause`` how it shows, ``since`` and ``limit_s`` the first of these waits and its limit.
    """

    kind: str
    counter: str
    mode: str
    service: str
    waiting: int
    late: int
    cause: str
    since: str
    limit_s: int


class ReceptionView(msgspec.Struct):
    """The hall at a glance, today's appointments by slot, and everybody in the house."""

    services: list[ServiceNow]
    counters: list[CounterNow]
    appointments: list[AppointmentLine]
    visits: list[VisitLine]
    takes_tickets: bool
    advice: list[Advice]
    house: HouseNow


class Alert(msgspec.Struct):
    """Something that is wrong now, and since when. What it is about is at most one of four; others are null.

    ``kind`` is ``no-counter``, ``screen-silent``, ``panel-silent``, ``wait``, ``reminders-failing``,
    ``late-wave`` or ``sound-refused``. ``count`` of ``of`` are late, or could not be sent.
    """

    kind: str
    since: str
    service: str | None = None
    screen: str | None = None
    counter: str | None = None
    channel: str | None = None
    count: int | None = None
    of: int | None = None


class TodayFigures(msgspec.Struct):
    """The day so far, in people. ``median_wait_s`` and ``p90_wait_s`` are of those called."""

    visits: int
    with_appointment: int
    waiting: int
    served: int
    left: int
    not_present: int
    not_served: int
    booked: int
    late_now: int
    median_wait_s: int | None
    p90_wait_s: int | None


class ServiceShare(msgspec.Struct):
    """Of one service: how many were ``called``, and of these how many ``within`` the time aimed at."""

    service: str
    called: int
    within: int


class ServiceLevel(msgspec.Struct):
    """Of everybody who was called today: how many waited no longer than ``within_s``."""

    within_s: int
    aim_percent: int
    called: int
    within: int
    services: list[ServiceShare]


class LateAppointment(msgspec.Struct):
    """Who is past slot (or the later time that the house named) and grace and not here.

    ``service`` is null for a discreet one.
    """

    appointment: str
    service: str | None
    at: str
    late_s: int | None


class SoundedCall(msgspec.Struct):
    """The last call whose chime a screen says was heard, and when it said so."""

    id: str
    ticket: str
    at: str


class ScreenNow(msgspec.Struct):
    """A hall screen or a counter's panel, and what it told. ``kind`` is screen, unnamed or panel.

    ``state`` is ``online``, ``silent`` or ``never``. ``sounds`` says whether it is meant to,
    ``sound`` (``on``, ``off``, ``refused``) whether it does.
    """

    kind: str
    id: str
    name: str
    state: str
    since: str | None
    heard_at: str | None
    connections: int
    painted: int | None
    painted_at: str | None
    sounded: SoundedCall | None
    sounds: bool
    sound: str | None
    p50_ms: int | None
    p99_ms: int | None


class ManagementView(msgspec.Struct):
    """What is wrong now, then the numbers, then the house, then its screens and panels."""

    alerts: list[Alert]
    today: TodayFigures
    level: ServiceLevel
    late: list[LateAppointment]
    services: list[ServiceNow]
    counters: list[CounterNow]
    waiting: list[QueuedTicket]
    advice: list[Advice]
    screens: list[ScreenNow]
    house: HouseNow


class TicketView(msgspec.Struct):
    """What a citizen may see of the own visit, and nothing of others.

    ``status`` as in the rules of the hall; ``ahead`` and the range are null unless it waits.
    ``counter`` is where to go, once called. ``service`` is null for a discreet visit. ``may_rate`` is
    whether the visit is over, and its citizen may say how it was.
    """

    ticket: str
    status: str
    service: str | None
    ahead: int | None
    low_s: int | None
    high_s: int | None
    counter: str | None
    call: str | None
    called_at: str | None
    may_rate: bool
    house: HouseNow
