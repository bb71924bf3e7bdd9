"""A model learned from days of a busy hall that chance lived: what it learns from, keeps and promises."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from figures.days_by_hand import stored
from lived import History, house
from program import run
from running import onthaal

from server.configuration import current
from server.database import Database
from server.domain import events as ev
from server.domain.calling import standings
from server.domain.day import Day
from server.domain.fold import evolve
from server.domain.foreseen import Foreseen, Wait
from server.domain.house import House
from server.figures import digests
from server.promise import store
from server.promise.fit import TooLittle, fit
from server.promise.fitting import Fitting
from server.promise.forecast import Forecast, steadied
from server.promise.store import Kept

DAYS = 14
PEOPLE = 170
LAST, LATER = "2026-11-15", "2026-12-31"


@dataclass
class Learned:
    house: House
    database: Database
    url: str
    kept: Kept
    later: list[list[ev.Entry]]
    """Days after those that were learned from, which the journal has too."""


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Learned]:
    folder = tmp_path_factory.mktemp("history")
    known = house(folder)
    history = History(known, "2026-11-02")
    days = [history.day(PEOPLE) for _ in range(DAYS + 2)]
    with contextlib.closing(stored(folder, *days)) as database:
        lessons = fit(database, known, "2026-11-02", LAST, now=1)
        assert (lessons.days[0], lessons.days[-1], len(lessons.days)) == ("2026-11-02", LAST, DAYS)
        assert 0.75 < lessons.comes < 0.9  # chance let 84 in 100 come
        kept = database.read_now(lambda connection: store.read(connection, "mechelen"))
        assert kept is not None
        yield Learned(known, database, f"sqlite:///{folder / 'figures.db'}", kept, days[DAYS:])


def copied(learned: Learned, path: Path) -> None:
    """The database as another file, with what its write-ahead log holds."""
    with contextlib.closing(sqlite3.connect(learned.database.path)) as file:
        file.execute("VACUUM INTO ?", (str(path),))


def promised(learned: Learned, kept: Kept) -> tuple[int, int, int]:
    """Over the later days: how many promises there were, and who was called within P50 and within P90."""
    forecast = Forecast(learned.house, kept)
    known = within_p50 = within_p90 = 0
    for entries in learned.later:
        day, said, told, due = Day(seq=entries[0].seq - 1), None, {}, 0
        for entry in entries:
            day = evolve(day, entry)
            if isinstance(entry.event, ev.VisitReported) and said is not None:
                places = standings(learned.house, day, entry.at)
                (place,) = (each for each in places if each.visit.id == entry.event.visit)
                told[entry.event.visit] = said.of(place)
            if entry.at >= due:
                due, said = entry.at + 60_000_000, forecast.made(day, entry.at, said)
        for visit in day.visits.values():
            wait = told.get(visit.id)
            if wait is not None and visit.first_called_at is not None:
                known += 1
                within_p50 += visit.first_called_at <= wait.p50
                within_p90 += visit.first_called_at <= wait.p90
    return known, within_p50, within_p90


def test_promises_of_days_that_it_never_saw_hold(learned: Learned) -> None:
    known, within_p50, within_p90 = promised(learned, learned.kept)
    assert known > 250
    assert 0.38 < within_p50 / known < 0.62
    assert 0.83 < within_p90 / known < 0.96


def test_days_after_the_last_one_teach_nothing(learned: Learned, tmp_path: Path) -> None:
    history = History(learned.house, "2026-11-02")
    days = [history.day(PEOPLE) for _ in range(DAYS)]
    with contextlib.closing(stored(tmp_path, *days)) as database:
        fit(database, learned.house, "2026-11-02", LATER, now=2)
        kept = database.read_now(lambda connection: store.read(connection, "mechelen"))
    # The same days alone teach the same, to the last byte.
    assert kept == learned.kept


def test_under_ten_days_or_two_thousand_waits_nothing_is_learned(learned: Learned) -> None:
    with pytest.raises(TooLittle, match=r"on 2 days are too few to learn from"):
        fit(learned.database, learned.house, "2026-11-02", "2026-11-03", now=1)
    with pytest.raises(TooLittle, match="0 waits on 0 days"):
        fit(learned.database, learned.house, "2027-01-01", "2027-02-01", now=1)
    kept = learned.database.read_now(lambda connection: store.read(connection, "mechelen"))
    assert kept == learned.kept  # what was learned before stays


def test_the_command_says_why_it_learns_nothing(learned: Learned, tmp_path: Path) -> None:
    house(tmp_path)
    more = ("--site", "mechelen", "--database", learned.url, "--config", str(tmp_path / "house.toml"))
    refused = run("forecast", "fit", "--to", "2026-11-03", *more)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert re.match(r"onthaal: \d+ waits on 2 days are too few to learn from", refused.stderr)


async def test_when_a_day_has_ended_a_child_learns_from_it_and_the_house_is_told(
    learned: Learned, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'onthaal.db'}"
    copied(learned, tmp_path / "onthaal.db")
    with contextlib.closing(Database(url)) as database:
        house(tmp_path)
        database.write_now(lambda connection: current(connection, str(tmp_path / "house.toml")))
        database.write_now(lambda connection: connection.exec_driver_sql("DELETE FROM forecast_model"))
        digests.catch_up(database, "mechelen")
        told: asyncio.Queue[str] = asyncio.Queue()
        fitting = Fitting(database, url, ["mechelen"], told.put)
        task = asyncio.create_task(fitting.run())
        try:
            fitting.changed("mechelen", Day(date=LATER, ended=False))  # under way: nothing to learn yet
            fitting.changed("mechelen", Day(date=LAST, ended=True))
            async with asyncio.timeout(120):
                assert await told.get() == "mechelen"
        finally:
            task.cancel()
        kept = database.read_now(lambda connection: store.read(connection, "mechelen"))
    assert kept == learned.kept


def test_a_forecast_that_hardly_differs_is_not_told_anew() -> None:
    def foreseen(**seconds: tuple[int, int]) -> Foreseen:
        waits = {name: Wait(p50 * 1_000_000, p90 * 1_000_000) for name, (p50, p90) in seconds.items()}
        return Foreseen("m1", {(name, 0): wait for name, wait in waits.items()}, waits, waits)

    before = foreseen(same=(100, 300), sooner=(100, 300), later=(100, 300), gone=(1, 2))
    fresh = foreseen(same=(119, 281), sooner=(80, 300), later=(100, 320), new=(5, 6))
    wanted = foreseen(same=(100, 300), sooner=(80, 300), later=(100, 320), new=(5, 6))
    assert steadied(before, fresh) == wanted


def test_a_house_with_a_model_tells_what_it_learned_on_ticket_hall_and_page(
    learned: Learned, tmp_path: Path
) -> None:
    """From the start of a server to what a citizen is told: the same range wherever it stands."""
    copied(learned, tmp_path / "onthaal.db")
    house(tmp_path)
    later = "2026-11-19T09:00:00+01:00"
    with onthaal(tmp_path, config=tmp_path / "house.toml", house_time=later, speed=1) as server:
        site = "/sites/mechelen"
        kiosk, counter = server.client("kiosk"), server.client("counter")
        for number in ("1", "2"):
            assert counter.post(f"{site}/counters/{number}/open", json={}).status_code == 200
        deadline, source, tickets = time.monotonic() + 30, "plain", 0
        while source == "plain":
            assert time.monotonic() < deadline, server.log()
            told = kiosk.post(f"{site}/visits", json={"service": "balie"}).json()
            tickets += 1
            with contextlib.closing(sqlite3.connect(server.database)) as file:
                asked = "SELECT low_s, high_s, p50_s, p90_s, source FROM promise WHERE visit = ?"
                low_s, high_s, p50_s, p90_s, source = file.execute(asked, (told["visit"],)).fetchone()
        assert source == learned.kept.id
        assert (low_s, high_s) == (told["low_s"], told["high_s"])
        assert low_s <= p50_s < low_s + 60
        assert high_s - 60 < p90_s <= high_s or (high_s == 60 and p90_s == 0)
        secret = told["link"].rpartition("/")[2]
        view = kiosk.get(f"/visits/{secret}").json()["view"]
        assert view["ahead"] == tickets - 1
        # The next forecast may come in between, and tells about the same.
        assert abs(view["low_s"] - low_s) <= 120
