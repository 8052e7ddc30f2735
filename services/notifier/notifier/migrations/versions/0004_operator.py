"""Mails to the operator, who need not be a user."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.alter_column("messages", "user_id", nullable=True)
    op.create_check_constraint(
        op.f("ck_messages_addressed"), "messages", "user_id IS NOT NULL OR to_address IS NOT NULL"
    )


def downgrade() -> None:
    op.execute("DELETE FROM messages WHERE user_id IS NULL")
    op.drop_constraint(op.f("ck_messages_addressed"), "messages")
    op.alter_column("messages", "user_id", nullable=False)
