"""What is written to people: deliveries, what happened to them, how far they are planned, who wants none."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "planner",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("site"),
    )
    op.create_table(
        "delivery",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("slot_at", sa.BigInteger(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("planned_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("retry_at", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("reach_by", sa.BigInteger(), nullable=True),
        sa.Column("ref", sa.Text(), nullable=True),
        sa.Column("parts", sa.Integer(), nullable=True),
        sa.Column("cost", sa.BigInteger(), nullable=True),
        sa.Column("about", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("delivery_due", "delivery", ["state", "channel", "due_at"], unique=False)
    op.create_index("delivery_once", "delivery", ["subject", "step", "slot_at", "channel"], unique=True)
    op.create_index("delivery_site", "delivery", ["site", "due_at"], unique=False)
    op.create_index("delivery_reach", "delivery", ["reach_by"], unique=False)
    op.create_table(
        "delivery_event",
        sa.Column("delivery", sa.Text(), nullable=False),
        sa.Column("n", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("real_at", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("delivery", "n"),
    )
    op.create_table(
        "message",
        sa.Column("delivery", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("erase_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("delivery"),
    )
    op.create_index(op.f("ix_message_erase_at"), "message", ["erase_at"], unique=False)
    op.create_index(op.f("ix_message_subject"), "message", ["subject"], unique=False)
    op.create_table(
        "opt_out",
        sa.Column("mark", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("mark"),
    )
    with op.batch_alter_table("appointment") as appointment:
        appointment.add_column(sa.Column("call_back_at", sa.BigInteger(), nullable=True))
    op.create_index("appointment_call_back", "appointment", ["site", "call_back_at"], unique=False)
    with op.batch_alter_table("contact") as contact:
        contact.add_column(sa.Column("phone_mark", sa.LargeBinary(), nullable=True))
        contact.add_column(sa.Column("basis", sa.Text(), nullable=True))
        contact.add_column(sa.Column("basis_at", sa.BigInteger(), nullable=True))
        contact.add_column(sa.Column("basis_source", sa.Text(), nullable=True))
    op.create_index(op.f("ix_contact_phone_mark"), "contact", ["phone_mark"], unique=False)
    with op.batch_alter_table("appointment") as appointment:
        appointment.add_column(sa.Column("told_at", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_index("appointment_call_back", "appointment")
    with op.batch_alter_table("appointment") as appointment:
        appointment.drop_column("call_back_at")
        appointment.drop_column("told_at")
    op.drop_index(op.f("ix_contact_phone_mark"), "contact")
    with op.batch_alter_table("contact") as contact:
        for column in ("phone_mark", "basis", "basis_at", "basis_source"):
            contact.drop_column(column)
    for table in ("opt_out", "message", "delivery_event", "delivery", "planner"):
        op.drop_table(table)
