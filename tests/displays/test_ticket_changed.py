"""Which phones a change concerns: a page that is not named may not differ by a byte."""

from __future__ import annotations

from typing import Any

import pytest
from random_days import HOUSE, random_days

from displays import protocol, ticket
from displays.day import DayModel
from server.domain import commands as co
from server.domain.day import CALLS_KEPT, Day
from server.domain.fold import evolve


def pages(model: DayModel) -> dict[str, bytes]:
    visits = model.day.visits
    return {name: protocol.view_bytes(ticket.page(model, visit)) for name, visit in visits.items()}


def differing(before: dict[str, bytes], after: dict[str, bytes]) -> set[str]:
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


@pytest.mark.parametrize("seed", range(3))
def test_every_page_that_differs_is_named_and_most_others_are_not(seed: int) -> None:
    day, model, shown = Day(), DayModel(HOUSE, Day(), 0), dict[str, bytes]()
    named = differed = kept = 0
    for entry in random_days(seed, days=2, commands=300).entries:
        day = evolve(day, entry)
        for now in (entry.at, entry.at + 90_000_000):  # right after it, and when only time has passed
            before, known = model, shown
            model = DayModel(HOUSE, day, now)
            shown = pages(model)
            found, differ = ticket.changed(before, model), differing(known, shown)
            assert differ <= found
            named, differed, kept = named + len(found), differed + len(differ), kept + len(shown)
    assert differed > 500
    assert named < 1.2 * differed < kept


def test_the_day_forgets_a_call_of_somebody_who_is_still_served(told: Any) -> None:
    day = told().opened("1", "2")
    served = day.walk_in("burger")
    day.do(co.CallNext(counter="2"))
    day.do(co.Start(counter="2"))
    day.walk_in("onthaal")
    day.do(co.CallNext(counter="1"))
    for _ in range(CALLS_KEPT - 2):
        day.do(co.Recall(counter="1"))
    before = day.model()
    day.do(co.Recall(counter="1"))
    after = day.model()
    assert differing(pages(before), pages(after)) == ticket.changed(before, after) == {"v1", "v2"}
    assert day.ticket(served)["call"] is None
