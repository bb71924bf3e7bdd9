"""A server killed at random moments of a driven day loses nothing that it said and nothing that it showed."""

from __future__ import annotations

import asyncio
import signal
import subprocess
from pathlib import Path
from random import Random
from typing import Any

import httpx
import program
import pytest
from driven_day import DrivenDay
from houses import house
from journal_oracle import judge
from running import Onthaal

COUNTERS = 6


def read_journal(server: Onthaal) -> list[dict[str, Any]]:
    headers = {"Authorization": f"Bearer {server.token('supervisor')}"}
    with httpx.Client(base_url=f"{server.base}/api/v1/sites/mechelen", headers=headers, timeout=20) as http:
        entries: list[dict[str, Any]] = []
        while page := http.get("/journal", params={"after": len(entries), "limit": 1000}).json()["entries"]:
            entries += page
        return entries


def check_rows(server: Onthaal) -> subprocess.CompletedProcess[str]:
    return program.run("rebuild", "--check", "--database", server.url)


async def next_answer(day: DrivenDay) -> None:
    day.answered.clear()
    async with asyncio.timeout(30):
        await day.answered.wait()


async def drive_and_kill(folder: Path, kills: int, seed: int) -> None:
    config = house(folder, COUNTERS, services=("onthaal", "balie"))
    server = Onthaal(folder, config=config)
    random = Random(seed)
    for role in ("kiosk", "reception", "counter", "screen", "supervisor"):
        server.token(role)
    try:
        server.start()
        day = DrivenDay(server, COUNTERS, seed)
        over = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(day.run(over))
            for number in range(kills):
                await next_answer(day)
                # The moment of death is what is tried here: any moment, or right after an answer, when
                # what was told would be lost if it had been told too early.
                await asyncio.sleep(random.uniform(0, 1.0))
                if number % 3:
                    await next_answer(day)
                day.serving.clear()
                server.stop(signal.SIGKILL)
                await asyncio.to_thread(server.start)
                journal = await asyncio.to_thread(read_journal, server)
                assert day.log.newest <= len(journal), "told before the crash, gone after it"
                day.serving.set()
            over.set()
        journal = await asyncio.to_thread(read_journal, server)
        await asyncio.to_thread(server.stop)
        check = await asyncio.to_thread(check_rows, server)
    finally:
        server.close()
    judge(journal, day.log)
    assert check.returncode == 0, check.stdout + check.stderr
    assert " 500" not in server.log()
    # The test tried what it is there for: commands that were in the air when the server died.
    assert any(said.tries > 1 for said in day.log.said)
    print(f"{kills} kills, {len(journal)} entries, {len(day.log.said)} answers, {len(day.log.shown)} frames")


async def test_five_deaths_of_a_driven_day(tmp_path: Path) -> None:
    await drive_and_kill(tmp_path, kills=5, seed=1)


@pytest.mark.soak
async def test_fifty_deaths_of_a_driven_day(tmp_path: Path) -> None:
    await drive_and_kill(tmp_path, kills=50, seed=2)
