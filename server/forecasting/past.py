"""What a hall has taught so far: told event by event, in the order of their times."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from server.forecasting.handling import Handling
from server.forecasting.overtaking import Overtaking
from server.forecasting.patience import Patience
from server.forecasting.rates import Rate
from server.forecasting.scene import Waiting
from server.forecasting.skills import Skills
from server.forecasting.tables import Tables

SECOND = 1_000_000

LATELY = 0.1
"""What the newest wait weighs in the mean of the latest."""


class Recent:
    """What just happened, of one service or of all: arrivals, calls, and the waits of those called."""

    __slots__ = ("arrivals", "calls", "last_call_s", "last_wait_s", "mean_wait_s")

    def __init__(self) -> None:
        self.arrivals = Rate()
        self.calls = Rate()
        self.last_call_s = 0.0
        self.last_wait_s = 0.0
        self.mean_wait_s = 0.0

    def called(self, now_s: float, waited_s: float) -> None:
        """Somebody was called after so long."""
        self.calls.happened(now_s)
        self.last_call_s, self.last_wait_s = now_s, waited_s
        self.mean_wait_s += LATELY * (waited_s - self.mean_wait_s)


class Past:
    """Knowledge of a hall. Instants are in microseconds UTC; ``tables`` are those of the last night.

    Tell it everything that happens; nobody's name or number is asked for or kept.
    """

    def __init__(self) -> None:
        self.names: dict[str, int] = {}
        """The services, numbered in the order in which they were met."""
        self.handling = Handling()
        self.skills = Skills()
        self.overtaking = Overtaking()
        self.patience = Patience()
        self.tables: Tables | None = None
        self.calm()

    def calm(self) -> None:
        """Forget what just happened, not what was learned: time does not go on from the last event."""
        self.all = Recent()
        self.by_service = [Recent() for _ in self.names]
        self.leavings = Rate()
        self.waits: deque[float] = deque(maxlen=10)
        self._pressed: dict[str, int] = {}

    def service(self, name: str) -> int:
        """The number of a service, a new one where it was never met."""
        known = self.names.get(name)
        if known is None:
            known = self.names[name] = len(self.names)
            self.by_service.append(Recent())
            self.overtaking.grow(known + 1)
            self.patience.grow(known + 1)
        return known

    def arrived(self, now: int, service: str) -> None:
        """Somebody came in."""
        self.by_service[self.service(service)].arrivals.happened(now / SECOND)
        self.all.arrivals.happened(now / SECOND)

    def called(self, now: int, counter: str, who: Waiting, others: Iterable[Waiting]) -> None:
        """A counter called ``who``; the ``others`` go on waiting."""
        service = self.service(who.service)
        waited_s = max(0.0, (now - who.since) / SECOND)
        for recent in (self.by_service[service], self.all):
            recent.called(now / SECOND, waited_s)
        self.waits.append(waited_s)
        self.skills.called(counter, service)
        freed = self._pressed.pop(counter, None)
        if freed is not None:
            self.handling.paused((now - freed) / SECOND)
        if waited_s > 0:
            self.patience.ended(service, waited_s, left=False)
            for other in others:
                if other.since != who.since:
                    later_s = (other.since - who.since) / SECOND
                    self.overtaking.called(service, self.service(other.service), later_s)

    def ended(self, now: int, counter: str, service: str, began: int, anybody: bool) -> None:
        """A counter is done with somebody whom it called at ``began``; ``anybody``: people wait."""
        self.handling.took(self.service(service), counter, (now - began) / SECOND)
        self._pressed.pop(counter, None)
        if anybody:
            self._pressed[counter] = now

    def left(self, now: int, who: Waiting) -> None:
        """Somebody who waited has left without being called."""
        self.leavings.happened(now / SECOND)
        self.patience.ended(self.service(who.service), (now - who.since) / SECOND, left=True)

    def fade(self) -> None:
        """A day is over: forget a little of the old."""
        for habit in (self.handling, self.skills, self.overtaking, self.patience):
            habit.fade()

    def tabulate(self) -> None:
        """Make the tables from what is known by now; nothing is forgotten."""
        if self.names:
            self.tables = Tables(
                self.handling.table(len(self.names)), self.overtaking.table(), self.patience.table()
            )
