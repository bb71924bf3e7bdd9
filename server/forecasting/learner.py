"""How features become seconds: small networks that learn quantiles, a mean and the chance of no wait."""

from __future__ import annotations

import numpy as np

from server.forecasting.calibration import LEVELS
from server.forecasting.lessons import Lessons
from server.forecasting.network import Net
from server.forecasting.tables import Floats, Ints

NETS = 3
"""Their answers are averaged: each begins elsewhere and errs elsewhere."""

HIDDEN = (64, 32)
START = (-1.5, 0.0, 0.2, 0.5)
"""Before anything is learned: a fifth, nine tenths and 1.7 times the scale, and its mean."""

MOST = 5.0
"""No feature counts for more than so many standard deviations."""

FIRST, ENOUGH = 20, 150
"""With fewer waits nothing is learned; from the first on the plain multiples are; then the networks."""

PLAIN, WORN_OFF = 0.4, 4000.0
"""How much the plain multiples count beside the networks, and with how many waits half as much: what
networks make of few examples is bold."""

AGAIN = 1.3
"""Learned anew from the beginning when there are so many times the waits of the last time, else only on."""

NIGHTLY = 6000
"""So many of the newest waits, and as many older ones, are gone through on other nights."""


class Learner:
    """Forecasts before calibration. ``learn`` takes seconds to a minute, ``answer`` milliseconds."""

    def __init__(self, features: int, seed: int) -> None:
        self.seed = seed
        self.middle = np.zeros(features, np.float32)
        self.spread = np.zeros(features, np.float32)
        """One over the standard deviation of each feature; 0 where it never varied."""
        self.learned = 0
        self.plain = _rising(np.array([START], np.float32))[0]
        """Quantiles and mean of all waits, as multiples of the scale."""
        self._begin()
        self._draw = np.random.default_rng(seed)

    def _begin(self) -> None:
        features = len(self.middle)
        self.nets = [
            Net((features, *HIDDEN, len(START)), START, self.seed * 100 + net) for net in range(NETS)
        ]
        self.chance = Net((features, 16, 1), (-0.5,), self.seed * 100 + NETS)

    def answer(self, features: Floats, scales: Floats) -> tuple[Floats, Floats]:
        """(n, 4) seconds: P10, P50, P90 and mean of a wait; (n,) the chance of none; from (n, F) and (n,)."""
        inputs = self._inputs(features)
        learned = np.mean([_rising(net.outputs(inputs)) for net in self.nets], axis=0)
        plain = PLAIN / (1 + self.learned / WORN_OFF) if self.learned else 1.0
        parts = learned ** (1 - plain) * self.plain**plain
        no_wait = 1 / (1 + np.exp(-np.clip(self.chance.outputs(inputs)[:, 0], -30, 30)))
        return (parts * scales[:, None]).astype(np.float32), no_wait.astype(np.float32)

    def _inputs(self, features: Floats) -> Floats:
        inputs: Floats = np.clip((features - self.middle) * self.spread, -MOST, MOST).astype(np.float32)
        return inputs

    def learn(self, lessons: Lessons) -> None:
        """A night's work: all anew where much is new, else on from where it stands."""
        if not lessons.size:
            return
        features, scales, waits = lessons.all()
        waited = np.flatnonzero(waits > 0)
        if len(waited) < FIRST:
            return
        times, wide = waits[waited], scales[waited]
        self.plain = np.array([*np.quantile(times / wide, LEVELS), times.sum() / wide.sum()], np.float32)
        if len(waited) < ENOUGH:
            return
        anew = len(waited) >= self.learned * AGAIN
        if anew:
            self.middle = features.mean(0)
            deviation = features.std(0)
            self.spread = np.where(deviation > 1e-4, 1 / np.maximum(deviation, 1e-4), 0).astype(np.float32)
            self.learned = len(waited)
            self._begin()
        self._learn_waits(features, scales, waits, waited, anew)
        self._learn_chance(features, waits, anew)

    def _some(self, rows: Ints, anew: bool) -> Ints:
        if anew or len(rows) <= 2 * NIGHTLY:
            return rows
        older = self._draw.choice(rows[:-NIGHTLY], NIGHTLY, replace=False)
        return np.concatenate([older, rows[-NIGHTLY:]])

    def _learn_waits(self, features: Floats, scales: Floats, waits: Floats, waited: Ints, anew: bool) -> None:
        rows = self._some(waited, anew)
        inputs, times, scale = self._inputs(features[rows]), waits[rows][:, None], scales[rows][:, None]
        usual = np.float32(times.mean())
        levels = np.array(LEVELS, np.float32)

        def slope(outputs: Floats, chosen: Ints) -> Floats:
            """Of the pinball losses of the quantiles and the squared error of the mean, in usual waits."""
            wide, time = scale[chosen], times[chosen]
            parts = _rising(outputs)
            of_quantiles = ((time < parts[:, :-1] * wide) - levels) * wide / usual
            of_mean = (parts[:, -1:] * wide - time) * wide / usual**2 / 2
            # A quantile is the sum of all parts up to its own, so each part moves those after it too.
            summed = np.cumsum(of_quantiles[:, ::-1], axis=1)[:, ::-1]
            made: Floats = np.hstack([summed, of_mean]) / (1 + np.exp(-np.clip(outputs, -30, 30)))
            return made.astype(np.float32)

        epochs = 14 if anew else 1
        batch = int(min(512, max(32, len(rows) // 20)))
        for net in self.nets:
            net.fit(inputs, slope, epochs, 2e-3 if anew else 4e-4, batch)

    def _learn_chance(self, features: Floats, waits: Floats, anew: bool) -> None:
        rows = self._some(np.arange(len(waits)), anew)
        inputs, none = self._inputs(features[rows]), (waits[rows] == 0).astype(np.float32)[:, None]

        def slope(outputs: Floats, chosen: Ints) -> Floats:
            """Of the logarithmic loss."""
            made: Floats = 1 / (1 + np.exp(-np.clip(outputs, -30, 30))) - none[chosen]
            return made

        batch = int(min(512, max(32, len(rows) // 20)))
        self.chance.fit(inputs, slope, 5 if anew else 1, 2e-3 if anew else 4e-4, batch)


def _rising(outputs: Floats) -> Floats:
    """(n, 4) multiples of the scale: quantiles that cannot cross, each more than the one before; a mean."""
    parts = np.logaddexp(0, outputs)
    made: Floats = np.hstack([np.cumsum(parts[:, :-1], axis=1), parts[:, -1:]])
    return made
