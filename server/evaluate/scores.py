"""How good forecasts were. Losses in seconds, shares from 0 to 1; None where nobody is there to count."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from server.forecasting.calibration import LEVELS
from server.forecasting.tables import Floats, Ints

LIVES = 2000
"""Resamples of the days for an interval."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Of one method, over those who waited and were served; ``brier`` over all."""

    pinball: float | None
    """The mean of the three below: q the forecast, y the wait, max(p (y - q), (p - 1) (y - q))."""
    pinball_p10: float | None
    pinball_p50: float | None
    pinball_p90: float | None
    coverage: float | None
    """Share whose wait was from P10 to P90, both included."""
    before_p90: float | None
    """Share called no later than P90."""
    median_hit: float | None
    """Share called no later than P50."""
    mae: float | None
    """Mean absolute difference of wait and P50."""
    mean_bias: float | None
    """Mean of (mean forecast - wait), over the mean wait."""
    brier: float | None
    """Mean squared difference of the chance of no wait and what came, 0 or 1."""


@dataclass(frozen=True, slots=True)
class Difference:
    """By what share the loss is under another's, with a 95 % interval; 0.2: a fifth less."""

    less: float
    low: float
    high: float


def losses(quantiles: Floats, waits: Floats) -> Floats:
    """(n, 3) pinball losses of P10, P50, P90, (n, 3), for waits (n,)."""
    error = waits[:, None] - quantiles
    levels = np.array(LEVELS)
    made: Floats = np.maximum(levels * error, (levels - 1) * error)
    return made


def scores(forecast: Floats, waits: Floats, chance: Floats, none: Floats) -> Scores:
    """Of forecasts (n, 4), P10, P50, P90 and mean, for waits (n,); of chances (m,) for outcomes 0 or 1."""
    brier = float(np.mean((chance - none) ** 2)) if len(none) else None
    if not len(waits):
        return Scores(None, None, None, None, None, None, None, None, None, brier)
    low, middle, high, mean = forecast.T
    each = losses(forecast[:, :3], waits).mean(0)
    return Scores(
        pinball=float(each.mean()),
        pinball_p10=float(each[0]),
        pinball_p50=float(each[1]),
        pinball_p90=float(each[2]),
        coverage=float(np.mean((low <= waits) & (waits <= high))),
        before_p90=float(np.mean(waits <= high)),
        median_hit=float(np.mean(waits <= middle)),
        mae=float(np.mean(np.abs(waits - middle))),
        mean_bias=float((mean - waits).mean() / waits.mean()),
        brier=brier,
    )


def less(own: Floats, other: Floats, days: Ints, seed: int = 1) -> Difference | None:
    """By what share ``own`` losses are under ``other``, (n,) of the same people; intervals over whole days.

    People of one day share its luck, so days are drawn, not people (a bootstrap over blocks). None where
    nobody waited.
    """
    if not len(days) or not other.sum():
        return None
    _, place = np.unique(days, return_inverse=True)
    ours, theirs = np.bincount(place, own), np.bincount(place, other)
    drawn = np.random.default_rng(seed).integers(0, len(ours), (LIVES, len(ours)))
    lives = 1 - ours[drawn].sum(1) / np.maximum(theirs[drawn].sum(1), 1e-9)
    low, high = np.quantile(lives, (0.025, 0.975))
    return Difference(float(1 - ours.sum() / theirs.sum()), float(low), float(high))
