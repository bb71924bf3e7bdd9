"""The screens and panels of a house, as the supervisor sees them."""

from __future__ import annotations

from displays.day import DayModel, maybe
from displays.presence import Heard, Place
from displays.views import ScreenNow, SoundedCall
from server.domain.day import CounterMode
from server.domain.schedule import iso

_UNHEARD = Heard(online=False, connections=0)


def screens_now(model: DayModel) -> list[ScreenNow]:
    """Each configured screen, the others in one line, and panels of counters that are open or connected."""
    heard = model.attendance.heard
    lines = [
        _line(Place.SCREEN, screen.id, screen.name, screen.sounds, heard.get((Place.SCREEN, screen.id)))
        for screen in model.house.screens.values()
    ]
    others = heard.get((Place.UNNAMED, ""))
    if others is not None:
        lines.append(_line(Place.UNNAMED, "", "", False, others))
    for counter in model.house.counters:
        panel = heard.get((Place.PANEL, counter))
        is_open = model.day.counter(counter).mode is CounterMode.OPEN
        if is_open or (panel is not None and panel.connections):
            lines.append(_line(Place.PANEL, counter, "", False, panel))
    return lines


def _line(place: Place, name: str, title: str, sounds: bool, heard: Heard | None) -> ScreenNow:
    told = heard or _UNHEARD
    sounded = None
    if told.call is not None and told.ticket is not None and told.sounded_at is not None:
        sounded = SoundedCall(id=told.call, ticket=told.ticket, at=iso(told.sounded_at))
    return ScreenNow(
        kind=place.value,
        id=name,
        name=title,
        state="never" if told.heard_at is None else "online" if told.online else "silent",
        since=maybe(told.since),
        heard_at=maybe(told.heard_at),
        connections=told.connections,
        painted=told.painted,
        painted_at=maybe(told.painted_at),
        sounded=sounded,
        sounds=sounds,
        sound=told.sound,
        p50_ms=told.p50_ms,
        p99_ms=told.p99_ms,
    )
