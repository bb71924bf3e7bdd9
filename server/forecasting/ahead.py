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
    kinds = _Chances._fields
    numbers = dict.fromkeys(kinds, PEOPLE) | {"done": counters, "pause": counters, "skill": counters}
    numbers |= {"order": 1, "gap": PASSERS, "which": PASSERS}
    return _Chances(*(_spread(kind, numbers[name]) for kind, name in enumerate(kinds)))


def _spread(kind: int, number: int) -> Floats:
    """Even spreads; the first of many are the same as of few."""
    even = np.tile((np.arange(RUNS) + 0.5) / RUNS, (number, 1))
    return np.random.default_rng([7, kind]).permuted(even, axis=1).astype(np.float32)


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
        # Questions to one scene have the same counters: what these take then stands there once.
        alike = bool((m.skills == m.skills[:1]).all())
        skills = m.skills[:1] if alike else m.skills
        self.hall = np.zeros_like(self.rows) if alike else self.rows
        self.pause = tables.services
        self.free = self._free()
        able = skills.transpose(1, 2, 0)[..., None] > self.chances.skill[:, None, None]
        self.closed = np.where(able, np.float32(0), FAR_S)
        """(C, S, halls, RUNS): FAR_S where a counter does not take a service, else 0."""

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
        return self._start(slice(None))

    def _start(self, rows: slice) -> Floats:
        """When each who asks would be called, (b, RUNS)."""
        able = np.maximum(self.free[:, rows], self.closed[:, self.m.service[rows], self.hall[rows]])
        starts: Floats = able.min(0)
        return starts

    def _take(self, rows: slice, service: Ints, who: Floats, spent: Floats, at: Floats | None = None) -> None:
        """Give one person of each hall to the first free counter, for ``spent`` (b, RUNS) seconds.

        ``who`` (b, RUNS): before when the person must be called, or come at ``at``, to count at all.
        """
        free = self.free[:, rows]
        able = np.maximum(free, self.closed[:, service, self.hall[rows]])
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
        queue = np.maximum(m.queue, 0)
        place = np.searchsorted(patience.BOUNDS_S, m.ages, "right") - 1
        turns = np.arange(queue.shape[1]) % PEOPLE
        lasts = -np.log(1 - chances.patience[turns]) / self.tables.leaving[queue, place][..., None]
        who = np.where(chances.order < stays[..., None], lasts, 0)
        # Where the questions stand by how many are ahead, those with nobody there are the first ones.
        firsts = np.where((m.queue != NOBODY).any(0), (m.queue != NOBODY).argmax(0), m.size)
        for person, first in enumerate(firsts):
            rows = slice(int(first), None)
            self._take(rows, queue[rows, person], who[rows, person], spent[rows, person])

    def _serve_those_to_come(self) -> None:
        """Appointments go before who asks from their slot on."""
        m, chances = self.m, self.chances
        spent = self._spent(m.coming, PEOPLE // 2)
        first = 0
        for slot in range(m.coming.shape[1]):
            at = np.maximum(m.slots[:, slot, None], 0)
            first, start = self._still_waiting(first, at)
            if first == m.size:
                return
            rows = slice(first, None)
            comes = chances.patience[-1 - slot % PEOPLE] < m.chances[rows, slot, None]
            service = np.maximum(m.coming[rows, slot], 0)
            self._take(rows, service, np.where(comes, start, 0), spent[rows, slot], at[rows])

    def _still_waiting(self, first: int, at: Floats) -> tuple[int, Floats]:
        """From ``first`` on, the first who asks and may still wait then, and the starts from there on.

        Who comes next comes no earlier: those who are called before that need not be looked at again.
        """
        rows = slice(first, None)
        start = self._start(rows)
        waits = np.any((at[rows] < start) & (start < FAR_S), axis=1)
        skipped = int(waits.argmax()) if waits.any() else len(start)
        return first + skipped, start[skipped:]

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
        first = 0
        for turn in range(PASSERS):
            at = at + gaps[:, turn]
            first, start = self._still_waiting(first, at)
            if first == m.size:
                return
            rows = slice(first, None)
            own = chance[self.rows[rows], which[rows, turn]]
            place = np.searchsorted(overtaking.BOUNDS_S[1:], at[rows] + m.waited_s[rows, None], "right")
            still = np.take_along_axis(own, place, 1) >= own[:, :1] * chances.which[turn]
            self._take(rows, which[rows, turn], np.where(still, start, 0), spent[rows, turn], at[rows])
