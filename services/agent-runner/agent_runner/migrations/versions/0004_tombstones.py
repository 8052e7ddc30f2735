"""How a task without a run ended, and the run that it will have."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    own, cancelled = sa.text("gen_random_uuid()"), sa.text("'cancelled'")
    for column in (
        sa.Column("run_id", sa.Uuid(), server_default=own, nullable=False),
        sa.Column("outcome", sa.Text(), server_default=cancelled, nullable=False),
    ):
        op.add_column("tombstones", column)
        op.alter_column("tombstones", column.name, server_default=None)
    op.create_check_constraint(
        op.f("ck_tombstones_outcome_known"), "tombstones", "outcome IN ('cancelled', 'failed')"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_tombstones_outcome_known"), "tombstones")
    for column in ("outcome", "run_id"):
        op.drop_column("tombstones", column)
