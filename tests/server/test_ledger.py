"""The rows of visits and appointments are what the journal tells, and can be made again from it."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import program
import pytest
import sqlalchemy as sa
from random_days import Driven, random_days

from server import database as db
from server import journal, ledger, rebuild, schema
from server.database import Database
from server.domain.day import Day, Visit
from server.domain.fold import evolve

SITE = "one"
TABLES = ("visit", "appointment")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path / 'onthaal.db'}")
    made.write_now(schema.migrate)
    yield made
    made.close()


@pytest.fixture(scope="module", params=[1, 2, 3])
def driven(request: pytest.FixtureRequest) -> Driven:
    return random_days(seed=request.param, days=3)


def store(database: Database, driven: Driven, size: int = 3) -> None:
    """Append in groups, as the committer does: a ledger for each, appointments of other days looked up."""
    day = Day()
    for begin in range(0, len(driven.entries), size):
        entries = driven.entries[begin : begin + size]

        def group(connection: sa.Connection, entries: Any = entries, day: Day = day) -> Day:
            rows = connection.execute(sa.select(db.appointment))
            rows_before = {row.id: ledger.appointment_of(row) for row in rows}
            collected = ledger.Ledger(SITE, rows_before)
            for entry in entries:
                day = collected.apply(day, entry)
            journal.append(connection, SITE, entries)
            collected.write(connection)
            return day

        day = database.write_now(group)


def dump(path: Path, *tables: str) -> dict[str, list[Any]]:
    with sqlite3.connect(path) as other:
        return {table: other.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in tables}


def test_rows_are_the_visits_and_appointments_of_the_journal(database: Database, driven: Driven) -> None:
    store(database, driven)
    assert database.write_now(rebuild.differences) == []
    visits: dict[str, tuple[str, Visit]] = {}
    day = Day()
    for entry in driven.entries:
        day = evolve(day, entry)
        visits |= {key: (day.date, visit) for key, visit in day.visits.items()}
    stored = database.write_now(lambda connection: list(connection.execute(sa.select(db.visit))))
    assert len(visits) > 50
    assert {row.id for row in stored} == set(visits)
    for row in stored:
        date, visit = visits[row.id]
        assert (row.site, row.day, row.ticket) == (SITE, date, visit.ticket)
        assert (row.status, row.counter, row.rule) == (visit.status, visit.counter, visit.rule)
        assert (row.reported_at, row.first_called_at) == (visit.reported_at, visit.first_called_at)
        assert (row.called_at, row.started_at, row.ended_at) == (
            visit.called_at,
            visit.started_at,
            visit.ended_at,
        )
    booked = database.write_now(lambda connection: list(connection.execute(sa.select(db.appointment))))
    assert {row.id: ledger.appointment_of(row) for row in booked} == driven.appointments


def test_rebuilding_makes_identical_rows_and_leaves_references(database: Database, driven: Driven) -> None:
    store(database, driven)
    reference = {"site": SITE, "ref": "their-1", "appointment": driven.booked[0].id}
    database.write_now(lambda connection: connection.execute(db.reference.insert(), reference) and None)
    before = dump(database.path, *TABLES, "reference")
    with sqlite3.connect(database.path) as other:
        for table in TABLES:
            other.execute(f"DELETE FROM {table}")
    count = database.write_now(rebuild.rebuild)
    assert dump(database.path, *TABLES, "reference") == before
    assert count == sum(len(before[table]) for table in TABLES)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("UPDATE visit SET status = 'served' WHERE status = 'left'", "status"),
        ("DELETE FROM appointment WHERE id = (SELECT min(id) FROM appointment)", "missing"),
        ("UPDATE visit SET id = 'stranger' WHERE id = (SELECT min(id) FROM visit)", "not in the journal"),
    ],
)
def test_a_row_that_differs_is_named(database: Database, damage: str, said: str) -> None:
    store(database, random_days(seed=2, days=2))
    with sqlite3.connect(database.path) as other:
        assert other.execute(damage).rowcount
    found = database.write_now(rebuild.differences)
    assert found
    assert any(said in line for line in found)


def test_a_gap_in_the_journal_is_an_error_not_a_difference(database: Database) -> None:
    store(database, random_days(seed=2, days=1))
    with sqlite3.connect(database.path) as other:
        other.execute("DELETE FROM journal WHERE seq = 10")
    with pytest.raises(ValueError, match="gap"):
        database.write_now(rebuild.differences)


def test_the_command_checks_and_mends(database: Database) -> None:
    store(database, random_days(seed=3, days=2))

    def run(*options: str) -> subprocess.CompletedProcess[str]:
        return program.run("rebuild", *options, "--database", f"sqlite:///{database.path}")

    assert run("--check").returncode == 0
    with sqlite3.connect(database.path) as other:
        other.execute("UPDATE visit SET calls = calls + 1")
    checked = run("--check")
    assert checked.returncode == 1
    assert "calls" in checked.stdout
    assert run().returncode == 0
    assert run("--check").returncode == 0
