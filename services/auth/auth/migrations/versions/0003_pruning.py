"""What is long over is found by walking through the tables, not by indexes that every sign-in would pay for."""

from alembic import op

revision = "0003"
down_revision = "0002"

INDEXES = {"sessions": "ends_at", "one_time_tokens": "expires_at", "throttles": "last_failed_at"}


def upgrade() -> None:
    for table, column in INDEXES.items():
        op.drop_index(f"ix_{table}_{column}", table)


def downgrade() -> None:
    for table, column in INDEXES.items():
        op.create_index(f"ix_{table}_{column}", table, [column])
