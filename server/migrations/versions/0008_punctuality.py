"""How appointments were booked, the slots that they moved away from, and every policy of punctuality."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("appointment", sa.Column("channel", sa.Text(), nullable=True))
    moved = sa.text("was_at IS NOT NULL")
    op.create_index(
        "appointment_was_at",
        "appointment",
        ["site", "was_at"],
        unique=False,
        sqlite_where=moved,
        postgresql_where=moved,
    )
    op.create_table(
        "policy",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("early_s", sa.Integer(), nullable=False),
        sa.Column("grace_s", sa.Integer(), nullable=False),
        sa.Column("cancel_in_time_s", sa.Integer(), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("site", "version"),
    )
    # What was told until now was told by these lines.
    op.execute("INSERT INTO policy SELECT DISTINCT site, '2026-1', 900, 300, 86400, 0 FROM journal")


def downgrade() -> None:
    op.drop_table("policy")
    op.drop_index("appointment_was_at", "appointment")
    op.drop_column("appointment", "channel")
