"""Mean and quantiles of a duration in each group, as columns of a table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from server.domain.schedule import SECOND
from server.figures.grouping import Groups
from server.figures.record import Ints
from server.figures.report import Column, Unit, Value

PERCENTS = (50, 90, 95)


@dataclass(frozen=True, slots=True)
class Spread:
    """How long something took in each group: how many, mean, P50, P90, P95 and longest, in seconds."""

    counts: Ints
    rows: tuple[tuple[Value, ...], ...]


def spread(values: Ints, where: NDArray[np.bool_], of: Groups) -> Spread:
    """The spread of microseconds in each group, over the rows where it holds; None where there is none.

    Quantiles are by nearest rank: the least value that so many per cent do not exceed.
    """
    chosen = where & (of.of >= 0)
    group, took = of.of[chosen], values[chosen]
    order = np.lexsort((took, group))
    took = took[order]
    counts = np.bincount(group, minlength=of.count)
    ends = np.cumsum(counts)
    rows: list[tuple[Value, ...]] = [(None,) * (len(PERCENTS) + 2)] * of.count
    some = np.flatnonzero(counts)
    count, start = counts[some], (ends - counts)[some]
    sums = np.diff(np.concatenate([[0], np.cumsum(took)])[np.concatenate([start, ends[-1:]])])
    at = [start - (-percent * count // 100) - 1 for percent in (*PERCENTS, 100)]
    told = np.stack([sums / count, *(took[place] for place in at)], axis=1)
    for place, row in zip(some.tolist(), np.round(told / SECOND, 3).tolist(), strict=True):
        rows[place] = tuple(row)
    return Spread(counts, tuple(rows))


def columns(prefix: str, name: str, figure: str) -> tuple[Column, ...]:
    """The columns of a spread, as :func:`spread` gives their values."""
    return (
        Column(f"{prefix}_mean_s", f"{name}, mean", Unit.SECONDS, figure),
        *(Column(f"{prefix}_p{each}_s", f"{name}, P{each}", Unit.SECONDS, figure) for each in PERCENTS),
        Column(f"{prefix}_longest_s", f"{name}, longest", Unit.SECONDS, figure),
    )


def share(part: int, whole: int) -> float | None:
    """A share from 0 to 1; None where there is nothing to have a share of."""
    return round(part / whole, 6) if whole else None
