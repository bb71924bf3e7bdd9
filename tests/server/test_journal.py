"""The journal keeps every event as it was, in one gap-free sequence a site, and finds today quickly."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from random_days import Driven, random_days

from server import journal, schema
from server.database import Database
from server.domain import events as ev
from server.domain.day import Day
from server.domain.events import KINDS, Entry
from server.domain.fold import fold


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path / 'onthaal.db'}")
    made.write_now(schema.migrate)
    yield made
    made.close()


@pytest.fixture(scope="module")
def driven() -> Driven:
    return random_days(seed=7, days=3)


def test_what_is_read_is_what_was_written(database: Database, driven: Driven) -> None:
    database.write_now(lambda connection: journal.append(connection, "one", driven.entries))
    read = database.write_now(lambda connection: list(journal.read(connection, "one", 0)))
    assert read == driven.entries
    assert {entry.kind for entry in read} == set(KINDS)  # the random days had one of every kind


def test_sites_have_sequences_of_their_own(database: Database, driven: Driven) -> None:
    def work(connection: sa.Connection) -> tuple[int, int, int, list[int]]:
        journal.append(connection, "one", driven.entries[:5])
        journal.append(connection, "other", driven.entries[:3])
        after = [entry.seq for entry in journal.read(connection, "one", 2, 2)]
        return (*(journal.head(connection, name) for name in ("one", "other", "none")), after)

    assert database.write_now(work) == (5, 3, 0, [3, 4])


def test_a_seq_is_taken_once(database: Database, driven: Driven) -> None:
    first = driven.entries[0]
    database.write_now(lambda connection: journal.append(connection, "one", [first]))
    with pytest.raises(sa.exc.IntegrityError):
        database.write_now(lambda connection: journal.append(connection, "one", [first]))


def test_today_is_the_fold_of_everything(database: Database, driven: Driven) -> None:
    def work(connection: sa.Connection) -> None:
        known = Day()
        for count, entry in enumerate(driven.entries, 1):
            journal.append(connection, "one", [entry])
            known = fold(known, [entry])
            if count % 25 == 0 or count == len(driven.entries):
                assert journal.today(connection, "one") == known

    database.write_now(work)


def test_today_reads_no_further_back_than_the_opening(database: Database, driven: Driven) -> None:
    database.write_now(lambda connection: journal.append(connection, "one", driven.entries))
    openings = [entry.seq for entry in driven.entries if isinstance(entry.event, ev.DayOpened)]
    assert len(openings) == 3
    # Whatever an older version may have left there: what is before the opening is not even decoded.
    with sqlite3.connect(database.path) as other:
        other.execute("UPDATE journal SET event = 'unreadable' WHERE seq < ?", (openings[-1],))
    assert database.write_now(lambda connection: journal.today(connection, "one")) == driven.day


def test_appointments_may_come_before_the_first_day(database: Database) -> None:
    booked = Entry(1, 5, ev.AppointmentBooked(appointment=random_days(seed=1, days=1).booked[0]))
    database.write_now(lambda connection: journal.append(connection, "one", [booked]))
    day = database.write_now(lambda connection: journal.today(connection, "one"))
    assert (day.seq, day.at, day.date) == (1, 5, "")
