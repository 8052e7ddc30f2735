"""The payment that a mail answers."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("messages", sa.Column("payment_id", sa.Uuid()))


def downgrade() -> None:
    op.drop_column("messages", "payment_id")
