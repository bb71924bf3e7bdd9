"""Figures of a year: days decided by the domain and written as a server writes them, then each report, timed.

The reports are asked of the analyst, as the API asks them: ``first_ms`` is the first time that its process
makes the report, ``warm_ms`` the median of the times after it. Questions and answers travel in both.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from server import rebuild, settings
from server.analyst import Analyst
from server.bench.growth import VISITS_A_DAY, write_past
from server.bench.machine import Progress, resident_mb
from server.bench.subject import HOUSE_TIME, SITE, house_file
from server.database import Database
from server.domain.house import House
from server.domain.schedule import to_instant
from server.figures import digests, kinds

AIM_MS = 300.0
REPEATS = 5
ANSWER_S = 120.0

BY: tuple[tuple[str, ...], ...] = ((), ("month",), ("weekday", "hour"), ("day", "hour"))


def measure(folder: Path, visits: int, progress: Progress) -> dict[str, Any]:
    """How long a year takes to digest, and each report over it to be made."""
    folder.mkdir(parents=True)
    house = settings.load(house_file(folder))[SITE]
    url = f"sqlite:///{folder / 'onthaal.db'}"
    entries = write_past(url, house, visits, progress)
    progress("digesting")
    database = Database(url)
    try:
        began = time.perf_counter()
        days = digests.catch_up(database, SITE)
        digest_s = time.perf_counter() - began
        size = database.read_now(
            lambda c: c.exec_driver_sql("SELECT sum(length(packed)) FROM digest").scalar_one()
        )
    finally:
        database.close()
    reports, memory = asyncio.run(_ask(url, house, visits, progress))
    worst = max(each["warm_ms"] for each in reports)
    return {
        "visits": visits,
        "entries": entries,
        "days": days,
        "digest_day_ms": round(1000 * digest_s / days, 1),
        "digest_s": round(digest_s, 1),
        "digest_mb": round(size / 1e6, 1),
        "reports": reports,
        "memory_mb": memory,
        "aim_ms": AIM_MS,
        "met": worst <= AIM_MS,
    }


async def _ask(
    url: str, house: House, visits: int, progress: Progress
) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """The time of each report, and the analyst's memory before the first and after the last, in megabytes."""
    moment = datetime.fromisoformat(HOUSE_TIME)
    last = moment.date()
    first = last - timedelta(days=max(1, visits // VISITS_A_DAY))
    analyst = Analyst(url, answer_s=ANSWER_S)
    try:
        await analyst.ask(rebuild.sites)
        before = _memory(analyst)
        found = []
        for kind in kinds.KINDS:
            for by in BY:
                progress(f"{kind} by {','.join(by) or 'nothing'}")
                times = [
                    await _timed(analyst, kind, house, first, last, by, to_instant(moment))
                    for _ in range(1 + REPEATS)
                ]
                warm = statistics.median(times[1:])
                found.append(
                    {"kind": kind, "by": list(by), "first_ms": round(times[0]), "warm_ms": round(warm)}
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
    assert analyst.pid is not None
    return round(resident_mb(analyst.pid))
