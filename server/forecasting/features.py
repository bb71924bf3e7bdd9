"""What the model looks at: a question, its hall and the lives of it, as numbers of about one size."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from server.forecasting.ahead import FAR_S, RUNS, staying
from server.forecasting.moments import IDLE, OWN_MEAN, WAITS, Moments
from server.forecasting.tables import Floats, Tables

SERVICES = 12
"""So many services are told apart by name, those that were met first; others by what they are like."""

LIVES = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
"""Which of the lives lived ahead are looked at, as shares."""

IDLE_S = (0.0, 5.0, 15.0, 60.0, 300.0, 1200.0)
"""Counters are counted by how long they stand idle: where each class begins, in seconds."""

WITHIN_S = (10.0, 30.0, 60.0, 120.0, 240.0)
"""How many counters are free within so many seconds."""

PRIORITY_S = 90.0
LONG_S = 300.0
DAY_S = 86_400
FIRST_S = 8.0
"""The least that a wait is reckoned with: seconds of ``scale`` beyond the lives' mean."""

UNKNOWN_S = 60.0
"""A wait of which nothing is known, at least."""


def scale(m: Moments, lives: Floats) -> Floats:
    """(B,) seconds: the mean life; what forecasts are multiples of.

    A life in which no counter on duty would call, as before the first has opened, counts as the usual wait.
    """
    usual = np.maximum(m.recent[:, OWN_MEAN], UNKNOWN_S)[:, None]
    wide: Floats = (np.where(lives < FAR_S, lives, usual).mean(1) + FIRST_S).astype(np.float32)
    return wide


def features(m: Moments, tables: Tables, lives: Floats) -> Floats:
    """(B, F) the features of each question; ``lives`` as ``ahead.lived`` gives them."""
    columns = [*_lives(m, lives), *_queue(m, tables), *_counters(m, tables), *_services(m), *_times(m)]
    return np.stack([np.asarray(column, np.float32) for column in columns], axis=1)


Columns = list[npt.NDArray[np.generic]]


def _log(seconds: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    small: npt.NDArray[np.floating] = np.log1p(np.maximum(seconds, 0) / 5)
    return small


def _lives(m: Moments, lives: Floats) -> Columns:
    return [_log(lives[:, round(share * (RUNS - 1))]) for share in LIVES] + [
        _log(scale(m, lives)),
        lives[:, -1] >= FAR_S,
    ]


def _queue(m: Moments, tables: Tables) -> Columns:
    here = m.queue >= 0
    same = m.queue == m.service[:, None]
    stays = staying(m, tables)
    ahead = stays.sum(1)
    able = m.skills[np.arange(m.size), :, m.service] * (m.busy >= 0)
    counters = np.maximum(able.sum(1), 0.5)
    work_s = (tables.means[np.maximum(m.queue, 0)] * stays).sum(1)
    return [
        np.sqrt(here.sum(1)),
        np.sqrt(same.sum(1)),
        np.sqrt(ahead),
        ahead,
        _log((m.ages * here).max(1, initial=0)),
        _log((m.ages * same).max(1, initial=0)),
        _log((m.ages * stays).max(1, initial=0)),
        _log((m.ages * stays).sum(1) / np.maximum(ahead, 0.1)),
        np.sqrt((here & (m.ages < PRIORITY_S)).sum(1)),
        _log(work_s / counters),
        _log(ahead / counters * tables.means[m.service]),
        _log(m.waited_s),
        m.waited_s > 0,
        (m.chances * (m.slots < LONG_S)).sum(1),
        m.chances.sum(1),
    ]


def _counters(m: Moments, tables: Tables) -> Columns:
    takes = m.skills[np.arange(m.size), :, m.service]
    serving, idle = m.busy >= 0, m.busy == IDLE
    able = takes * serving
    counters = np.maximum(able.sum(1), 0.5)
    found: Columns = [serving.sum(1), able.sum(1), (m.skills.mean(2) * serving).sum(1)]
    for low, high in zip(IDLE_S, (*IDLE_S[1:], np.inf), strict=True):
        found.append((idle * takes * ((m.elapsed >= low) & (m.elapsed < high))).sum(1))
    rows = np.where(serving, m.busy, tables.services)
    now = tables.share(rows, m.elapsed / m.paces)
    ahead = staying(m, tables).sum(1)
    for seconds in WITHIN_S:
        then = tables.share(rows, (m.elapsed + np.float32(seconds)) / m.paces)
        free = (able * (then - now) / np.maximum(1 - now, 1e-3)).sum(1)
        found += [free, free - ahead]
    found += [
        _log(np.where(takes > 0.5, m.elapsed * serving, 0).max(1, initial=0)),
        (able * m.elapsed).sum(1) / counters / LONG_S,
        (able * (m.elapsed > LONG_S)).sum(1),
        (able * m.paces).sum(1) / counters,
    ]
    return found


def _services(m: Moments) -> Columns:
    takes = m.skills[np.arange(m.size), :, m.service]
    found: Columns = []
    for service in range(SERVICES):
        found += [
            m.service == service,
            np.sqrt((m.queue == service).sum(1)),
            ((m.busy == service) * takes).sum(1),
        ]
    return found


def _times(m: Moments) -> Columns:
    waits, rates = m.recent[:, WAITS], np.delete(m.recent, WAITS, axis=1)
    day = (m.local_s % DAY_S) / DAY_S * 2 * np.pi
    weekday = (m.local_s // DAY_S + 3) % 7
    return [
        *_log(waits).T,
        *np.sqrt(np.maximum(rates, 0) * LONG_S).T,
        *(wave(turns * day) for turns in (1, 2) for wave in (np.sin, np.cos)),
        *(weekday == day_of_week for day_of_week in (0, 4, 5, 6)),
    ]
