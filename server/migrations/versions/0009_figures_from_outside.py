"""What citizens, the booking side and the telephone exchange tell: satisfaction, first free slots, calls."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "satisfaction",
        sa.Column("visit", sa.Text(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("word", sa.LargeBinary(), nullable=True),
        sa.Column("erase_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("visit"),
    )
    op.create_index("satisfaction_day", "satisfaction", ["site", "day"], unique=False)
    op.create_index(op.f("ix_satisfaction_erase_at"), "satisfaction", ["erase_at"], unique=False)
    op.create_table(
        "first_free",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("told_at", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("site", "service", "told_at"),
    )
    op.create_table(
        "phone_calls",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("answered", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("site", "at"),
    )


def downgrade() -> None:
    op.drop_table("phone_calls")
    op.drop_table("first_free")
    op.drop_index(op.f("ix_satisfaction_erase_at"), "satisfaction")
    op.drop_index("satisfaction_day", "satisfaction")
    op.drop_table("satisfaction")
