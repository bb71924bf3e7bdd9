"""What is wrong now, worst first. An alert stands until its cause is gone."""

from __future__ import annotations

from collections.abc import Iterator

from displays.day import DayModel
from displays.presence import Place
from displays.views import Alert
from server.domain.day import CounterMode
from server.domain.schedule import SECOND, iso

SEVERITY = ("no-counter", "screen-silent", "panel-silent", "wait", "sound-refused")
"""The kinds, worst first: nobody helps these people; they are not shown or called; they wait; unheard."""


def alerts(model: DayModel) -> list[Alert]:
    """Everything that somebody should do something about now, by severity, then the oldest first."""
    found = [*_services(model), *_screens(model), *_panels(model)]
    return sorted(found, key=lambda alert: (SEVERITY.index(alert.kind), alert.since))


def _services(model: DayModel) -> Iterator[Alert]:
    for name, waiting in model.waiting_by_service.items():
        service = model.house.services.get(name)
        if service is None:
            continue
        limit = waiting[0].wait_from + service.waiting_limit_s * SECOND
        if model.now > limit:
            yield Alert(kind="wait", service=name, screen=None, counter=None, since=iso(limit))
        # A counter that only helps there is one all the same: whoever waits is called.
        if name not in model.expected.services and waiting[0].wait_from <= model.now:
            since = iso(waiting[0].wait_from)
            yield Alert(kind="no-counter", service=name, screen=None, counter=None, since=since)


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
            yield Alert(kind="screen-silent", service=None, screen=screen.id, counter=None, since=since)
        elif heard is not None and screen.sounds and heard.sound == "refused":
            since = iso(heard.sound_since or needed_since)
            yield Alert(kind="sound-refused", service=None, screen=screen.id, counter=None, since=since)


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
                yield Alert(kind="panel-silent", service=None, screen=None, counter=counter, since=since)
