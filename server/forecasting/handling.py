"""How long people are served, by service and counter, and how long a counter takes until it calls again."""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

KEPT = 4000
"""Handling times that are kept of each service; an older one is forgotten when a newer one comes."""

POINTS = 257
"""Points of a distribution: its quantiles at 0, 1/256, ... 1."""

ENOUGH = 30
"""With fewer handling times of its own a service is helped out with those of all."""

GAP_MOST_S = 1800.0
"""A counter that calls nobody for so long although people wait has closed; seconds."""

USUAL_S = 180.0
"""What serving takes where nothing was measured yet; seconds."""

DAILY = 0.95
"""What a day old weighs, against today, in a counter's pace."""

STEADY = 20.0
"""So many people must a counter have served before its own pace weighs as much as that of all."""


class Handling:
    """Handling times in seconds, learned one by one. Services are numbers from 0, counters names."""

    def __init__(self) -> None:
        self.of: defaultdict[int, deque[float]] = defaultdict(lambda: deque(maxlen=KEPT))
        self.everyone: deque[float] = deque(maxlen=KEPT)
        self.gaps: deque[float] = deque(maxlen=KEPT)
        self.paces: dict[str, tuple[float, float]] = {}
        self.usual: dict[int, float] = {}
        """The mean logarithm of the handling times of each service."""

    def took(self, service: int, counter: str, seconds: float) -> None:
        """Somebody was served for so long."""
        seconds = max(0.5, seconds)
        log = math.log(seconds)
        usual = self.usual.setdefault(service, log)
        self.usual[service] = usual + (log - usual) / min(500, len(self.of[service]) + 1)
        self.of[service].append(seconds)
        self.everyone.append(seconds)
        total, weight = self.paces.get(counter, (0.0, 0.0))
        self.paces[counter] = total + min(2.5, max(-2.5, log - usual)), weight + 1

    def paused(self, seconds: float) -> None:
        """A counter took so long to call the next although somebody waited when it was free."""
        self.gaps.append(min(max(seconds, 0.0), GAP_MOST_S))

    def pace(self, counter: str) -> float:
        """What this counter's handling times are to the usual ones, as a factor."""
        total, weight = self.paces.get(counter, (0.0, 0.0))
        return math.exp(total / (weight + STEADY))

    def fade(self) -> None:
        """A day passes."""
        self.paces = {name: (total * DAILY, n * DAILY) for name, (total, n) in self.paces.items()}

    def table(self, services: int) -> npt.NDArray[np.float32]:
        """Quantiles in seconds, a row of POINTS for each service and at the end one for the pauses."""
        rows = [self._row(self.of[service], self.everyone) for service in range(services)]
        rows.append(np.quantile(np.array(self.gaps or [2.0]), np.linspace(0, 1, POINTS)))
        # Rising strictly, so that a time has one place among them.
        return np.array(rows, np.float32) + np.linspace(0, 0.02, POINTS, dtype=np.float32)

    @staticmethod
    def _row(own: Iterable[float], everyone: deque[float]) -> npt.NDArray[np.float64]:
        times = list(own)
        if len(times) < ENOUGH:
            times += list(everyone)[-ENOUGH * 5 :] or [USUAL_S / 4, USUAL_S, USUAL_S * 3]
        row: npt.NDArray[np.float64] = np.quantile(np.array(times), np.linspace(0, 1, POINTS))
        return row
