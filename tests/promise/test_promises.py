"""Promises: kept with the ticket that made them, and what became of them, worked out by hand."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from figures.days_by_hand import stored
from houses import house
from program import run
from running import Onthaal, onthaal
from web import get

from server import database as db
from server.database import Database
from server.promise.promises import Calibration, calibration

S = 1_000_000
NINE = 1_795_420_800 * S
"""23 November 2026, 09:00 in Brussels."""


def rows(server: Onthaal) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(server.database)) as file:
        return file.execute(
            "SELECT visit, site, service, low_s, high_s, p50_s, p90_s, source FROM promise ORDER BY at, visit"
        ).fetchall()


def test_the_first_promise_is_kept_with_its_ticket_and_no_other(server: Onthaal) -> None:
    kiosk, counter = server.client("kiosk"), server.client("counter", "1")
    site = "/sites/mechelen"
    # No counter is open: nobody can tell, so nothing was promised.
    told = kiosk.post(f"{site}/visits", json={"service": "onthaal"}).json()
    assert (told["low_s"], rows(server)) == (None, [])
    counter.post(f"{site}/counters/1/open", json={})
    key = {"Idempotency-Key": "once"}
    told = kiosk.post(f"{site}/visits", json={"service": "onthaal"}, headers=key).json()
    expected = (told["low_s"], told["high_s"])
    row = (told["visit"], "mechelen", "onthaal", *expected, *expected, "plain")
    assert rows(server) == [row]
    # A retry is the same ticket and no second promise; what is refused promises nothing.
    assert kiosk.post(f"{site}/visits", json={"service": "onthaal"}, headers=key).json() == told
    refused = kiosk.post(f"{site}/visits", json={"service": "nonsense"})
    assert (refused.status_code, refused.json()["code"]) == (422, "unknown-service")
    assert rows(server) == [row]


def test_a_second_report_gives_the_same_ticket_and_keeps_what_was_told_first(server: Onthaal) -> None:
    site = "/sites/mechelen"
    server.client("counter", "4").post(f"{site}/counters/4/open", json={})
    booked = {"service": "bevolking", "at": "2026-11-23T09:15:00+01:00"}
    server.client("integrator").put(f"{site}/appointments/one", json=booked)
    kiosk = server.client("kiosk")
    first = kiosk.post(f"{site}/appointments/one/report", json={})
    assert first.status_code == 200, first.text
    (kept,) = rows(server)
    # Somebody goes before: from now on the wait is longer, and the first promise stands as it was.
    server.client("integrator").put(f"{site}/appointments/two", json=booked)
    before = server.client("reception").post(f"{site}/appointments/two/report", json={"priority": True})
    assert before.status_code == 200, before.text
    again = kiosk.post(f"{site}/appointments/one/report", json={})
    assert again.json()["visit"] == first.json()["visit"]
    assert again.json()["high_s"] > first.json()["high_s"]
    assert kept in rows(server)
    assert len(rows(server)) == 2


def told(folder: Path, lines: Iterable[tuple[str, int | None, int | None]], source: str = "m1") -> Database:
    """Promises of 1 to 10 minutes (P50 100 s, P90 550 s), and when each was called or left, in seconds."""
    database = stored(folder)

    def write(connection: Any) -> None:
        for number, (_what, called_s, left_s) in enumerate(lines):
            visit = {"id": f"v{number}", "site": "mechelen", "day": "2026-11-23", "ticket": f"A{number:03d}"}
            visit |= {"service": "onthaal", "announced_late": False, "reported_at": NINE, "calls": 1}
            visit |= {"persons": 1, "priority": False}
            visit["status"] = (
                "served" if called_s is not None else "left" if left_s is not None else "waiting"
            )
            visit["first_called_at"] = None if called_s is None else NINE + called_s * S
            visit["ended_at"] = None if left_s is None else NINE + left_s * S
            connection.execute(db.visit.insert(), visit)
            promise = {"visit": f"v{number}", "site": "mechelen", "service": "onthaal", "at": NINE}
            promise |= {"low_s": 60, "high_s": 600, "p50_s": 100, "p90_s": 550, "source": source}
            connection.execute(db.promise.insert(), promise)

    database.write_now(write)
    return database


LINES = [
    *[("before P50", 100, 400)] * 9,
    *[("before P90", 550, 900)] * 8,
    *[("before the named time", 590, 900)] * 2,
    *[("after it", 700, 900)] * 3,
    *[("left in time", None, 599)] * 4,
    *[("left after it", None, 601)] * 2,
    *[("waits still", None, None)] * 5,
]


def test_what_became_of_promises_by_hand(tmp_path: Path) -> None:
    with closing(told(tmp_path, LINES)) as database:
        found = database.read_now(lambda c: calibration(c, "mechelen", NINE, NINE + 1))
        outside = database.read_now(lambda c: calibration(c, "mechelen", NINE + 1, NINE + 2))
    both = found["all"]
    assert found["learned"] == both
    assert found["plain"] == Calibration()
    assert outside["all"] == Calibration()
    assert (both.promises, both.called, both.left, both.left_late) == (33, 22, 6, 2)
    # 22 were called, and two who left after ten minutes were not called in time.
    assert both.known == 24
    assert (both.in_time, both.within_p90, both.within_p50) == (19, 17, 9)
    assert both.share(both.in_time) == 19 / 24
    # (9 x 0 + 8 x 450 + 2 x 490 + 3 x 600) / 22
    assert both.error_s == pytest.approx(6380 / 22)


def test_of_fewer_than_twenty_people_nothing_is_told(tmp_path: Path) -> None:
    with closing(told(tmp_path, LINES[:19] + LINES[22:26])) as database:
        found = database.read_now(lambda c: calibration(c, "mechelen", NINE, NINE + 1))["all"]
    # Four more left in time: of them nobody knows.
    assert (found.promises, found.known, found.telling) == (23, 19, False)


def test_over_the_api_and_in_public(server: Onthaal) -> None:
    supervisor = server.client("supervisor")
    site = "/sites/mechelen"
    server.client("counter", "1").post(f"{site}/counters/1/open", json={})
    server.client("kiosk").post(f"{site}/visits", json={"service": "onthaal"})
    found = supervisor.get(f"{site}/calibration").json()
    nothing = dict.fromkeys(
        ("known", "called", "left", "in_time", "before_p90", "before_p50", "mean_error_s")
    )
    assert found == {
        "site": "mechelen",
        "from": "2026-11-17",
        "to": "2026-11-23",
        "all": {"promises": 1, **nothing},
        "learned": {"promises": 0, **nothing},
        "plain": {"promises": 1, **nothing},
    }
    turned = supervisor.get(f"{site}/calibration", params={"from": "2026-11-23", "to": "2026-11-22"})
    assert (turned.status_code, turned.json()["code"]) == (422, "invalid-query")
    # Anybody may read the page, and of one person it says nothing.
    page = get(f"{server.base}/mechelen/promise", headers={"Accept-Language": "nl"})
    assert page.status_code == 200
    assert "te weinig mensen" in page.text


def test_the_page_says_how_many_of_a_hundred_where_the_city_shows_it(tmp_path: Path) -> None:
    told(tmp_path, LINES).close()
    (tmp_path / "figures.db").rename(tmp_path / "onthaal.db")
    config = house(tmp_path, counters=1)
    with onthaal(tmp_path, config=config) as server:
        assert get(f"{server.base}/mechelen/promise").status_code == 404
        server.stop()
        shown = config.read_text() + "[sites.mechelen.figures]\npublic_calibration = true\n"
        config.write_text(shown)
        assert run("config", "import", config, "--database", server.url).returncode == 0
        server.start()
        page = get(f"{server.base}/mechelen/promise")
        assert page.status_code == 200
        # 19 of 24 are 79.2 of 100: never rounded up.
        assert "Van 100 mensen werden er 79 opgeroepen vóór de tijd die we noemden." in page.text
        assert "Dit gaat over 24 mensen" in page.text
