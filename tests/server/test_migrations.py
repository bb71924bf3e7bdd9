"""Migrations lead to exactly the tables that the code works with, from nothing and from what is there."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from server import schema
from server.database import Database, metadata


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path / 'onthaal.db'}")
    yield made
    made.close()


def test_the_migrated_tables_are_those_of_the_code(database: Database) -> None:
    database.write_now(schema.migrate)

    def differences(connection: sa.Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))

    assert database.write_now(differences) == []


def test_a_journal_is_keyed_by_site_and_seq_and_nothing_counts_by_itself(database: Database) -> None:
    database.write_now(schema.migrate)
    with sqlite3.connect(database.path) as other:
        (made,) = other.execute("SELECT sql FROM sqlite_master WHERE name = 'journal'").fetchone()
        everything = " ".join(row[0] or "" for row in other.execute("SELECT sql FROM sqlite_master"))
    assert "PRIMARY KEY (site, seq)" in made
    assert "WITHOUT ROWID" in made
    assert "AUTOINCREMENT" not in everything


def test_migrating_again_changes_nothing(database: Database) -> None:
    database.write_now(schema.migrate)
    with sqlite3.connect(database.path) as other:
        other.execute("INSERT INTO journal VALUES ('one', 1, 5, 'day-ended', '{}')")
        before = list(other.iterdump())
    database.write_now(schema.migrate)
    with sqlite3.connect(database.path) as other:
        assert list(other.iterdump()) == before


def test_accounts_and_devices_come_and_go_and_tokens_stay_signed_in(database: Database) -> None:
    """From the first tables to the second, with a session on the way, and back."""

    def move(connection: sa.Connection, to: str, how: Callable[..., None]) -> None:
        config = schema._config()
        config.attributes["connection"] = connection
        how(config, to)

    def tables(connection: sqlite3.Connection) -> list[str]:
        made = connection.execute("SELECT sql FROM sqlite_master WHERE sql > ''")
        return sorted(" ".join(row[0].replace('"', "").split()) for row in made)

    def session(connection: sa.Connection) -> list[tuple[object, ...]]:
        rows = connection.exec_driver_sql("SELECT token, expires_at FROM session")
        return [tuple(row) for row in rows]

    database.write_now(lambda connection: move(connection, "0001", command.upgrade))
    with sqlite3.connect(database.path) as other:
        before = tables(other)
        other.execute("INSERT INTO session VALUES (x'00', 'mine', 7)")
    database.write_now(lambda connection: move(connection, "0002", command.upgrade))
    assert database.write_now(session) == [("mine", 7)]
    with sqlite3.connect(database.path) as other:
        other.execute("INSERT INTO session (hash, account, expires_at) VALUES (x'01', 'hers', 8)")
    database.write_now(lambda connection: move(connection, "0001", command.downgrade))
    assert database.write_now(session) == [("mine", 7)]
    with sqlite3.connect(database.path) as other:
        assert tables(other) == before


def test_a_database_of_a_newer_version_is_refused_and_left_alone(database: Database) -> None:
    database.write_now(schema.migrate)
    with sqlite3.connect(database.path) as other:
        other.execute("UPDATE alembic_version SET version_num = '9999'")
        before = list(other.iterdump())
    with pytest.raises(RuntimeError, match=r"newer version.*9999"):
        database.write_now(schema.migrate)
    with sqlite3.connect(database.path) as other:
        assert list(other.iterdump()) == before


def test_a_migration_that_fails_leaves_nothing_behind(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sqlite3.connect(database.path) as other:
        other.execute("CREATE TABLE visit (id TEXT)")  # in the way of the first migration
    with pytest.raises(Exception, match="visit"):
        database.write_now(schema.migrate)
    with sqlite3.connect(database.path) as other:
        tables = [row[0] for row in other.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    assert tables == ["visit"]


def test_a_file_is_for_its_owner_only_and_commits_reach_the_disk(database: Database) -> None:
    def pragmas(connection: sa.Connection) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys")
        return [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]

    assert database.write_now(pragmas) == ["wal", 2, 1]  # 2: FULL
    assert database.path.stat().st_mode & 0o777 == 0o600
