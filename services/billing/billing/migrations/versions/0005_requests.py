"""Every key that a page was asked for with; who ordered a grant."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

COPY = """
    INSERT INTO checkout_requests (request_key, request_hash, checkout_id, created_at)
    SELECT request_key, request_hash, id, created_at FROM checkouts WHERE request_key IS NOT NULL
"""
COPY_BACK = """
    UPDATE checkouts SET request_key = r.request_key, request_hash = r.request_hash
    FROM (SELECT DISTINCT ON (checkout_id) * FROM checkout_requests ORDER BY checkout_id, created_at) AS r
    WHERE r.checkout_id = checkouts.id
"""


def upgrade() -> None:
    op.create_table(
        "checkout_requests",
        sa.Column("request_key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("checkout_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("request_key", name=op.f("pk_checkout_requests")),
    )
    op.create_index("ix_checkout_requests_checkout_id", "checkout_requests", ["checkout_id"])
    op.execute(COPY)
    op.drop_constraint(op.f("uq_checkouts_request_key"), "checkouts")
    op.drop_column("checkouts", "request_key")
    op.drop_column("checkouts", "request_hash")
    op.create_table(
        "grant_orders",
        sa.Column("posting_id", sa.Uuid(), nullable=False),
        sa.Column("ordered_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("posting_id", name=op.f("pk_grant_orders")),
        sa.ForeignKeyConstraint(
            ["posting_id"], ["postings.id"], name=op.f("fk_grant_orders_posting_id_postings")
        ),
    )


def downgrade() -> None:
    op.drop_table("grant_orders")
    op.add_column("checkouts", sa.Column("request_key", sa.Text()))
    op.add_column("checkouts", sa.Column("request_hash", sa.LargeBinary()))
    op.execute(COPY_BACK)
    op.create_unique_constraint(op.f("uq_checkouts_request_key"), "checkouts", ["request_key"])
    op.drop_table("checkout_requests")
