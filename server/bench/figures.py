"""Figures of a year: a made one (``server.bench.year``), and each report over it, timed.

What a day costs to digest is measured beside it, on days that the domain decided and a server would write.
The reports are asked of the analyst, as the API asks them: ``first_ms`` is the first time that its process
makes the report, ``warm_ms`` the median of the times after it, ``cpu_ms`` its mean CPU in those. The ways of
question and answer are in all of them.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from datetime import date, datetime
from pathlib import Path
from typing import Any

from server import rebuild, schema, settings
from server.analyst import Analyst
from server.bench.growth import VISITS_A_DAY, write_past
from server.bench.machine import Progress, cpu_s, resident_mb
from server.bench.subject import HOUSE_TIME, SITE, house_file
from server.bench.year import Maker, open_days
from server.database import Database
from server.domain.house import House
from server.domain.schedule import to_instant
from server.figures import digests, kinds

AIM_MS = 300.0
REPEATS = 5
DIGESTED = 10
"""Days of a journal that are digested."""
ANSWER_S = 120.0

BY: tuple[tuple[str, ...], ...] = ((), ("month",), ("weekday", "hour"), ("service", "hour"))


def measure(folder: Path, visits: int, progress: Progress) -> dict[str, Any]:
    """How long each report over a year takes, and how long a day takes to digest."""
    folder.mkdir(parents=True)
    house = settings.load(settings.default_config())["mechelen"]
    last = datetime.fromisoformat(HOUSE_TIME).date()
    days = open_days(house, last, max(1, visits // VISITS_A_DAY))
    url = f"sqlite:///{folder / 'year.db'}"
    size = _write(url, house, days, visits, progress)
    reports, memory = asyncio.run(_ask(url, house, days[0], last, progress))
    return {
        "visits": visits,
        "days": len(days),
        "digest_mb": round(size / 1e6, 1),
        **_digesting(folder, progress),
        "reports": reports,
        "memory_mb": memory,
        "aim_ms": AIM_MS,
        "met": max(each["warm_ms"] for each in reports) <= AIM_MS,
    }


def _write(url: str, house: House, days: list[date], visits: int, progress: Progress) -> int:
    """Write the made year; how many bytes its digests have."""
    database = Database(url)
    maker = Maker(house)
    try:
        database.write_now(schema.migrate)
        for number, day in enumerate(days):
            count = visits // len(days) + (number < visits % len(days))
            database.write_now(lambda c, day=day, count=count: maker.write_day(c, day, count))  # type: ignore[misc]
            progress(f"making a year: day {number + 1} of {len(days)}")
        found: int = database.read_now(
            lambda c: c.exec_driver_sql("SELECT sum(length(packed)) FROM digest").scalar_one()
        )
        return found
    finally:
        database.close()


def _digesting(folder: Path, progress: Progress) -> dict[str, float]:
    """What a day of a real journal costs to digest, read, told and stored."""
    house = settings.load(house_file(folder))[SITE]
    url = f"sqlite:///{folder / 'journal.db'}"
    entries = write_past(url, house, DIGESTED * VISITS_A_DAY, progress)
    database = Database(url)
    try:
        used, began = time.process_time(), time.perf_counter()
        days = digests.catch_up(database, SITE)
        took, cpu = time.perf_counter() - began, time.process_time() - used
    finally:
        database.close()
    return {
        "digested_days": days,
        "entries_a_day": round(entries / days),
        "digest_ms": round(1000 * took / days, 1),
        "digest_cpu_ms": round(1000 * cpu / days, 1),
    }


async def _ask(
    url: str, house: House, first: date, last: date, progress: Progress
) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """The time of each report, and the analyst's memory before the first and after the last, in megabytes."""
    now = to_instant(datetime.fromisoformat(HOUSE_TIME))
    analyst = Analyst(url, answer_s=ANSWER_S)
    try:
        await analyst.ask(rebuild.sites)
        before = _memory(analyst)
        found = []
        for kind in kinds.KINDS:
            # The others are told as they are, by nothing.
            for by in BY if kind in kinds.DIVIDED else ((),):
                progress(f"{kind} by {','.join(by) or 'nothing'}")
                asked = (analyst, kind, house, first, last, by, now)
                begun = await _timed(*asked)
                used = cpu_s(_pid(analyst))
                warm = statistics.median([await _timed(*asked) for _ in range(REPEATS)])
                cpu = (cpu_s(_pid(analyst)) - used) / REPEATS
                found.append(
                    {
                        "kind": kind,
                        "by": list(by),
                        "first_ms": round(begun),
                        "warm_ms": round(warm),
                        "cpu_ms": round(1000 * cpu),
                    }
                )
        return found, {"before": before, "after": _memory(analyst)}
    finally:
        await analyst.aclose()


async def _timed(
    analyst: Analyst, kind: str, house: House, first: date, last: date, by: tuple[str, ...], now: int
) -> float:
    began = time.perf_counter()
    await analyst.ask(kinds.report, kind, house, first, last, by, now)
    return (time.perf_counter() - began) * 1000


def _memory(analyst: Analyst) -> int:
    return round(resident_mb(_pid(analyst)))


def _pid(analyst: Analyst) -> int:
    assert analyst.pid is not None
    return analyst.pid
