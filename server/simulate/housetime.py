"""House time as a client sees it: read from the site, carried on by the own monotonic clock."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime

from server.domain.schedule import SECOND, to_instant
from server.simulate.outside import Outside

RESYNC_S = 5.0
"""Real seconds between two readings, at most."""

RESYNC_HOUSE_S = 300.0
"""House seconds between two readings, where that is sooner: a fast house's night is short."""

DRIFT_S = 0.25
"""Real seconds by which we may be wrong before everyone who waits for a moment is told."""

_LOOK_AGAIN_S = 30.0


def instant(text: str) -> int:
    """Microseconds UTC of an RFC 3339 ``at``."""
    return to_instant(datetime.fromisoformat(text))


LOOK_AT_LEAST_S = 0.02
"""Real seconds between two looks of who waits for what lies behind the halt."""


class HouseTime:
    """The house's clock from outside. Jumps (a night left out, a restart) wake whoever waits.

    ``halt`` is a moment at which the house is known to slow down: we are not beyond it before the house
    says that it is. A thousandfold hurry would be hours ahead by the time that its end is noticed.
    """

    def __init__(self, halt: int | None = None) -> None:
        self.speed = 1.0
        self._halt = halt
        self._from = 0
        self._since = time.monotonic()
        self._moved = asyncio.Event()

    def now(self) -> int:
        """House time now, in microseconds UTC."""
        return self._at(time.monotonic())

    def _at(self, moment: float) -> int:
        carried = self._from + round((moment - self._since) * self.speed * SECOND)
        return carried if self._halt is None or self._from >= self._halt else min(carried, self._halt)

    def set(self, at: int, speed: float, *, measured: float | None = None) -> None:
        """House time was ``at`` at the monotonic moment ``measured`` (now, if it is not given)."""
        measured = time.monotonic() if measured is None else measured
        expected = self._at(measured)
        moved = speed != self.speed or abs(at - expected) > DRIFT_S * max(speed, 1.0) * SECOND
        self._from, self._since, self.speed = at, measured, speed
        if moved:
            self._moved.set()
            self._moved = asyncio.Event()

    async def until(self, moment: int) -> None:
        """Wait for a moment of house time; at once if it has passed."""
        while (ahead_s := (moment - self.now()) / SECOND) > 0:
            real_s = ahead_s / self.speed if self.speed > 0 else _LOOK_AGAIN_S
            moved = self._moved
            try:
                async with asyncio.timeout(min(max(real_s, LOOK_AT_LEAST_S), _LOOK_AGAIN_S)):
                    await moved.wait()
            except TimeoutError:
                pass

    async def pause(self, seconds: float) -> None:
        """Wait for some seconds of house time."""
        await self.until(self.now() + round(seconds * SECOND))

    async def follow(self, outside: Outside) -> None:
        """Read the house's clock now and then; one task, until cancelled."""
        while True:
            await self.read(outside)
            await asyncio.sleep(min(RESYNC_S, max(0.2, RESYNC_HOUSE_S / max(self.speed, 1.0))))

    async def read(self, outside: Outside) -> None:
        """Read the house's clock. Whatever the road took, the middle of it is nearest to the truth."""
        asked = time.monotonic()
        site = await outside.get("supervisor")
        answered = time.monotonic()
        self.set(instant(site["at"]), float(site["speed"]), measured=(asked + answered) / 2)
