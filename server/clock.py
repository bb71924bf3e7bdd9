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
        # House time, and the real moment at which it was that: replaced together, for who reads elsewhere.
        self._mark = (time.time_ns() // 1000 if start is None else start, time.monotonic_ns())
        self._hurry = None if self._follows else hurry
        self._held: int | None = None

    @property
    def follows(self) -> bool:
        """Whether this is the machine's own clock."""
        return self._follows

    @property
    def speed(self) -> float:
        """House seconds per real second, now; as it would be where it is held."""
        self.now()
        return self._speed if self._hurry is None else self._hurry[1]

    @property
    def hurries(self) -> bool:
        """Whether it runs at the speed of its hurry, now."""
        self.now()
        return self._hurry is not None

    def now(self) -> int:
        """House time now."""
        if self._follows:
            return time.time_ns() // 1000
        real = time.monotonic_ns()
        shown = self._run_to(real)
        if self._held is not None and shown > self._held:
            # The time for which it is held is not made up for.
            self._mark = (self._held, real)
            return self._held
        return shown

    def _run_to(self, real: int) -> int:
        since, began = self._mark
        if self._hurry is not None:
            until, speed = self._hurry
            hurried = since + int((real - began) / 1000 * speed)
            if hurried < until:
                return hurried
            # A hold before its end is one that it has not come to: it goes on hurrying afterwards.
            if self._held is not None and self._held < until:
                return hurried
            # From the moment at which it got there on, however late that is noticed.
            if since < until:
                since, began = self._mark = (until, began + int((until - since) / speed * 1000))
            self._hurry = None
        return since + int((real - began) / 1000 * self._speed)

    def hold(self, instant: int | None) -> None:
        """Go no further than ``instant``, nor back behind what was shown; None lets go.

        So a hurry waits for what happens at its own time. Raises ``RuntimeError`` for the machine's clock.
        """
        if self._follows:
            raise RuntimeError("the machine's own clock cannot be held")
        shown = self.now()
        self._held = None if instant is None else max(instant, shown)

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
        self._mark = (instant, time.monotonic_ns())
        if self._held is not None:
            self._held = max(self._held, instant)


def real_now() -> int:
    """Real time in microseconds UTC, for what must outlive a process: stored answers, sessions."""
    return time.time_ns() // 1000
