"""What is published of a month, attacked: every table that gives the same publication is tried."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from datetime import date

import pytest

from server.figures.open_data import LEAST, Cell, months, publish

A, B, C, D = cells = [("a", "1", "08-10"), ("a", "1", "10-12"), ("b", "1", "08-10"), ("b", "1", "10-12")]
SMALL = set(range(1, LEAST))
REST = 13
"""Every way to fill a rest up to this is tried; four small cells that are safe by themselves make no more."""


def worlds() -> Iterator[tuple[dict[Cell, int], int]]:
    """Every table of four cells and some hidden visits, as far as it matters."""
    for counts in itertools.product(range(LEAST + 3), repeat=4):
        for hidden in range(REST + 1):
            yield dict(zip(cells, counts, strict=True)), hidden


def test_by_all_that_is_published_a_small_cell_may_be_anything_under_five() -> None:
    """Whoever tries it knows the rules, the month's total, and even which cells had any visit at all."""
    seen: dict[object, list[dict[Cell, int]]] = {}
    for table, hidden in worlds():
        told = publish(table, hidden)
        had_any = tuple(cell for cell, count in table.items() if count)
        known = (tuple(sorted(told.cells.items())), told.rest, sum(table.values()) + hidden, had_any)
        seen.setdefault(known, []).append(table)
    tried = 0
    for (listed, rest, total, had_any), tables in seen.items():  # type: ignore[misc]
        withheld = [cell for cell in had_any if cell not in dict(listed)]
        for cell in withheld:
            possible = {table[cell] for table in tables}
            if listed and 0 < rest <= REST:
                assert possible >= SMALL, (listed, rest, total, had_any, cell)
                tried += 1
            elif 0 < rest <= REST:
                # A month in one row: no cell under five is known.
                assert not (len(possible) == 1 and possible <= SMALL), (rest, total, had_any, cell)
                tried += 1
    assert tried > 1000


def test_every_visit_is_in_one_row_or_the_month_is_not_published() -> None:
    for table, hidden in worlds():
        told = publish(table, hidden)
        assert all(count >= LEAST and table[cell] == count for cell, count in told.cells.items())
        assert told.rest == 0 or told.rest >= LEAST
        total = sum(table.values()) + hidden
        assert sum(told.cells.values()) + told.rest == (total if total >= LEAST else 0)


def test_bounds_on_a_busy_month_leave_every_small_cell_open() -> None:
    lots = random.Random(3)
    month = {
        (f"s{service}", str(weekday), f"{hour:02}"): min(60, int(lots.expovariate(1 / 12)))
        for service in range(8)
        for weekday in range(1, 7)
        for hour in range(8, 18, 2)
    }
    told = publish(month, 3)
    withheld = [count for cell, count in month.items() if count and cell not in told.cells]
    assert told.rest == sum(withheld) + 3
    assert len(told.cells) > 100
    # The others together take from one to four each, and the hidden at least one.
    for _ in withheld:
        others = len(withheld) - 1
        assert told.rest - others - 1 >= LEAST - 1
        assert told.rest - (LEAST - 1) * others <= LEAST - 1


@pytest.mark.parametrize(
    ("table", "hidden", "listed", "rest"),
    [
        ({A: 20, B: 9}, 0, {A: 20, B: 9}, 0),
        ({A: 20, B: 3}, 0, {}, 23),
        ({A: 20, B: 2, C: 3}, 0, {A: 20, B: 0}, 5),
        ({A: 20, B: 4, C: 4, D: 4}, 0, {}, 32),
        ({A: 20, B: 1, C: 1, D: 1}, 0, {}, 23),
        ({A: 20, B: 3}, 9, {A: 20}, 12),
        ({A: 20}, 9, {}, 29),
        ({A: 2, B: 2}, 0, {}, 0),
        ({}, 0, {}, 0),
    ],
)
def test_months_by_hand(table: dict[Cell, int], hidden: int, listed: dict[Cell, int], rest: int) -> None:
    told = publish(table, hidden)
    assert (told.cells, told.rest) == ({cell: count for cell, count in listed.items() if count}, rest)


def test_months_go_over_the_end_of_a_year() -> None:
    assert list(months(date(2026, 11, 1), date(2027, 2, 1))) == [
        date(2026, 11, 1),
        date(2026, 12, 1),
        date(2027, 1, 1),
        date(2027, 2, 1),
    ]
