"""The hours that a demo hurries through or leaves out: what is due in them goes out at its own time."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from running import Onthaal

ZONE = ZoneInfo("Europe/Brussels")
SLOT = "2026-11-23T09:00:00+01:00"
"""A Monday: two hours before it is night, and its reminder is due on Sunday at 20:45."""
PEOPLE = 40
WITHIN_S = 60


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Onthaal]:
    server = Onthaal(tmp_path)
    yield server
    server.close()


def booked(server: Onthaal, since: str) -> None:
    """Book everybody while the house stands still: its clock runs from the next start on."""
    server.house_time, server.speed = since, 0
    server.start()
    integrator = server.client("integrator")
    for number in range(PEOPLE):
        integrator.put(
            f"/sites/mechelen/appointments/N-{number}",
            json={
                "service": "bevolking",
                "at": SLOT,
                "contact": {"name": "An Peeters", "phone": f"+324701200{number:02}"},
            },
        ).raise_for_status()
    server.stop()


def sent(server: Onthaal, step: str) -> list[datetime]:
    """When the reminders of that step went out, by the clock of the house, once all have."""
    deadline = time.monotonic() + WITHIN_S
    with sqlite3.connect(server.database) as database:
        while True:
            found = database.execute(
                "SELECT event.at FROM delivery_event AS event JOIN delivery ON delivery.id = event.delivery "
                "WHERE delivery.step = ? AND event.kind = 'accepted'",
                (step,),
            ).fetchall()
            if len(found) == PEOPLE:
                return [datetime.fromtimestamp(at / 1_000_000, ZONE) for (at,) in found]
            assert time.monotonic() < deadline, (step, len(found), server.log())
            time.sleep(0.05)


def house_time(server: Onthaal) -> datetime:
    said = server.client("supervisor").get("/sites/mechelen").raise_for_status().json()
    return datetime.fromisoformat(said["at"]).astimezone(ZONE)


def reaches(server: Onthaal, moment: str) -> None:
    deadline = time.monotonic() + WITHIN_S
    while house_time(server) < datetime.fromisoformat(moment):
        assert time.monotonic() < deadline, house_time(server)
        time.sleep(0.05)


def clock(moments: list[datetime]) -> tuple[str, str]:
    return f"{min(moments):%a %H:%M}", f"{max(moments):%a %H:%M}"


def test_a_night_that_is_left_out_stops_where_reminders_are_due(house):
    booked(house, "2026-11-21T12:59:30+01:00")
    house.speed, house.more = 30, ["--skip-nights"]
    house.start()
    first, last = clock(sent(house, "1d"))
    assert first == "Sun 09:00"
    assert last < "Sun 09:15"
    first, last = clock(sent(house, "2h"))
    assert first == "Sun 20:45"
    assert last < "Sun 21:00"
    # The rest of the night is half a day, and no quarter of an hour of real time.
    reaches(house, "2026-11-23T07:45:00+01:00")


def test_a_hurry_does_not_run_into_the_night_before_what_is_due_has_gone_out(house):
    booked(house, "2026-11-22T18:00:00+01:00")
    # An hour in 0.3 seconds: the quarter before quiet hours is far too short for all of them.
    house.more = ["--hurry-until", "2026-11-23T07:45:00+01:00", "--hurry", "12000"]
    house.start()
    first, last = clock(sent(house, "2h"))
    assert first >= "Sun 20:45"
    assert last < "Sun 21:00"
    reaches(house, "2026-11-23T07:45:00+01:00")
