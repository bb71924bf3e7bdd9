"""The analyst: a child that answers, cannot write, and is replaced when it dies or takes too long."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
import sqlalchemy as sa
from office import until
from running import gone

from server import schema
from server.analyst import Analyst, Failed
from server.database import Database, Unavailable
from server.figures import kinds
from server.figures.report import BadQuestion
from server.rebuild import sites

FOREVER = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"


@pytest.fixture
def url(tmp_path: Path) -> str:
    made = Database(f"sqlite:///{tmp_path / 'onthaal.db'}")
    made.write_now(schema.migrate)
    made.close()
    return f"sqlite:///{tmp_path / 'onthaal.db'}"


@pytest_asyncio.fixture
async def analyst(url: str) -> AsyncIterator[Analyst]:
    made = Analyst(url, answer_s=30, waiting=2)
    yield made
    await made.aclose()


async def test_it_starts_at_the_first_question_and_ends_when_it_is_closed(url: str) -> None:
    analyst = Analyst(url)
    assert analyst.pid is None
    assert await analyst.ask(sites) == []
    pid = analyst.pid
    assert pid not in (None, os.getpid())
    assert await analyst.ask(sites) == []
    assert analyst.pid == pid
    await analyst.aclose()
    assert pid is not None
    assert gone(pid)
    with pytest.raises(Unavailable):
        await analyst.ask(sites)


async def test_it_cannot_write(analyst: Analyst) -> None:
    with pytest.raises(Unavailable, match="readonly"):
        await analyst.ask(sa.Connection.exec_driver_sql, "DELETE FROM journal")


async def test_errors_of_ours_come_back_as_they_are_and_others_are_told(analyst: Analyst) -> None:
    with pytest.raises(BadQuestion, match="unknown kind"):
        await analyst.ask(kinds.report, "colour", None, None, None, (), 0)  # type: ignore[arg-type]
    with pytest.raises(Failed, match="TypeError"):
        await analyst.ask(kinds.report, "visits", None, None, None, (), 0)  # type: ignore[arg-type]
    assert await analyst.ask(sites) == []


async def test_one_that_dies_is_replaced(analyst: Analyst) -> None:
    await analyst.ask(sites)
    before = analyst.pid
    assert before is not None
    os.kill(before, signal.SIGKILL)
    with pytest.raises(Unavailable):
        await analyst.ask(sites)
    assert await analyst.ask(sites) == []
    assert analyst.pid != before


async def test_one_that_takes_too_long_is_killed_and_replaced(url: str) -> None:
    analyst = Analyst(url, answer_s=1.0)
    try:
        asked = asyncio.create_task(analyst.ask(sa.Connection.exec_driver_sql, FOREVER))
        await until(lambda: analyst.pid is not None)
        before = analyst.pid
        with pytest.raises(Unavailable, match="too long"):
            await asked
        assert before is not None
        assert gone(before)
    finally:
        await analyst.aclose()


async def test_no_more_wait_than_there_is_room_for(analyst: Analyst) -> None:
    await analyst.ask(sites)
    asked = [asyncio.create_task(analyst.ask(sa.Connection.exec_driver_sql, FOREVER)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable, match="too many"):
        await analyst.ask(sites)
    for task in asked:
        task.cancel()
    for found in await asyncio.gather(*asked, return_exceptions=True):
        assert isinstance(found, asyncio.CancelledError)
    # Nobody's answer is taken for that of the next question.
    assert await analyst.ask(sites) == []
