"""Parked events count how often their process ended in their handler, besides how often it failed."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("parked", sa.Column("deaths", sa.Integer(), server_default="0", nullable=False))
    op.execute("UPDATE parked SET deaths = attempt WHERE state = 'attempting'")


def downgrade() -> None:
    op.drop_column("parked", "deaths")
