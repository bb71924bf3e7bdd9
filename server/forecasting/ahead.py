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

RUNS = 20
"""How often each hall is lived ahead."""

FAR_S = np.float32(7200)
"""Later than anything; seconds."""

PASSERS = 8
"""At most so many people who come later overtake who asks."""

PEOPLE = 64
"""Chances are drawn for so many people ahead; with longer queues they come round again."""


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
    """When each counter is free, in each life of each hall, (C, B, RUNS), moved on person by person."""

    def __init__(self, m: Moments, tables: Tables) -> None:
        self.m, self.tables = m, tables
        self.chances = _chances(m.busy.shape[1])
        self.rows = np.arange(m.size)
        self.pause = tables.services
        self.free = self._free()
        able = m.skills.transpose(1, 2, 0)[..., None] > self.chances.skill[:, None, None]
        self.closed = np.where(able, np.float32(0), FAR_S)
        """(C, S, B, RUNS): FAR_S where a counter does not take a service, else 0."""

    def _free(self) -> Floats:
        m, tables, chances = self.m, self.tables, self.chances
        busy, elapsed, paces = m.busy.T, m.elapsed.T, m.paces.T
        serving = busy >= 0
        kind = np.where(serving, busy, self.pause)
        pace = np.where(serving, paces, 1).astype(np.float32)
        done = np.minimum(tables.share(kind, elapsed / pace), np.float32(0.9995))[..., None]
        free = tables.drawn(kind[..., None], done + (1 - done) * chances.done[:, None])
        free = np.maximum(free * pace[..., None] - elapsed[..., None], np.float32(0.5))
        free += np.where(serving[..., None], tables.drawn(self.pause, chances.pause)[:, None], 0)
        return np.where((busy == NOBODY)[..., None], FAR_S, free).astype(np.float32)

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
        starts: Floats = np.maximum(self.free, self.closed[:, self.m.service, self.rows]).min(0)
        return starts

    def _take(self, rows: slice, service: Ints, who: Floats, spent: Floats, at: Floats | None = None) -> None:
        """Give one person of each hall to the first free counter, for ``spent`` (b, RUNS) seconds.

        ``who`` (b, RUNS): before when the person must be called, or come at ``at``, to count at all.
        """
        free = self.free[:, rows]
        able = np.maximum(free, self.closed[:, service, self.rows[rows]])
        start = able.min(0)
        begin = start if at is None else np.maximum(start, at)
        counts = ((begin if at is None else at) < who) & (start < FAR_S)
        moved = np.where(counts, begin - start + spent, 0)
        free += (able == start) * moved

    def _spent(self, service: Ints, begin: int) -> Floats:
        """What serving each of (B, n) people takes and the pause after it, (B, n, RUNS) seconds."""
        turns = (np.arange(service.shape[1]) + begin) % PEOPLE
        took = self.tables.drawn(np.maximum(service, 0)[..., None], self.chances.took[turns])
        return took + self.tables.drawn(self.pause, self.chances.after[turns])

    def _serve_those_ahead(self) -> None:
        m, chances = self.m, self.chances
        stays, spent = staying(m, self.tables), self._spent(m.queue, 0)
        place = np.searchsorted(patience.BOUNDS_S, m.ages, "right") - 1
        hazards = self.tables.leaving[np.maximum(m.queue, 0), place]
        for person in range(m.queue.shape[1]):
            here = m.queue[:, person] != NOBODY
            rows = slice(int(here.argmax()) if here.any() else len(here), None)
            lasts = -np.log(1 - chances.patience[person % PEOPLE]) / hazards[rows, person, None]
            who = np.where(chances.order < stays[rows, person, None], lasts, 0)
            self._take(rows, np.maximum(m.queue[rows, person], 0), who, spent[rows, person])

    def _serve_those_to_come(self) -> None:
        """Appointments go before who asks from their slot on."""
        m, chances = self.m, self.chances
        spent = self._spent(m.coming, PEOPLE // 2)
        for slot in range(m.coming.shape[1]):
            at = np.maximum(m.slots[:, slot, None], 0)
            start = self._start()
            if not (at < start).any():
                return
            who = np.where(chances.patience[-1 - slot % PEOPLE] < m.chances[:, slot, None], start, 0)
            self._take(slice(None), np.maximum(m.coming[:, slot], 0), who, spent[:, slot], at)

    def _serve_those_who_pass(self) -> None:
        """People who come later and overtake: as fast as people come now, as often as they overtook."""
        m, chances = self.m, self.chances
        chance = self.tables.overtaking[m.service]
        rates = m.arriving * chance[:, :, 0]
        total = np.maximum(rates.sum(1), 1e-9)[:, None]
        share = (np.cumsum(rates, 1) / total)[:, None]
        # The same service for all lives of a hall: one turn's draw is as good as another's.
        which = (chances.which[:, :1] > share).sum(2).clip(0, self.tables.services - 1)
        spent = self.tables.drawn(which[..., None], chances.took[PEOPLE - PASSERS :])
        gaps = (-np.log(1 - chances.gap) / total[..., None]).astype(np.float32)
        at = np.zeros((m.size, RUNS), np.float32)
        for turn in range(PASSERS):
            at = at + gaps[:, turn]
            start = self._start()
            if not (at < start).any():
                return
            own = chance[self.rows, which[:, turn]]
            place = np.searchsorted(overtaking.BOUNDS_S[1:], at + m.waited_s[:, None], "right")
            still = np.take_along_axis(own, place, 1) >= own[:, :1] * chances.which[turn]
            who = np.where(still, start, 0)
            self._take(slice(None), which[:, turn], who, spent[:, turn], at)
