"""How often somebody may do something, in real time and in memory: a restart forgets it."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable

KEYS = 10_000
"""Askers that a limit remembers at most: who asked longest ago is forgotten first."""


class Limit:
    """At most ``times`` within any ``seconds``, for each asker. ``clock`` gives real monotonic seconds."""

    def __init__(self, times: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._times = times
        self._seconds = seconds
        self._clock = clock
        self._asked: OrderedDict[bytes | str, deque[float]] = OrderedDict()

    def left_s(self, asker: bytes | str) -> float:
        """Real seconds until the asker may do it again; 0 for now."""
        asked = self._asked.get(asker)
        if asked is None or len(asked) < self._times:
            return 0.0
        return max(0.0, asked[0] + self._seconds - self._clock())

    def count(self, asker: bytes | str) -> None:
        """Note that the asker did it."""
        asked = self._asked.setdefault(asker, deque(maxlen=self._times))
        asked.append(self._clock())
        self._asked.move_to_end(asker)
        while len(self._asked) > KEYS:
            self._asked.popitem(last=False)
