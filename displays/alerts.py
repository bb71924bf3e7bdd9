"""What is wrong now, worst first. An alert stands until its cause is gone."""

from __future__ import annotations

from collections.abc import Iterator

from displays.day import DayModel
from displays.presence import Place
from displays.views import Alert
from server.domain.alerts import is_wave
from server.domain.appointment import Appointment, Booking
from server.domain.day import CounterMode
from server.domain.schedule import SECOND, iso

REMINDERS = "reminders-failing"
SEVERITY = (
    *("no-counter", "screen-silent", "panel-silent", "wait", REMINDERS, "late-wave", "sound-refused"),
)
"""The kinds, worst first: nobody helps these people; they are not shown or called; they wait; people at home
are not told; many do not come when they are expected; unheard."""


def alerts(model: DayModel) -> list[Alert]:
    """Everything that somebody should do something about now, by severity, then the oldest first."""
    found = [*_services(model), *_screens(model), *_panels(model), *_late_wave(model), *_reminders(model)]
    return sorted(found, key=lambda alert: (SEVERITY.index(alert.kind), alert.since))


def _services(model: DayModel) -> Iterator[Alert]:
    for name, waiting in model.waiting_by_service.items():
        service = model.house.services.get(name)
        if service is None:
            continue
        limit = waiting[0].wait_from + service.waiting_limit_s * SECOND
        if model.now > limit:
            yield Alert(kind="wait", service=name, since=iso(limit))
        # A counter that only helps there is one all the same: whoever waits is called.
        if name not in model.expected.services and waiting[0].wait_from <= model.now:
            since = iso(waiting[0].wait_from)
            yield Alert(kind="no-counter", service=name, since=since)


def _screens(model: DayModel) -> Iterator[Alert]:
    """A hall screen matters while the doors are open or somebody is still to be called or served."""
    needed_since = _needed_since(model)
    if needed_since is None:
        return
    attendance = model.attendance
    for screen in model.house.screens.values():
        heard = attendance.heard.get((Place.SCREEN, screen.id))
        if heard is None or heard.heard_at is None:
            gone = attendance.began if attendance.settled else None
        else:
            gone = None if heard.online else heard.since
        if gone is not None:
            since = iso(max(gone, needed_since))
            yield Alert(kind="screen-silent", screen=screen.id, since=since)
        elif heard is not None and screen.sounds and heard.sound == "refused":
            since = iso(heard.sound_since or needed_since)
            yield Alert(kind="sound-refused", screen=screen.id, since=since)


def _needed_since(model: DayModel) -> int | None:
    """Since when the hall has been in use without a break; None where it is not."""
    opened = next((begin for begin, end in model.day.openings if begin <= model.now < end), None)
    if model.day.ended:
        return None
    if opened is not None:
        return opened
    in_use = model.places or any(state.visit is not None for state in model.day.counters.values())
    return model.day.begins_at if in_use else None


def _panels(model: DayModel) -> Iterator[Alert]:
    """A panel that was never heard is none of ours: counters may be run by other programs."""
    for counter in model.house.counters:
        if model.day.counter(counter).mode is CounterMode.OPEN:
            heard = model.attendance.heard.get((Place.PANEL, counter))
            if heard is not None and heard.since is not None and not heard.online:
                since = iso(heard.since)
                yield Alert(kind="panel-silent", counter=counter, since=since)


def _late_wave(model: DayModel) -> Iterator[Alert]:
    """Of those who should have been here within the window by now, far more than usual are not, or came late.

    Who announced being late counts as late: they are not here when the house expected them.
    """
    if quiet(model):
        return
    begin = model.now - model.house.alerts.late_window_s * SECOND
    due = [known for known in model.day.appointments.values() if begin < _here_by(model, known) < model.now]
    expected = [known for known in due if known.state is not Booking.CANCELLED]
    late = [_here_by(model, known) for known in expected if _is_late(model, known)]
    if is_wave(len(late), len(expected), model.house.alerts):
        yield Alert(kind="late-wave", since=iso(min(late)), count=len(late), of=len(expected))


def _here_by(model: DayModel, known: Appointment) -> int:
    """Until when somebody may report and is in time."""
    service = model.house.services.get(known.service)
    return known.due_at + (service.grace_s if service else 0) * SECOND


def _is_late(model: DayModel, known: Appointment) -> bool:
    visit = model.day.visits.get(known.visit or "")
    return visit is None or visit.reported_at > _here_by(model, known)


def _reminders(model: DayModel) -> Iterator[Alert]:
    """What the ledger of deliveries says; at any hour, because people at home wait for it."""
    for each in model.failing:
        since = iso(each.since)
        yield Alert(kind=REMINDERS, channel=each.channel, since=since, count=each.count, of=each.of)


def quiet(model: DayModel) -> bool:
    """Whether nobody is told of the hall: before the doors open first, and once the day is over."""
    openings = model.day.openings
    return model.day.ended or not openings or model.now < openings[0][0]
