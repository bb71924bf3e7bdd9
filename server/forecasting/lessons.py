"""What is learned from: questions that were answered, the oldest forgotten first."""

from __future__ import annotations

import numpy as np

from server.forecasting.tables import Floats

KEPT = 150_000
"""So many answered questions are kept."""

UNKNOWN_S = -1.0
"""The wait of who left before the call: that there was one is known, how long it would have been is not."""


class Lessons:
    """Features with the scale and the wait, in seconds, that belong to them; all of one length."""

    def __init__(self) -> None:
        self._blocks: list[tuple[Floats, Floats, Floats]] = []
        self.size = 0

    def add(self, features: Floats, scales: Floats, waits: Floats) -> None:
        """(n, F), (n,) and (n,), after all that were added before."""
        if len(waits):
            self._blocks.append((features, scales, waits))
            self.size += len(waits)
        if self.size >= 2 * KEPT:
            kept = tuple(part[-KEPT:] for part in self.all())
            self._blocks, self.size = [(kept[0], kept[1], kept[2])], KEPT

    def all(self) -> tuple[Floats, Floats, Floats]:
        """Features, scales and waits of the newest KEPT."""
        if len(self._blocks) > 1:
            columns = zip(*self._blocks, strict=True)
            one, two, three = (np.concatenate(column)[-KEPT:] for column in columns)
            self._blocks, self.size = [(one, two, three)], len(three)
        return self._blocks[0]
