"""What was learned until last night, as arrays that a day's forecasts are reckoned with."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from server.forecasting.handling import POINTS

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


class Tables:
    """Frozen arrays. S services; row S of ``quantiles`` is the pause between an end and the next call."""

    def __init__(self, quantiles: Floats, overtaking: Floats, leaving: Floats) -> None:
        self.quantiles = quantiles
        """(S + 1, POINTS): seconds, see ``Handling.table``."""
        self.overtaking = overtaking
        """(S, S, classes): see ``Overtaking.table``."""
        self.leaving = leaving
        """(S, classes): see ``Patience.table``."""
        self.means = quantiles.mean(axis=1)

    @property
    def services(self) -> int:
        """How many services were known that night."""
        return len(self.quantiles) - 1

    def share(self, rows: Ints, seconds: Floats) -> Floats:
        """The share of times that are at most so long, by row of ``quantiles``; of one shape."""
        places = np.linspace(0, 1, POINTS)
        found = np.zeros(seconds.shape, np.float32)
        for row in range(len(self.quantiles)):
            chosen = rows == row
            if chosen.any():
                found[chosen] = np.interp(seconds[chosen], self.quantiles[row], places)
        return found

    def drawn(self, rows: Ints | int, share: Floats) -> Floats:
        """The time that a share (0 to 1) of times do not exceed, by row; shapes are broadcast."""
        place = share * np.float32(POINTS - 1.001)
        below = place.astype(np.int32)
        flat = self.quantiles.reshape(-1)
        at = rows * POINTS + below
        low = flat[at]
        time: Floats = low + (flat[at + 1] - low) * (place - below.astype(np.float32))
        return time
