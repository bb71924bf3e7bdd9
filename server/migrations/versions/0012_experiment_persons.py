"""What an experiment is evaluated by: when it ends, its arms in order, who had been drawn before."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    with op.batch_alter_table("assignment") as table:
        table.add_column(sa.Column("place", sa.Integer(), nullable=True))
        table.add_column(sa.Column("ends", sa.Text(), nullable=True))
        table.add_column(sa.Column("person", sa.LargeBinary(), nullable=True))
        table.add_column(sa.Column("again", sa.Boolean(), server_default=sa.false(), nullable=False))
        table.create_index("assignment_person", ["person", "ends"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("assignment") as table:
        table.drop_index("assignment_person")
        table.drop_column("again")
        table.drop_column("person")
        table.drop_column("ends")
        table.drop_column("place")
