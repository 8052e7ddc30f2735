"""Contacts and messages."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "contacts",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("learned_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="pk_contacts"),
    )
    op.create_table(
        "messages",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("to_address", sa.Text()),
        sa.Column("parameters", postgresql.JSONB(), nullable=False),
        sa.Column("sealed_token", sa.Text()),
        sa.Column("state", sa.Text(), server_default="queued", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("unknown_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_ends_at", sa.DateTime(timezone=True)),
        sa.Column("sent_at", sa.DateTime(timezone=True)),
        sa.Column("error", sa.Text()),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_messages"),
        sa.UniqueConstraint("cause", name="uq_messages_cause"),
        sa.CheckConstraint(
            "state IN ('queued', 'sending', 'sent', 'failed')", name="ck_messages_state"
        ),
        sa.CheckConstraint(
            "(state = 'sending') = (lease_ends_at IS NOT NULL)", name="ck_messages_lease"
        ),
        sa.CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="ck_messages_sent"),
        sa.CheckConstraint(
            "state <> 'sent' OR (to_address IS NOT NULL AND sealed_token IS NULL)",
            name="ck_messages_sent_without_token",
        ),
        sa.CheckConstraint(
            "attempts >= 0 AND unknown_count BETWEEN 0 AND 2", name="ck_messages_attempts"
        ),
    )
    op.create_index(
        "ix_messages_queued",
        "messages",
        ["next_attempt_at"],
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_index(
        "ix_messages_sending",
        "messages",
        ["lease_ends_at"],
        postgresql_where=sa.text("state = 'sending'"),
    )
    op.create_index("ix_messages_user_id_id", "messages", ["user_id", "id"])
    op.create_index("ix_messages_state_id", "messages", ["state", "id"])


def downgrade() -> None:
    op.drop_table("messages")
    op.drop_table("contacts")
