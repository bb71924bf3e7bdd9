"""Two shares against each other: intervals for their difference and ratio, and the sample that this needs.

scipy is imported where it is needed: it takes longer than the server's start.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

LEVEL = 0.95
POWER = 0.8
ERROR = 0.05


@dataclass(frozen=True, slots=True)
class Counted:
    """So many of ``n`` people to whom it happened; ``events`` is at most ``n``."""

    events: int
    n: int


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and the ends of its interval at :data:`LEVEL`."""

    value: float
    low: float
    high: float


def wilson(counted: Counted) -> Interval | None:
    """A share from 0 to 1 with Wilson's score interval; None of nobody.

    Wilson 1927, doi 10.1080/01621459.1927.10502953.
    """
    from scipy.stats import binomtest

    if counted.n == 0:
        return None
    found = binomtest(counted.events, counted.n).proportion_ci(LEVEL, method="wilson")
    return Interval(counted.events / counted.n, float(found.low), float(found.high))


def newcombe(arm: Counted, reference: Counted) -> Interval | None:
    """The difference of two shares, arm less reference, from -1 to 1; None where either is of nobody.

    Newcombe's hybrid score interval: from each share's own Wilson interval, without correction for
    continuity. Method 10 of Newcombe, Statistics in Medicine 17 (1998), pages 873 to 890.
    """
    one, other = wilson(arm), wilson(reference)
    if one is None or other is None:
        return None
    value = one.value - other.value
    low = value - math.hypot(one.value - one.low, other.high - other.value)
    high = value + math.hypot(one.high - one.value, other.value - other.low)
    return Interval(value, max(-1.0, low), min(1.0, high))


def katz(arm: Counted, reference: Counted) -> Interval | None:
    """The ratio of two shares, arm by reference; None where one of them is 0, which has no logarithm.

    Katz's interval on the logarithm: Katz, Baptista, Azen and Pike 1978, doi 10.2307/2530610.
    """
    from scipy.stats.contingency import relative_risk

    if not (arm.events and reference.events):
        return None
    found = relative_risk(arm.events, arm.n, reference.events, reference.n)
    ends = found.confidence_interval(LEVEL)
    return Interval(float(found.relative_risk), float(ends.low), float(ends.high))


def needed(base: float, other: float, share: float) -> int | None:
    """How many people two arms need together to tell ``other`` from ``base``, both shares from 0 to 1.

    ``share`` of them are in the arm of ``base``. Two-sided at :data:`ERROR` with :data:`POWER`, without
    correction for continuity: Fleiss, Tytun and Ury 1980, doi 10.2307/2529990, before their correction.
    None where there is nothing to tell.
    """
    if base == other or not 0 < share < 1:
        return None
    normal = NormalDist()
    ratio = (1 - share) / share
    pooled = share * base + (1 - share) * other
    error = normal.inv_cdf(1 - ERROR / 2) * math.sqrt((ratio + 1) * pooled * (1 - pooled))
    power = normal.inv_cdf(POWER) * math.sqrt(ratio * base * (1 - base) + other * (1 - other))
    in_base = (error + power) ** 2 / (ratio * (base - other) ** 2)
    return math.ceil(in_base * (ratio + 1))
