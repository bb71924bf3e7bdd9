"""Questions as arrays: what each of them saw at its own time, and many of them side by side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from server.forecasting.past import SECOND, Past
from server.forecasting.scene import Question
from server.forecasting.tables import Floats, Ints

IDLE, NOBODY = -1, -2
"""Instead of a service: a counter that serves nobody; beyond the queue, the counters or the appointments."""

LONG_S = 3600.0
"""What happened longer ago is as good as never; seconds."""

SOON_S = 3600.0
"""Appointments further ahead than this are left out; seconds."""

RECENTS = 21
"""Figures of what just happened, as ``Seen`` lists them."""


class Seen:
    """What a question saw: the hall and what was known of it then. Times are in seconds."""

    __slots__ = (
        "ages",
        "arriving",
        "at",
        "busy",
        "chances",
        "coming",
        "elapsed",
        "local_s",
        "paces",
        "queue",
        "recent",
        "service",
        "skills",
        "slots",
        "waited_s",
    )

    def __init__(self, past: Past, question: Question) -> None:
        scene = question.scene
        now = scene.now
        self.at = now
        self.local_s = now // SECOND + scene.offset_s
        self.service = past.service(question.service)
        self.waited_s = question.waited_us / SECOND
        ahead = scene.waiting[: question.ahead]
        self.queue = [past.service(one.service) for one in ahead]
        self.ages = [(now - one.since) / SECOND for one in ahead]
        on = scene.counters
        self.busy = [IDLE if each.serving is None else past.service(each.serving) for each in on]
        self.elapsed = [max(0.0, (now - each.since) / SECOND) for each in on]
        self.paces = [past.handling.pace(each.id) for each in on]
        services = len(past.names)
        self.skills = [
            np.array([name in each.services for name in past.names], np.float32)
            if each.services
            else past.skills.of(each.id, services)
            for each in on
        ]
        soon = [one for one in scene.coming if (one.at - now) / SECOND < SOON_S]
        soon.sort(key=lambda one: one.at)
        self.coming = [past.service(one.service) for one in soon]
        self.slots = [(one.at - now) / SECOND for one in soon]
        self.chances = [one.chance for one in soon]
        self._remember(past, now / SECOND)

    def _remember(self, past: Past, now_s: float) -> None:
        own, everybody = past.by_service[self.service], past.all
        self.recent = [
            own.last_wait_s,
            min(LONG_S, now_s - own.last_call_s),
            own.mean_wait_s,
            everybody.last_wait_s,
            min(LONG_S, now_s - everybody.last_call_s),
            sum(past.waits) / max(1, len(past.waits)),
            *everybody.arrivals.lately(now_s),
            *everybody.calls.lately(now_s),
            *past.leavings.lately(now_s),
            *own.arrivals.lately(now_s),
            *own.calls.lately(now_s),
        ]
        self.arriving = [each.arrivals.lately(now_s)[1] for each in past.by_service]


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
    people = max((len(one.queue) for one in seen), default=0)
    counters = max((len(one.busy) for one in seen), default=0)
    slots = max((len(one.coming) for one in seen), default=0)
    made = Moments(
        local_s=np.array([one.local_s for one in seen], np.int64),
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
        made.queue[row, : len(one.queue)] = one.queue
        made.ages[row, : len(one.ages)] = one.ages
        if one.busy:
            on = len(one.busy)
            made.busy[row, :on] = one.busy
            made.elapsed[row, :on] = one.elapsed
            made.paces[row, :on] = one.paces
            known = min(services, len(one.skills[0]))
            made.skills[row, :on, :known] = np.array(one.skills)[:, :known]
            made.skills[row, :on, known:] = 1
        made.coming[row, : len(one.coming)] = one.coming
        made.slots[row, : len(one.slots)] = one.slots
        made.chances[row, : len(one.chances)] = one.chances
        known = min(services, len(one.arriving))
        made.arriving[row, :known] = one.arriving[:known]
    for services_of in (made.queue, made.busy, made.coming):
        np.minimum(services_of, services - 1, out=services_of)
    return made
