"""House time: the injected clock that decisions, the journal, slots and every ``at`` go by.

Real time (heartbeats, leases, sessions, limits) is ``time.monotonic`` and ``time.time`` where used.
"""

from __future__ import annotations

import time


class HouseClock:
    """House time in microseconds UTC, running ``speed`` times as fast as life.

    Speed 0 stands still. Without ``start`` it follows the machine's own clock. With ``hurry``, an instant and
    a speed, it runs at that other speed until then: the days before a demo's first morning.
    """

    def __init__(
        self, start: int | None = None, speed: float = 1.0, hurry: tuple[int, float] | None = None
    ) -> None:
        self._speed = speed
        self._follows = start is None and speed == 1.0
        self._from = time.time_ns() // 1000 if start is None else start
        self._since = time.monotonic_ns()
        self._hurry = None if self._follows else hurry

    @property
    def follows(self) -> bool:
        """Whether this is the machine's own clock."""
        return self._follows

    @property
    def speed(self) -> float:
        """House seconds per real second, now."""
        self.now()
        return self._speed if self._hurry is None else self._hurry[1]

    def now(self) -> int:
        """House time now."""
        if self._follows:
            return time.time_ns() // 1000
        real = time.monotonic_ns()
        if self._hurry is not None:
            until, speed = self._hurry
            hurried = self._from + int((real - self._since) / 1000 * speed)
            if hurried < until:
                return hurried
            # From the moment at which it got there on, however late that is noticed.
            if self._from < until:
                self._since += int((until - self._from) / speed * 1000)
                self._from = until
            self._hurry = None
        return self._from + int((real - self._since) / 1000 * self._speed)

    def not_before(self, instant: int) -> None:
        """Never show a moment before ``instant``: a restart does not go behind the journal.

        A clock that follows the machine's is not moved for it: the journal itself holds its ``at``
        until the machine's clock has caught up, and a wrong clock that is mended stays mended.
        """
        if not self._follows and self.now() < instant:
            self._set(instant)

    def jump(self, instant: int) -> None:
        """Show ``instant`` now and go on from there: the nights that a demo leaves out.

        Not while it hurries: it is there soon, and what happens by night happens on the way.
        """
        if self._follows:
            raise RuntimeError("the machine's own clock cannot be moved")
        self.now()
        if self._hurry is None:
            self._set(instant)

    def _set(self, instant: int) -> None:
        self._from, self._since = instant, time.monotonic_ns()


def real_now() -> int:
    """Real time in microseconds UTC, for what must outlive a process: stored answers, sessions."""
    return time.time_ns() // 1000
