"""Alembic's entry: migrates over the connection that ``server.schema`` hands it."""

from alembic import context

from server.database import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
