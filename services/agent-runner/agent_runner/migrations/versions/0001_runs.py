"""Runs, their files, tombstones."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "runs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("agent_type", sa.Text(), nullable=False),
        sa.Column("executor", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("hold_amount", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("attempts_max", sa.BigInteger(), nullable=False),
        sa.Column("available_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True)),
        sa.Column("lease_owner", sa.Text()),
        sa.Column("deadline_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True)),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("outcome", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.Column("result", sa.Text()),
        sa.Column("units_used", sa.BigInteger()),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('waiting', 'running', 'finished')", name=op.f("ck_runs_state_known")
        ),
        sa.CheckConstraint(
            "outcome IN ('succeeded', 'failed', 'cancelled', 'timed_out')",
            name=op.f("ck_runs_outcome_known"),
        ),
        sa.CheckConstraint(
            "(state = 'finished') = (outcome IS NOT NULL)"
            " AND (state = 'finished') = (finished_at IS NOT NULL)",
            name=op.f("ck_runs_finished_has_outcome"),
        ),
        sa.CheckConstraint(
            "(lease_until IS NOT NULL) = (state = 'running' AND executor <> 'human')",
            name=op.f("ck_runs_lease_while_an_agent_runs"),
        ),
        sa.CheckConstraint(
            "state <> 'running' OR attempt >= 1", name=op.f("ck_runs_running_has_attempt")
        ),
        sa.CheckConstraint(
            "attempt >= 0 AND attempts_max >= 1", name=op.f("ck_runs_attempt_bounds")
        ),
        sa.CheckConstraint(
            "hold_amount >= 0 AND units_used >= 0", name=op.f("ck_runs_amounts_not_negative")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
        sa.UniqueConstraint("task_id", name=op.f("uq_runs_task_id")),
    )
    op.create_index(
        "ix_runs_to_lease", "runs", ["available_at"], postgresql_where=sa.text("state = 'waiting'")
    )
    op.create_index(
        "ix_runs_open", "runs", ["deadline_at"], postgresql_where=sa.text("state <> 'finished'")
    )
    op.create_table(
        "run_files",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("size >= 0", name=op.f("ck_run_files_size_not_negative")),
        sa.CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name=op.f("ck_run_files_sha256_form")),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_run_files_run_id_runs")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run_files")),
        sa.UniqueConstraint("key", name=op.f("uq_run_files_key")),
        sa.UniqueConstraint("run_id", "attempt", "name", name=op.f("uq_run_files_run_id")),
    )
    op.create_table(
        "tombstones",
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("task_id", name=op.f("pk_tombstones")),
    )


def downgrade() -> None:
    for table in ("tombstones", "run_files", "runs"):
        op.drop_table(table)
