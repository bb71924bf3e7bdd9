"""Presence: which screens and panels are there, what they painted and sounded, and how fast.

A screen speaks through receipts, at least every few seconds; a connection alone proves nothing, for
a page that hangs keeps its line open. Silence, steps and latencies are real time (monotonic); what is
shown of them is the house time at which it was noted, so that a view moves only when something did.

What is kept is bounded: one line a configured screen and counter, one for all other hall screens, and
in each a window of latencies.
"""

from __future__ import annotations

import time
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable

from displays.presence import Attendance, Heard, Key, Place

SILENT_S = 15.0
"""Who is not heard for longer than this is silent, in real seconds."""

STEP_S = 5.0
"""``heard_at`` of all lines moves at once and no more often than this, in real seconds."""

WINDOW = 200
"""How many of the newest latencies P50 and P99 are taken from."""


class Window:
    """The newest values, at most :data:`WINDOW`, and their percentiles."""

    __slots__ = ("_newest", "_ordered")

    def __init__(self) -> None:
        self._newest: deque[float] = deque()
        self._ordered: list[float] = []

    def add(self, value: float) -> None:
        """Take a value in; the oldest goes where there are too many."""
        if len(self._newest) == WINDOW:
            del self._ordered[bisect_left(self._ordered, self._newest.popleft())]
        self._newest.append(value)
        insort(self._ordered, value)

    def percentile(self, percent: int) -> float | None:
        """By nearest rank; None while there is nothing."""
        ordered = self._ordered
        return ordered[max(0, -(-len(ordered) * percent // 100) - 1)] if ordered else None


class Seat:
    """One connection of a screen or panel. ``sound`` is what it told of its sound last."""

    __slots__ = ("key", "site", "sound")

    def __init__(self, site: str, key: Key) -> None:
        self.site = site
        self.key = key
        self.sound: str | None = None


class Line:
    """A screen or panel with all its connections, the newest last; ``heard`` is in real seconds."""

    __slots__ = (
        "call",
        "glass",
        "heard",
        "heard_at",
        "online_since",
        "painted",
        "painted_at",
        "seats",
        "shown_at",
        "sound",
        "sound_since",
        "sounded_at",
        "step",
    )

    def __init__(self) -> None:
        self.seats: list[Seat] = []
        self.heard: float | None = None
        self.heard_at = 0
        self.online_since = 0
        self.shown_at = 0
        self.step = -1.0
        self.painted: int | None = None
        self.painted_at: int | None = None
        self.call: tuple[str, str] | None = None
        self.sounded_at: int | None = None
        self.sound: str | None = None
        self.sound_since: int | None = None
        self.glass = Window()

    def hear_sound(self, at: int) -> None:
        """Sound is what the newest connection that spoke of it says; without one, what was said last."""
        said = next((seat.sound for seat in reversed(self.seats) if seat.sound), self.sound)
        if said != self.sound:
            self.sound, self.sound_since = said, at


class Presence:
    """All screens and panels of all sites. ``house`` tells house time, ``real`` monotonic seconds."""

    def __init__(
        self,
        house: Callable[[], int],
        real: Callable[[], float] = time.monotonic,
        silent_s: float = SILENT_S,
    ) -> None:
        self.silent_s = silent_s
        self._house = house
        self._real = real
        self._began = house(), real()
        self._sites: dict[str, dict[Key, Line]] = {}
        self._dates: dict[str, str] = {}

    def join(self, site: str, key: Key) -> Seat:
        """A connection of a screen or panel has come; give it back to :meth:`leave`."""
        seat = Seat(site, key)
        self._sites.setdefault(site, {}).setdefault(key, Line()).seats.append(seat)
        return seat

    def leave(self, seat: Seat) -> None:
        """It has gone. Its line stays: a page that loads itself anew is not away."""
        lines = self._sites[seat.site]
        line = lines[seat.key]
        line.seats.remove(seat)
        line.hear_sound(self._house())
        if not line.seats and seat.key[0] is Place.UNNAMED:
            del lines[seat.key]

    def receipt(
        self,
        seat: Seat,
        *,
        painted: int | None = None,
        glass_s: float | None = None,
        call: tuple[str, str] | None = None,
        sound: str | None = None,
    ) -> None:
        """A connection was heard: it painted this seq, after so long, and sounded this call (id, ticket)."""
        line = self._sites[seat.site][seat.key]
        now, at = self._real(), self._house()
        if line.heard is None or now - line.heard > self.silent_s:
            line.online_since = line.shown_at = at
        line.heard, line.heard_at = now, at
        if painted is not None and painted > (line.painted or 0):
            line.painted, line.painted_at = painted, at
        if glass_s is not None:
            line.glass.add(glass_s)
        if call is not None:
            line.call, line.sounded_at = call, at
        if sound is not None:
            seat.sound = sound
            line.hear_sound(at)

    def attendance(self, site: str, date: str) -> Attendance:
        """Who is there now. With a new ``date`` whoever is gone and not configured is forgotten."""
        lines = self._sites.setdefault(site, {})
        if self._dates.setdefault(site, date) != date:
            self._dates[site] = date
            for key in [k for k, line in lines.items() if not line.seats and k[0] is not Place.SCREEN]:
                del lines[key]
        now = self._real()
        began_at, began = self._began
        return Attendance(
            began=began_at,
            settled=now - began > self.silent_s,
            heard={key: self._heard(line, now) for key, line in lines.items()},
        )

    def _heard(self, line: Line, now: float) -> Heard:
        if line.heard is None:
            return Heard(online=False, connections=len(line.seats))
        online = now - line.heard <= self.silent_s
        if line.step != now // STEP_S:
            line.step, line.shown_at = now // STEP_S, line.heard_at
        call, ticket = line.call or (None, None)
        return Heard(
            online=online,
            connections=len(line.seats),
            since=line.online_since if online else line.heard_at,
            heard_at=line.shown_at if online else line.heard_at,
            painted=line.painted,
            painted_at=line.painted_at,
            call=call,
            ticket=ticket,
            sounded_at=line.sounded_at,
            sound=line.sound,
            sound_since=line.sound_since,
            p50_ms=_ms(line.glass.percentile(50)),
            p99_ms=_ms(line.glass.percentile(99)),
        )


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)
