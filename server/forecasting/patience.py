"""How likely who waits is to leave, by service and by how long they have waited."""

from __future__ import annotations

from bisect import bisect_right

import numpy as np
import numpy.typing as npt

BOUNDS_S = (0.0, 15.0, 30.0, 60.0, 90.0, 120.0, 180.0, 240.0, 360.0, 600.0, 1200.0)
"""Where each class of waits begins, in seconds."""

LONGEST_S = 2400.0
"""Where the last class ends."""

DAILY = 0.97
"""What a day old weighs against today."""


class Patience:
    """Waits that ended, in classes: how many were in each, and how many left in it."""

    def __init__(self) -> None:
        self.left = np.zeros((0, len(BOUNDS_S)))
        self.here = np.zeros((0, len(BOUNDS_S)))

    def grow(self, services: int) -> None:
        """Room for so many services."""
        more = services - len(self.left)
        if more > 0:
            self.left = np.pad(self.left, ((0, more), (0, 0)))
            self.here = np.pad(self.here, ((0, more), (0, 0)))

    def ended(self, service: int, waited_s: float, left: bool) -> None:
        """A wait ended, by a call or because the person ``left``."""
        place = bisect_right(BOUNDS_S, max(0.0, waited_s)) - 1
        self.here[service, : place + 1] += 1
        if left:
            self.left[service, place] += 1

    def fade(self) -> None:
        """A day passes."""
        self.left *= DAILY
        self.here *= DAILY

    def table(self) -> npt.NDArray[np.float32]:
        """The hazard to leave, a second, (services, classes of BOUNDS_S)."""
        stayed = np.concatenate([self.here[:, 1:], np.zeros((len(self.here), 1))], axis=1)
        exposed_s = (self.here + stayed) / 2 * np.diff((*BOUNDS_S, LONGEST_S))
        hazard: npt.NDArray[np.float32] = ((self.left + 1) / (exposed_s + 1000)).astype(np.float32)
        return hazard
