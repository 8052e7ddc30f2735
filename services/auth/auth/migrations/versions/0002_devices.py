"""What a session is used from and when it was last, and what a user is called."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("users", sa.Column("name", sa.Text()))
    op.add_column("sessions", sa.Column("agent", sa.Text()))
    op.add_column("sessions", sa.Column("address", sa.Text()))
    op.add_column("sessions", sa.Column("used_at", MOMENT))
    op.execute("UPDATE sessions SET used_at = created_at")
    op.alter_column("sessions", "used_at", nullable=False)


def downgrade() -> None:
    op.drop_column("sessions", "used_at")
    op.drop_column("sessions", "address")
    op.drop_column("sessions", "agent")
    op.drop_column("users", "name")
