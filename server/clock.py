"""House time: the injected clock that decisions, the journal, slots and every ``at`` go by.

Real time (heartbeats, leases, sessions, limits) is ``time.monotonic`` and ``time.time`` where used.
"""

from __future__ import annotations

import time


class HouseClock:
    """House time in microseconds UTC, running ``speed`` times as fast as life.

    Speed 0 stands still. Without ``start`` it follows the machine's own clock.
    """

    def __init__(self, start: int | None = None, speed: float = 1.0) -> None:
        self.speed = speed
        self._follows = start is None and speed == 1.0
        self._from = time.time_ns() // 1000 if start is None else start
        self._since = time.monotonic_ns()

    @property
    def follows(self) -> bool:
        """Whether this is the machine's own clock."""
        return self._follows

    def now(self) -> int:
        """House time now."""
        if self._follows:
            return time.time_ns() // 1000
        return self._from + int((time.monotonic_ns() - self._since) / 1000 * self.speed)

    def not_before(self, instant: int) -> None:
        """Never show a moment before ``instant``: a restart does not go behind the journal.

        A clock that follows the machine's is not moved for it: the journal itself holds its ``at``
        until the machine's clock has caught up, and a wrong clock that is mended stays mended.
        """
        if not self._follows and self.now() < instant:
            self.jump(instant)

    def jump(self, instant: int) -> None:
        """Show ``instant`` now and go on from there: the nights that a demo leaves out."""
        if self._follows:
            raise RuntimeError("the machine's own clock cannot be moved")
        self._from, self._since = instant, time.monotonic_ns()


def real_now() -> int:
    """Real time in microseconds UTC, for what must outlive a process: stored answers, sessions."""
    return time.time_ns() // 1000
