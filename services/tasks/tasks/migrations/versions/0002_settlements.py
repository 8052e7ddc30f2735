"""How the holds of tasks ended, to compare each day's books."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "settlements",
        sa.Column("hold_id", sa.Uuid(), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("captured", sa.BigInteger(), nullable=False),
        sa.Column("released", sa.BigInteger(), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("hold_id", name=op.f("pk_settlements")),
    )
    op.create_index(
        "ix_settlements_settled_at", "settlements", ["settled_at"], postgresql_using="brin"
    )


def downgrade() -> None:
    op.drop_table("settlements")
