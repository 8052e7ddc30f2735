"""How many of a plan somebody has."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    quantity = sa.Column("quantity", sa.BigInteger(), nullable=False, server_default="1")
    op.add_column("subscriptions", quantity)


def downgrade() -> None:
    op.drop_column("subscriptions", "quantity")
