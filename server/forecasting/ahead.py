"""The hall lived ahead: what chance may make of it, many times over (a Monte Carlo).

Who is ahead is given, in turn, the counter that is free first among those that take the service; counters
become free as handling times of the past let expect, given how long they serve already. People ahead leave,
are overtaken by who asks, and later ones overtake, as often as they did. What comes out is not calibrated:
it is what the model looks at first.

All questions share the same chances (common random numbers, spread evenly: a Latin hypercube), so a
forecast hangs on its own question alone, whatever else is asked beside it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from server.forecasting import overtaking, patience
from server.forecasting.moments import NOBODY, Moments
from server.forecasting.tables import Floats, Ints, Tables

RUNS = 32
"""How often each hall is lived ahead."""

FAR_S = np.float32(7200)
"""Later than anything; seconds."""

PASSERS = 12
"""At most so many people who come later overtake who asks."""

PEOPLE = 64
"""Chances are drawn for so many people ahead; with longer queues they come round again."""


NO_GAP = np.zeros(RUNS, np.float32)


class _Chances(NamedTuple):
    """Even spreads over 0 to 1, (number, RUNS)."""

    done: Floats
    pause: Floats
    skill: Floats
    order: Floats
    patience: Floats
    took: Floats
    after: Floats
    gap: Floats
    which: Floats


@lru_cache(maxsize=8)
def _chances(counters: int) -> _Chances:
    draw = np.random.default_rng(7)

    def spread(number: int) -> Floats:
        even = np.tile((np.arange(RUNS) + 0.5) / RUNS, (number, 1))
        return draw.permuted(even, axis=1).astype(np.float32)

    return _Chances(
        done=spread(counters),
        pause=spread(counters),
        skill=spread(counters),
        order=spread(1),
        patience=spread(PEOPLE),
        took=spread(PEOPLE),
        after=spread(PEOPLE),
        gap=spread(PASSERS),
        which=spread(PASSERS),
    )


def staying(m: Moments, tables: Tables) -> Floats:
    """(B, N): the chance that each person ahead is called before who asks; 0 beyond the queue."""
    later_s = np.maximum(m.ages - m.waited_s[:, None], 0)
    place = np.searchsorted(overtaking.BOUNDS_S, later_s, "right") - 1
    passed = tables.overtaking[np.maximum(m.queue, 0), m.service[:, None], place]
    return np.where(m.queue != NOBODY, 1 - passed, 0).astype(np.float32)


def lived(m: Moments, tables: Tables) -> Floats:
    """(B, RUNS): seconds until who asks is called, rising; ``FAR_S`` where nobody on duty would call.

    Quickest where the questions stand by how many are ahead.
    """
    return np.sort(_Hall(m, tables).waits(), axis=1)


class _Hall:
    """When each counter is free, in each life of each hall, (B, C, RUNS), moved on person by person."""

    def __init__(self, m: Moments, tables: Tables) -> None:
        self.m, self.tables = m, tables
        self.chances = _chances(m.busy.shape[1])
        self.rows = np.arange(m.size)
        self.pause = tables.services
        self.free = self._free()
        closed = m.skills.transpose(2, 0, 1)[..., None] <= self.chances.skill
        self.closed = np.where(closed, FAR_S, np.float32(0))
        """(S, B, C, RUNS): FAR_S where a counter does not take a service, else 0."""

    def _free(self) -> Floats:
        m, tables, chances = self.m, self.tables, self.chances
        serving = m.busy >= 0
        kind = np.where(serving, m.busy, self.pause)
        pace = np.where(serving, m.paces, 1).astype(np.float32)
        done = np.minimum(tables.share(kind, m.elapsed / pace), np.float32(0.9995))[..., None]
        free = tables.drawn(kind[..., None], done + (1 - done) * chances.done)
        free = np.maximum(free * pace[..., None] - m.elapsed[..., None], np.float32(0.5))
        free += np.where(serving[..., None], tables.drawn(self.pause, chances.pause), 0)
        return np.where((m.busy == NOBODY)[..., None], FAR_S, free).astype(np.float32)

    def waits(self) -> Floats:
        """Seconds until who asks is called, (B, RUNS)."""
        m = self.m
        if not m.busy.shape[1]:
            return np.full((m.size, RUNS), FAR_S)
        self._serve_those_ahead()
        self._serve_those_to_come()
        self._serve_those_who_pass()
        return self._start()

    def _start(self) -> Floats:
        starts: Floats = np.maximum(self.free, self.closed[self.m.service, self.rows]).min(1)
        return starts

    def _take(
        self, rows: slice, service: Ints, who: Floats, took: Floats, gap: Floats, at: Floats | None = None
    ) -> None:
        """Give one person of each hall to the first free counter; ``who`` (b, RUNS): before when, 0 for not.

        ``at``: when the person comes, if not yet there.
        """
        free = self.free[rows]
        able = np.maximum(free, self.closed[service, self.rows[rows]])
        start = able.min(1)
        begin = start if at is None else np.maximum(start, at)
        spent = self.tables.drawn(service[:, None], took) + gap
        moved = np.where((begin < who) & (start < FAR_S), begin - start + spent, 0)
        free += (able == start[:, None]) * moved[:, None]

    def _serve_those_ahead(self) -> None:
        m, chances = self.m, self.chances
        stays = staying(m, self.tables)
        for person in range(m.queue.shape[1]):
            here = m.queue[:, person] != NOBODY
            if not here.any():
                continue
            rows = slice(int(here.argmax()), None)
            queue = np.maximum(m.queue[rows, person], 0)
            place = np.searchsorted(patience.BOUNDS_S, m.ages[rows, person], "right") - 1
            n = person % PEOPLE
            leaves = -np.log(1 - chances.patience[n]) / self.tables.leaving[queue, place][:, None]
            who = np.where(chances.order < stays[rows, person, None], leaves, 0)
            self._take(rows, queue, who, chances.took[n], self.tables.drawn(self.pause, chances.after[n]))

    def _serve_those_to_come(self) -> None:
        """Appointments go before who asks from their slot on."""
        m, chances = self.m, self.chances
        for slot in range(m.coming.shape[1]):
            n = -1 - slot % PEOPLE
            who = np.where(chances.patience[n] < m.chances[:, slot, None], self._start(), 0)
            at = np.maximum(m.slots[:, slot, None], 0)
            gap = self.tables.drawn(self.pause, chances.after[n])
            self._take(slice(None), np.maximum(m.coming[:, slot], 0), who, chances.took[n], gap, at)

    def _serve_those_who_pass(self) -> None:
        """People who come later and overtake: as fast as people come now, as often as they overtook."""
        m, chances = self.m, self.chances
        chance = self.tables.overtaking[m.service]
        rates = m.arriving * chance[:, :, 0]
        total = np.maximum(rates.sum(1), 1e-9)
        share = np.cumsum(rates, 1) / total[:, None]
        at = np.zeros((m.size, RUNS), np.float32)
        bounds = np.array(overtaking.BOUNDS_S[1:], np.float32)
        for turn in range(PASSERS):
            at = at - np.log(1 - chances.gap[turn]) / total[:, None].astype(np.float32)
            start = self._start()
            if not (at < start).any():
                return
            # The same service for all lives of a hall: one turn's draw is as good as another's.
            which = (chances.which[turn, 0] > share).sum(1).clip(0, self.tables.services - 1)
            own = chance[self.rows, which]
            place = np.searchsorted(bounds, at + m.waited_s[:, None], "right")
            still = np.take_along_axis(own, place.reshape(m.size, -1), 1) >= own[:, :1] * chances.which[turn]
            who = np.where(still, start, 0)
            self._take(slice(None), which, who, chances.took[-1 - turn], NO_GAP, at)
