"""A demo's hours that nobody watches: hurried through or left out, and no message is late for it.

Reminders are due by night too: quiet hours move them to the evening before. So a clock that runs thousands
of times as fast as life waits for what is on its way, and one that leaves a night out stops where something
is due in it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time

from notify import plan
from notify.worker import Worker
from server.clock import HouseClock
from server.database import Unavailable
from server.domain.house import House
from server.domain.schedule import SECOND
from server.live import Live

MORNING_S = 900
"""How long before an opening the skipped night ends, in house seconds."""

LATE_S = 3600
"""By how much a message may be late in a hurry, in house seconds; never as much as leads into quiet hours."""

EVENING_S = 300
"""How long before quiet hours the clock stops for what is due before them, in house seconds."""

AHEAD_S = 7200
"""How far the clock runs on before it is looked at again what is due by then, in house seconds."""

SETTLED_S = 2.5
"""Real seconds between a day's end and the first jump: who was not served is still told so."""

PATIENCE_S = 5.0
"""Real seconds for which the clock waits for one message; a gateway that is down ends no demo."""

LOOK_S = 0.2
LOOK_AT_LEAST_S = 0.02
NIGHT_LOOK_S = 0.05
"""Real seconds between two looks: by day, in a hurry, and in a night that is left out."""


class Nights:
    """Keeps a demo's clock. ``skip``: from the end of a day it jumps to shortly before the next opening."""

    def __init__(self, live: Live, clock: HouseClock, worker: Worker, *, skip: bool) -> None:
        self._live = live
        self._clock = clock
        self._worker = worker
        self._skip = skip
        self._night = False
        self._waited: tuple[int, float] | None = None
        """What is due and not sent yet, and since which real moment we wait for it."""
        self._given_up = 0
        """Nothing that was due until this instant is waited for any more."""
        # Until this runs nobody sends anything: a hurry would be hours on by then.
        clock.hold(clock.now())

    async def run(self) -> None:
        """One task, until cancelled; then the clock is let go."""
        asleep_since: float | None = None
        try:
            while True:
                now, night = self._clock.now(), self._asleep()
                asleep_since = (asleep_since or time.monotonic()) if night else None
                if night or self._clock.hurries:
                    with contextlib.suppress(Unavailable):
                        due = await self._due(now)
                        self._clock.hold(self._furthest(now, due))
                        settled = asleep_since and time.monotonic() - asleep_since >= SETTLED_S
                        if self._skip and settled:
                            self._leave_out(due)
                else:
                    self._clock.hold(None)
                await asyncio.sleep(self._pause_s(night=night))
        finally:
            self._clock.hold(None)

    def _asleep(self) -> bool:
        """Whether it is night: every site's day has ended, or the next, begun on the way, has yet to open.

        A morning that no night came before is left as it is: a demo books its first appointments then.
        """
        now, sites = self._clock.now(), self._live.sites.values()
        ended = all(site.day.date and site.day.ended for site in sites)
        early = all(
            site.day.ended or _first_opening(site.house, now) > now + MORNING_S * SECOND for site in sites
        )
        self._night = ended or (self._night and early)
        return self._night

    async def _due(self, now: int) -> int | None:
        """When the first message is due that has not been sent, if one is planned."""
        due = await self._worker.next_due(self._given_up)
        if due is None or due > now:
            self._waited = None
            return due
        self._worker.wake()
        if self._waited is None or self._waited[0] != due:
            self._waited = (due, time.monotonic())
        elif time.monotonic() - self._waited[1] > PATIENCE_S:
            self._given_up = due
        return due

    def _furthest(self, now: int, due: int | None) -> int:
        """How far the clock may run before what is due is sent."""
        ahead = now + AHEAD_S * SECOND
        if due is None or ahead <= due:
            return ahead
        late = due + LATE_S * SECOND
        for site in self._live.sites.values():
            evening = plan.quiet_since(site.house, late)
            if evening is not None:
                late = max(due, min(late, evening - EVENING_S * SECOND))
        return min(ahead, late)

    def _leave_out(self, due: int | None) -> None:
        now = self._clock.now()
        openings = [
            opening
            for site in self._live.sites.values()
            if (opening := site.house.calendar.next_opening(now)) is not None
        ]
        to = min(openings, default=now) - MORNING_S * SECOND
        if due is not None:
            to = min(to, due)
        if now < to:
            self._clock.jump(to)
            self._worker.wake()

    def _pause_s(self, *, night: bool) -> float:
        in_time_s = AHEAD_S / 4 / max(self._clock.speed, 1.0)
        return max(LOOK_AT_LEAST_S, min(NIGHT_LOOK_S if night else LOOK_S, in_time_s))


def _first_opening(house: House, now: int) -> int:
    """The first opening of the day that it is, or else the next one; now, where none is near."""
    calendar = house.calendar
    midnight = calendar.midnight_before(calendar.local_date(now))
    opening = calendar.next_opening(midnight - SECOND)
    return now if opening is None else opening
