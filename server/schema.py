"""Bringing a database to this version's tables, by the migrations in ``server/migrations``."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def is_current(connection: sa.Connection) -> bool:
    """Whether the tables are those of this version, to the last migration."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    return MigrationContext.configure(connection).get_current_revision() == head


def migrate(connection: sa.Connection) -> None:
    """Apply what is missing, in the caller's transaction; nothing on a database that is up to date.

    Raises ``RuntimeError`` where the database was written by a newer version.
    """
    config = _config()
    script = ScriptDirectory.from_config(config)
    current = MigrationContext.configure(connection).get_current_revision()
    if current == script.get_current_head():
        return
    if current is not None and current not in {revision.revision for revision in script.walk_revisions()}:
        raise RuntimeError(f"the database is of a newer version of Onthaal (migration {current})")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
