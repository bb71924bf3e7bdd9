"""The forecaster of a running house: how often it is asked, what is told when it fails, and after a restart.

What it asks stands in for a model; real ones have their own tests.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from houses import house
from office import at, until

from server import schema
from server.clock import HouseClock
from server.database import Database
from server.domain.day import Day
from server.domain.foreseen import Foreseen
from server.forecasting.model import Model
from server.forecasting.saved import save
from server.live import Live, Site
from server.promise import forecaster, store
from server.promise.forecaster import Forecaster
from server.settings import load

SITE = "mechelen"
SAID = Foreseen("model", {}, {}, {})


class Stand:
    """Stands where a forecast does: writes down when it was asked, and does as it is told."""

    def __init__(self, does: Callable[[], Foreseen] = lambda: SAID) -> None:
        self.asked: list[float] = []
        self.days: list[Day] = []
        self.does = does

    def made(self, day: Day, _now: int, _before: Foreseen | None) -> Foreseen:
        self.asked.append(time.monotonic())
        self.days.append(day)
        return self.does()


class House:
    def __init__(self, folder: Path) -> None:
        self.database = Database(f"sqlite:///{folder / 'onthaal.db'}")
        self.database.write_now(schema.migrate)
        clock = HouseClock(at("2026-11-23 09:00"), 0)
        self.live = Live(self.database, clock, load(house(folder, counters=2)))
        self.shown: list[Foreseen | None] = []
        self.forecaster = Forecaster(self.database, clock, self.live.sites.values(), self._show)

    @property
    def site(self) -> Site:
        return self.live.sites[SITE]

    def _show(self, site: Site) -> None:
        self.shown.append(self.forecaster.foreseen(site.house.site))

    def put(self, stand: Any) -> None:
        self.forecaster._heads[SITE].forecast = stand


@asynccontextmanager
async def working(folder: Path, stand: Stand | None) -> AsyncIterator[House]:
    made = House(folder)
    if stand is not None:
        made.put(stand)
    task = asyncio.create_task(made.forecaster.run())
    try:
        yield made
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        made.database.close()


async def test_a_hall_that_changes_all_the_time_is_forecast_once_a_second_and_then_as_it_is_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forecaster, "EVERY_S", 0.2)
    stand = Stand()
    async with working(tmp_path, stand) as made:
        began = time.monotonic()
        while time.monotonic() < began + 1.0:
            made.site.day = Day(seq=made.site.day.seq + 1)
            made.forecaster.changed(made.site)
            await asyncio.sleep(0.005)
        last = made.site.day
        await until(lambda: stand.days and stand.days[-1] is last)
    # Two hundred changes; a thread may begin a little late, so it is the number that counts.
    assert 3 <= len(stand.asked) <= 1.5 + (stand.asked[-1] - stand.asked[0]) / 0.2
    assert made.shown == [SAID] * len(stand.asked)


async def test_a_forecast_that_fails_is_the_plain_one_and_is_logged_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(forecaster, "EVERY_S", 0.01)
    caplog.set_level(logging.ERROR)

    def fails() -> Foreseen:
        raise ValueError("no such hall")

    stand = Stand()
    async with working(tmp_path, stand) as made:
        await until(lambda: made.shown == [SAID])
        stand.does = fails
        for asked in (2, 3, 4):
            made.forecaster.changed(made.site)
            await until(lambda asked=asked: len(made.shown) == asked)
        assert made.shown == [SAID, None, None, None]
        assert [record.message for record in caplog.records] == [
            f"{SITE}: no forecast, the plain one is told"
        ]
        # It is asked again and again: what fails for one hall need not for the next.
        stand.does = lambda: SAID
        made.forecaster.changed(made.site)
        await until(lambda: made.shown[-1] is SAID)


async def test_where_no_model_was_fitted_nothing_is_foreseen(tmp_path: Path) -> None:
    async with working(tmp_path, None) as made:
        await made.forecaster.load()
        made.forecaster.changed(made.site)
        await asyncio.sleep(0)
        assert made.forecaster.foreseen(SITE) is None
        assert made.shown == []


def keep(database: Database, model: bytes) -> None:
    kept = store.Kept("2026-11-20/2145", 0.84, "2026-11-20", model)
    database.write_now(
        lambda connection: store.put(connection, SITE, kept, first_day="2026-11-02", rows=2145, fitted_at=1)
    )


async def test_a_model_is_there_again_after_a_restart(tmp_path: Path) -> None:
    first = House(tmp_path)
    keep(first.database, save(Model()))
    first.database.close()
    async with working(tmp_path, None) as made:
        await made.forecaster.load()
        await until(lambda: made.shown)
        assert made.shown[0] is not None
        assert made.shown[0].source == "2026-11-20/2145"


async def test_a_model_that_cannot_be_read_leaves_the_plain_forecast(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with working(tmp_path, None) as made:
        keep(made.database, b"of another version")
        await made.forecaster.load()
        assert made.forecaster.foreseen(SITE) is None
        assert "the plain forecast goes on: this is no model" in caplog.text
