"""Scenes and questions as arrays: what each saw at its own time, and many of them side by side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from server.forecasting.past import SECOND, Past
from server.forecasting.scene import Scene
from server.forecasting.tables import Floats, Ints

IDLE, NOBODY = -1, -2
"""Instead of a service: a counter that serves nobody; beyond the queue, the counters or the appointments."""

LONG_S = 3600.0
"""What happened longer ago is as good as never; seconds."""

SOON_S = 1800.0
"""Appointments further ahead than this are left out; seconds."""

MOST_COMING = 16
"""So many appointments are looked at, the soonest: each costs as much time as somebody who waits."""

RECENTS = 21
"""Figures of what just happened, as ``Seen.recent`` lists them."""

WAITS = (0, 1, 2, 12, 13, 14)
"""Which of them are seconds; the others are events a second."""

OWN_MEAN = 14
"""Which of them is the mean of the latest waits of the service."""


class Sight:
    """A scene with what was known of it then, for all questions to it. Times are in seconds."""

    __slots__ = (
        "ages",
        "arriving",
        "busy",
        "chances",
        "coming",
        "elapsed",
        "everybody",
        "local_s",
        "own",
        "paces",
        "queue",
        "scene",
        "skills",
        "slots",
    )

    def __init__(self, past: Past, scene: Scene) -> None:
        now = scene.now
        self.scene = scene
        self.local_s = now // SECOND + scene.offset_s
        self.queue = np.array([past.service(one.service) for one in scene.waiting], np.int64)
        self.ages = np.array([(now - one.since) / SECOND for one in scene.waiting], np.float32)
        on = scene.counters
        busy = [IDLE if each.serving is None else past.service(each.serving) for each in on]
        self.busy = np.array(busy, np.int64)
        self.elapsed = np.array([max(0.0, (now - each.since) / SECOND) for each in on], np.float32)
        self.paces = np.array([past.handling.pace(each.id) for each in on], np.float32)
        self.skills = self._skills(past)
        soon = [one for one in scene.coming if (one.at - now) / SECOND < SOON_S]
        soon = sorted(soon, key=lambda one: one.at)[:MOST_COMING]
        self.coming = np.array([past.service(one.service) for one in soon], np.int64)
        self.slots = np.array([(one.at - now) / SECOND for one in soon], np.float32)
        self.chances = np.array([one.chance for one in soon], np.float32)
        self._remember(past, now / SECOND)

    def _skills(self, past: Past) -> Floats:
        """(C, S)."""
        services = len(past.names)
        skills = np.zeros((len(self.busy), services), np.float32)
        for row, each in enumerate(self.scene.counters):
            if each.services:
                skills[row] = [name in each.services for name in past.names]
            else:
                skills[row] = past.skills.of(each.id, services)
        return skills

    def _remember(self, past: Past, now_s: float) -> None:
        everybody = past.all
        self.everybody = [
            everybody.last_wait_s,
            min(LONG_S, now_s - everybody.last_call_s),
            sum(past.waits) / max(1, len(past.waits)),
            *everybody.arrivals.lately(now_s),
            *everybody.calls.lately(now_s),
            *past.leavings.lately(now_s),
        ]
        self.arriving = []
        self.own = []
        """Of each service: its last wait and when, its mean wait, how often people came and were called."""
        for each in past.by_service:
            arrivals = each.arrivals.lately(now_s)
            self.arriving.append(arrivals[1])
            waits = each.last_wait_s, min(LONG_S, now_s - each.last_call_s), each.mean_wait_s
            self.own.append((*waits, *arrivals, *each.calls.lately(now_s)))


class Seen:
    """One question to a scene."""

    __slots__ = ("ahead", "service", "sight", "waited_s")

    def __init__(self, sight: Sight, service: int, ahead: int, waited_s: float) -> None:
        self.sight = sight
        self.service = service
        self.ahead = ahead
        self.waited_s = waited_s

    @property
    def recent(self) -> list[float]:
        """The RECENTS of who asks."""
        return [*self.sight.everybody, *self.sight.own[self.service]]


@dataclass(frozen=True, slots=True)
class Moments:
    """B questions, padded to N people ahead, C counters, S services and A appointments to come."""

    local_s: Ints
    """(B,) seconds since 1970 by the clock on the wall."""
    service: Ints
    waited_s: Floats
    queue: Ints
    """(B, N) services."""
    ages: Floats
    """(B, N) how long each has waited, in seconds."""
    busy: Ints
    """(B, C) the service of whom each counter serves."""
    elapsed: Floats
    """(B, C) since when, in seconds."""
    paces: Floats
    skills: Floats
    """(B, C, S) how surely a counter takes a service."""
    coming: Ints
    """(B, A) services, by slot."""
    slots: Floats
    """(B, A) seconds until the slot, negative where it has passed."""
    chances: Floats
    recent: Floats
    """(B, RECENTS)."""
    arriving: Floats
    """(B, S) arrivals a second."""

    @property
    def size(self) -> int:
        """How many questions."""
        return len(self.service)


def moments(seen: list[Seen], services: int) -> Moments:
    """The questions side by side, for tables of so many services; those met later look like the last."""
    size = len(seen)
    people = max((one.ahead for one in seen), default=0)
    counters = max((len(one.sight.busy) for one in seen), default=0)
    slots = max((len(one.sight.coming) for one in seen), default=0)
    made = Moments(
        local_s=np.array([one.sight.local_s for one in seen], np.int64),
        service=np.minimum(np.array([one.service for one in seen], np.int64), services - 1),
        waited_s=np.array([one.waited_s for one in seen], np.float32),
        queue=np.full((size, people), NOBODY),
        ages=np.zeros((size, people), np.float32),
        busy=np.full((size, counters), NOBODY),
        elapsed=np.zeros((size, counters), np.float32),
        paces=np.ones((size, counters), np.float32),
        skills=np.zeros((size, counters, services), np.float32),
        coming=np.full((size, slots), NOBODY),
        slots=np.zeros((size, slots), np.float32),
        chances=np.zeros((size, slots), np.float32),
        recent=np.array([one.recent for one in seen], np.float32).reshape(size, RECENTS),
        arriving=np.zeros((size, services), np.float32),
    )
    for row, one in enumerate(seen):
        sight, on = one.sight, len(one.sight.busy)
        made.queue[row, : one.ahead] = sight.queue[: one.ahead]
        made.ages[row, : one.ahead] = sight.ages[: one.ahead]
        made.busy[row, :on] = sight.busy
        made.elapsed[row, :on] = sight.elapsed
        made.paces[row, :on] = sight.paces
        known = min(services, sight.skills.shape[1])
        made.skills[row, :on, :known] = sight.skills[:, :known]
        made.skills[row, :on, known:] = 1
        made.coming[row, : len(sight.coming)] = sight.coming
        made.slots[row, : len(sight.slots)] = sight.slots
        made.chances[row, : len(sight.chances)] = sight.chances
        known = min(services, len(sight.arriving))
        made.arriving[row, :known] = sight.arriving[:known]
    for services_of in (made.queue, made.busy, made.coming):
        np.minimum(services_of, services - 1, out=services_of)
    return made
