"""What the newest start of a server said of house time, for commands that run beside it."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "house_time",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("set_to", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )


def downgrade() -> None:
    op.drop_table("house_time")
