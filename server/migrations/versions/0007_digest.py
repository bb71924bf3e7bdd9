"""What figures need of each day that has ended."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "digest",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("format", sa.Integer(), nullable=False),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("site", "day"),
    )
    op.create_index("digest_seq", "digest", ["site", "seq"], unique=False)


def downgrade() -> None:
    op.drop_index("digest_seq", "digest")
    op.drop_table("digest")
