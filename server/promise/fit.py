"""A site's model learned anew from its journal: minutes of work, for a process of its own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from server.database import Database
from server.domain.house import House
from server.forecasting.saved import save
from server.promise import store
from server.promise.lessons import Lessons
from server.promise.store import LEAST_DAYS, LEAST_WAITS


class TooLittle(Exception):
    """There is too little history to learn from; the message says how much there is."""


def fit(
    database: Database,
    house: House,
    first: str,
    last: str,
    now: int,
    progress: Callable[[str], None] = lambda _day: None,
) -> Lessons:
    """Learn from the local days ``first`` to ``last`` (ISO dates) that have ended, and keep the model.

    Raises :class:`TooLittle`. The journal is read a day at a time.
    """
    lessons = Lessons(house)
    after = 0
    while True:
        found = database.read_now(
            partial(store.next_day, site=house.site, after=after, first=first, last=last)
        )
        if found is None:
            break
        after, entries = found
        lessons.learn(entries)
        progress(lessons.days[-1])
    if lessons.waits < LEAST_WAITS or len(lessons.days) < LEAST_DAYS:
        raise TooLittle(
            f"{lessons.waits} waits on {len(lessons.days)} days are too few to learn from: "
            f"at least {LEAST_WAITS} on {LEAST_DAYS} days; the plain forecast goes on"
        )
    kept = store.Kept(
        id=f"{lessons.days[-1]}/{lessons.waits}",
        comes=lessons.comes,
        last_day=lessons.days[-1],
        model=save(lessons.model),
    )
    database.write_now(
        partial(
            store.put,
            site=house.site,
            kept=kept,
            first_day=lessons.days[0],
            rows=lessons.waits,
            fitted_at=now,
        )
    )
    return lessons
