"""Corrections made as the answers come in, so that shares promised are shares kept.

Each forecast is multiplied by a factor. After each answer the factor of a quantile takes a small step up
where the wait was longer, down where it was not, so weighed that the steps cancel out when the share is
right (adaptive conformal inference: Gibbs and Candes 2021, arXiv 2106.00263, on the logarithm of time).
The factor of the mean steps by the error over the usual wait. Whatever drifts, over n answers the shares are
off by no more than the way of a factor's logarithm over n times the step.
"""

from __future__ import annotations

import math

import numpy as np

from server.forecasting.tables import Floats

LEVELS = (0.1, 0.5, 0.9)
"""The quantiles that are promised."""

STEP = 0.006
"""How far one answer moves the logarithm of a factor, times what it was off."""

FIRST_STEPS = 2.0
"""The n-th answer moves it by this over n + 40, as long as that is more than STEP."""

FARTHEST = 2.0
"""The logarithm of a factor never goes beyond this."""


class Calibration:
    """The factors of P10, P50, P90 and, at the end, of the mean."""

    def __init__(self) -> None:
        self.logs = np.zeros(len(LEVELS) + 1)
        self.answers = 0
        self.usual_s = 60.0

    def corrected(self, raw: Floats) -> Floats:
        """(4,) or (n, 4) seconds: P10, P50, P90, mean; the quantiles in their order."""
        made: Floats = (raw * np.exp(self.logs)).astype(np.float32)
        made[..., :-1] = np.sort(made[..., :-1], axis=-1)
        return made

    def learn(self, raw: Floats, waited_s: float) -> None:
        """The answer to a forecast (4,) as it was before any correction."""
        now = raw * np.exp(self.logs)
        step = max(STEP, FIRST_STEPS / (self.answers + 40))
        self.answers += 1
        self.usual_s += (waited_s - self.usual_s) / min(2000, self.answers + 20)
        for place, level in enumerate(LEVELS):
            self.logs[place] += step * ((waited_s > now[place]) - (1 - level))
        error = (waited_s - float(now[-1])) / max(1.0, self.usual_s)
        self.logs[-1] += step * math.copysign(min(abs(error), 5.0), error)
        np.clip(self.logs, -FARTHEST, FARTHEST, out=self.logs)
