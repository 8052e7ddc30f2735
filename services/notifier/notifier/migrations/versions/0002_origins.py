"""The action that a mail answers."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("messages", sa.Column("correlation_id", sa.Uuid()))
    op.add_column("messages", sa.Column("traceparent", sa.Text()))


def downgrade() -> None:
    for column in ("traceparent", "correlation_id"):
        op.drop_column("messages", column)
