"""How many of a user's runs are at work."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_index(
        "ix_runs_running", "runs", ["user_id"], postgresql_where=sa.text("state = 'running'")
    )


def downgrade() -> None:
    op.drop_index("ix_runs_running", table_name="runs")
