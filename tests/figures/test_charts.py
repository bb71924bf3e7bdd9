"""Pictures of figures: that they can be drawn, are the same for the same figures, and are to scale."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest

from server.figures.charts import Arrivals, Bar, DayWaits, Heat, Waited, arrivals, day_waits, heat

NAMES = {
    "minutes": "minutes",
    "appointments": "appointments",
    "never": "never",
    "early": "early",
    "on-time": "on time",
    "grace": "within 5 minutes",
    "late": "late",
}
DAY = {"minutes": "minutes", "counters": "counters", "appointment": "booked", "walk-in": "not booked"}
NINE = datetime(2026, 11, 23, 9, tzinfo=UTC)


def _drawn(svg: bytes) -> ElementTree.Element:
    root = ElementTree.fromstring(svg)
    assert root.tag.endswith("}svg")
    # Nothing that a page would have to let in: no script, no address of another host but names of formats.
    assert b"<script" not in svg
    assert not re.search(rb"""(?:href|src)=["'](?!#)""", svg)
    return root


def _height(root: ElementTree.Element, name: str) -> float:
    for group in root.iter("{http://www.w3.org/2000/svg}g"):
        if group.get("id") == name:
            path = next(iter(group.iter("{http://www.w3.org/2000/svg}path"))).get("d", "")
            ys = [float(y) for _, y in re.findall(r"[ML] ([-\d.]+) ([-\d.]+)", path)]
            return max(ys) - min(ys)
    raise AssertionError(f"{name} is not drawn")


def test_bars_stand_for_so_many() -> None:
    bars = [Bar(-20, 10, "early"), Bar(-10, 40, "on-time"), Bar(0, 20, "grace"), Bar(5, 5, "late")]
    root = _drawn(arrivals(Arrivals(bars, 7, 5, NAMES)))
    assert _height(root, "from-10") / _height(root, "from-20") == pytest.approx(4, rel=0.01)
    assert _height(root, "from0") / _height(root, "from5") == pytest.approx(4, rel=0.01)


def test_nobody_is_drawn_in_halves() -> None:
    few = arrivals(Arrivals([Bar(-10, 3, "on-time"), Bar(0, 1, "grace")], 0, 5, NAMES))
    # Letters are drawn as shapes; what each says stands in a comment.
    assert b"<!-- 3 -->" in few
    assert not re.search(rb"<!-- \d+\.\d+ -->", few)


def test_same_figures_same_bytes() -> None:
    told = Heat(["mon", "tue"], ["9", "10"], [[1, None], [3, 4]], "visits")
    assert heat(told) == heat(told)
    assert b"20" + b"26-" not in heat(told), "no date of drawing"


def test_a_day_with_waits() -> None:
    waits = [Waited(NINE + timedelta(minutes=n), 60.0 * n, n % 2 == 0) for n in range(30)]
    _drawn(day_waits(DayWaits(waits, [(NINE, 3), (NINE + timedelta(hours=1), 2)], DAY)))


def test_nothing_to_tell_is_drawn_empty() -> None:
    _drawn(arrivals(Arrivals([], 0, 5, NAMES)))
    _drawn(heat(Heat(["mon"], ["9"], [[None]], "visits")))
    _drawn(day_waits(DayWaits([], [], DAY)))
