"""How far the proof of the ledger has come, and the indexes that it and the metrics go by."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"

SUBJECTS = ("accounts", "postings", "lots", "holds", "payments")


def upgrade() -> None:
    op.create_table(
        "proofs",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("position", sa.Uuid(), nullable=False),
        sa.Column("found", postgresql.JSONB(), nullable=False),
        sa.Column("broken", postgresql.JSONB(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_proofs")),
    )
    for subject in SUBJECTS:
        op.execute(
            "INSERT INTO proofs (subject, position, found, broken, began_at, due_at) VALUES"
            f" ('{subject}', '00000000-0000-0000-0000-000000000000', '{{}}', '{{}}', now(), now())"
        )
    op.create_index("ix_lot_uses_lot_id", "lot_uses", ["lot_id"])
    op.create_index(
        "ix_payments_review", "payments", ["id"], postgresql_where=sa.text("status = 'review'")
    )


def downgrade() -> None:
    op.drop_index("ix_payments_review", table_name="payments")
    op.drop_index("ix_lot_uses_lot_id", table_name="lot_uses")
    op.drop_table("proofs")
