"""A hall at one moment, as a forecast sees it: the same for a recorded day and for the live house."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Waiting:
    """Somebody who waits. ``since`` is when the wait began, in microseconds UTC."""

    service: str
    since: int


@dataclass(frozen=True, slots=True)
class Counter:
    """A counter on duty. ``serving`` is the service of whom it called last, None while it stands idle.

    ``since``, in microseconds UTC, is when that person was called (who was called ahead and has not sat
    down yet counts from the call), or when the counter fell idle. ``services`` are those it takes; empty
    where nobody says, then it is learned from whom it called.
    """

    id: str
    serving: str | None
    since: int
    services: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Coming:
    """An appointment that has not reported: its slot in microseconds UTC, and its chance to come, 0 to 1."""

    service: str
    at: int
    chance: float = 1.0


@dataclass(frozen=True, slots=True)
class Scene:
    """A hall at ``now``, in microseconds UTC; ``offset_s`` is what local time is ahead of UTC, in seconds.

    ``waiting`` stands in the order in which people would be called as far as that is known, else in the
    order in which their waits began. A counter that is closed or paused is not among ``counters``. Where
    nobody records openings, one that fell idle long ago may be closed: what idleness is worth is learned.
    ``coming`` are the appointments of the next hours; recorded months have none.
    """

    now: int
    waiting: tuple[Waiting, ...]
    counters: tuple[Counter, ...]
    coming: tuple[Coming, ...] = ()
    offset_s: int = 0


@dataclass(frozen=True, slots=True)
class Question:
    """How long from ``scene.now`` until this person is called?

    ``ahead`` is how many of ``scene.waiting`` stand before the person, ``waited_us`` how long the person
    waits already, in microseconds.
    """

    scene: Scene
    service: str
    ahead: int
    waited_us: int = 0


def newcomer(scene: Scene, service: str) -> Question:
    """The question of who would come in now for a service, behind everybody."""
    return Question(scene, service, len(scene.waiting))


def everybody(scene: Scene) -> list[Question]:
    """The question of each person who waits, in the scene's order."""
    return [
        Question(scene, one.service, ahead, max(0, scene.now - one.since))
        for ahead, one in enumerate(scene.waiting)
    ]
