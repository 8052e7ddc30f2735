"""Stripe's side in full: catalogue, checkouts, customers, plans, money that goes back, and the reconciliation."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"

APPEND_ONLY = ("refund_steps",)
CHORES = ("sync prices", "reconcile recent", "reconcile daily")
CHECKS = {
    "one_thing_paid": "num_nonnulls(stripe_checkout_session_id, stripe_invoice_id) = 1",
    "taken_bounds": "refund_taken >= 0 AND dispute_taken >= 0"
    " AND refund_taken + dispute_taken <= credits",
}


def upgrade() -> None:
    op.create_table(
        "checkouts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("stripe_checkout_session_id", sa.Text(), nullable=True),
        sa.Column("stripe_subscription_id", sa.Text(), nullable=True),
        sa.Column("request_key", sa.Text(), nullable=True),
        sa.Column("request_hash", sa.LargeBinary(), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("price_id", sa.Text(), nullable=True),
        sa.Column("credits", sa.BigInteger(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("payment_status", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "mode IN ('payment', 'subscription')", name=op.f("ck_checkouts_mode_known")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checkouts")),
        sa.UniqueConstraint("request_key", name=op.f("uq_checkouts_request_key")),
        sa.UniqueConstraint(
            "stripe_checkout_session_id", name=op.f("uq_checkouts_stripe_checkout_session_id")
        ),
    )
    op.create_index(
        "ix_checkouts_stripe_subscription_id",
        "checkouts",
        ["stripe_subscription_id"],
        unique=False,
        postgresql_where=sa.text("stripe_subscription_id IS NOT NULL"),
    )
    op.create_index(
        "ix_checkouts_to_end",
        "checkouts",
        ["id"],
        unique=False,
        postgresql_where=sa.text("end_at IS NOT NULL"),
    )
    op.create_index(
        "uq_checkouts_open",
        "checkouts",
        ["user_id", "price_id"],
        unique=True,
        postgresql_where=sa.text("is_open AND user_id IS NOT NULL"),
    )
    op.create_table(
        "chores",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("flaw", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_chores")),
    )
    op.create_table(
        "customers",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("stripe_customer_id", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("generation", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tell_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_customers")),
        sa.UniqueConstraint("stripe_customer_id", name=op.f("uq_customers_stripe_customer_id")),
    )
    op.create_index(
        "ix_customers_tell_at",
        "customers",
        ["tell_at"],
        unique=False,
        postgresql_where=sa.text("tell_at IS NOT NULL"),
    )
    op.create_table(
        "invoice_payments",
        sa.Column("stripe_payment_intent_id", sa.Text(), nullable=False),
        sa.Column("stripe_invoice_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("stripe_payment_intent_id", name=op.f("pk_invoice_payments")),
    )
    op.create_index(
        "ix_invoice_payments_stripe_invoice_id",
        "invoice_payments",
        ["stripe_invoice_id"],
        unique=False,
    )
    op.create_table(
        "invoices",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("stripe_invoice_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("stripe_customer_id", sa.Text(), nullable=True),
        sa.Column("stripe_subscription_id", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("amount_due_cents", sa.BigInteger(), nullable=False),
        sa.Column("amount_paid_cents", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("hosted_url", sa.Text(), nullable=True),
        sa.Column("pdf_url", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoices")),
        sa.UniqueConstraint("stripe_invoice_id", name=op.f("uq_invoices_stripe_invoice_id")),
    )
    op.create_index(
        "ix_invoices_stripe_customer_id_id", "invoices", ["stripe_customer_id", "id"], unique=False
    )
    op.create_index(
        "ix_invoices_unfinished",
        "invoices",
        ["id"],
        unique=False,
        postgresql_where=sa.text("status IN ('draft', 'open')"),
    )
    op.create_table(
        "payment_links",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("items", postgresql.JSONB(), nullable=True),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heard_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_links")),
    )
    op.create_table(
        "prices",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("lookup_key", sa.Text(), nullable=True),
        sa.Column("amount_cents", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("interval", sa.Text(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heard_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prices")),
    )
    op.create_index("ix_prices_product_id", "prices", ["product_id"], unique=False)
    op.create_table(
        "products",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("credits", sa.BigInteger(), nullable=False),
        sa.Column("rollover", sa.Text(), nullable=False),
        sa.Column("grant_interval", sa.Text(), nullable=True),
        sa.Column("badge", sa.Text(), nullable=True),
        sa.Column("display_order", sa.BigInteger(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("flaw", sa.Text(), nullable=True),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heard_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_products")),
    )
    op.create_table(
        "reconciliations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen", postgresql.JSONB(), nullable=False),
        sa.Column("drift", sa.BigInteger(), nullable=False),
        sa.Column("repaired", sa.BigInteger(), nullable=False),
        sa.Column("open", postgresql.JSONB(), nullable=False),
        sa.Column("flaw", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliations")),
    )
    op.create_index("ix_reconciliations_scope_id", "reconciliations", ["scope", "id"], unique=False)
    op.create_table(
        "subscriptions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("stripe_customer_id", sa.Text(), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("price_id", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("current_period_start", sa.DateTime(timezone=True), nullable=True),
        sa.Column("current_period_end", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_at_period_end", sa.Boolean(), nullable=False),
        sa.Column("cancel_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("latest_invoice_id", sa.Text(), nullable=True),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heard_id", sa.Text(), nullable=False),
        sa.Column("heard_count", sa.BigInteger(), nullable=False),
        sa.Column("asked_count", sa.BigInteger(), nullable=False),
        sa.Column("ask_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("past_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("grace_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscriptions")),
    )
    op.create_index(
        "ix_subscriptions_ask_at",
        "subscriptions",
        ["ask_at"],
        unique=False,
        postgresql_where=sa.text("ask_at IS NOT NULL"),
    )
    op.create_index(
        "ix_subscriptions_grace_until",
        "subscriptions",
        ["grace_until"],
        unique=False,
        postgresql_where=sa.text("grace_until IS NOT NULL AND paused_at IS NULL"),
    )
    op.create_index(
        "ix_subscriptions_stripe_customer_id", "subscriptions", ["stripe_customer_id"], unique=False
    )
    op.create_index(
        "ix_subscriptions_unowned",
        "subscriptions",
        ["id"],
        unique=False,
        postgresql_where=sa.text("user_id IS NULL"),
    )
    op.create_index("ix_subscriptions_user_id", "subscriptions", ["user_id"], unique=False)
    op.create_table(
        "charges",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("stripe_payment_intent_id", sa.Text(), nullable=True),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.Column("refunded_cents", sa.BigInteger(), nullable=False),
        sa.Column("match_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("match_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_charges_payment_id_payments")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_charges")),
    )
    op.create_index(
        "ix_charges_match_at",
        "charges",
        ["match_at"],
        unique=False,
        postgresql_where=sa.text("payment_id IS NULL AND match_at IS NOT NULL"),
    )
    op.create_index("ix_charges_payment_id", "charges", ["payment_id"], unique=False)
    op.create_index(
        "ix_charges_stripe_payment_intent_id", "charges", ["stripe_payment_intent_id"], unique=False
    )
    op.create_table(
        "disputes",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("stripe_payment_intent_id", sa.Text(), nullable=True),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heard_id", sa.Text(), nullable=False),
        sa.Column("match_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("match_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_disputes_payment_id_payments")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disputes")),
    )
    op.create_index(
        "ix_disputes_match_at",
        "disputes",
        ["match_at"],
        unique=False,
        postgresql_where=sa.text("payment_id IS NULL AND match_at IS NOT NULL"),
    )
    op.create_index("ix_disputes_payment_id", "disputes", ["payment_id"], unique=False)
    op.create_index(
        "ix_disputes_stripe_payment_intent_id",
        "disputes",
        ["stripe_payment_intent_id"],
        unique=False,
    )
    op.create_table(
        "plan_grants",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("stripe_subscription_id", sa.Text(), nullable=False),
        sa.Column("price_id", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('waiting', 'granted', 'cut', 'ended')",
            name=op.f("ck_plan_grants_status_known"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_plan_grants_amount_positive")),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_plan_grants_payment_id_payments")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_grants")),
        sa.UniqueConstraint("key", name=op.f("uq_plan_grants_key")),
    )
    op.create_index(
        "ix_plan_grants_due",
        "plan_grants",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("status = 'waiting'"),
    )
    op.create_index("ix_plan_grants_payment_id", "plan_grants", ["payment_id"], unique=False)
    op.create_index(
        "ix_plan_grants_stripe_subscription_id",
        "plan_grants",
        ["stripe_subscription_id"],
        unique=False,
    )
    op.create_table(
        "refund_requests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("stripe_refund_id", sa.Text(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("make_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("make_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "status IN ('requested', 'approved', 'made', 'failed', 'rejected')",
            name=op.f("ck_refund_requests_status_known"),
        ),
        sa.CheckConstraint("amount_cents > 0", name=op.f("ck_refund_requests_amount_positive")),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_refund_requests_payment_id_payments")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refund_requests")),
        sa.UniqueConstraint("stripe_refund_id", name=op.f("uq_refund_requests_stripe_refund_id")),
    )
    op.create_index(
        "ix_refund_requests_make_at",
        "refund_requests",
        ["make_at"],
        unique=False,
        postgresql_where=sa.text("status = 'approved'"),
    )
    op.create_index(
        "uq_refund_requests_in_the_making",
        "refund_requests",
        ["payment_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('requested', 'approved')"),
    )
    op.create_table(
        "refunds",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("stripe_payment_intent_id", sa.Text(), nullable=True),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.Column("request_id", sa.Uuid(), nullable=True),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("failure_reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("match_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("match_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_refunds_payment_id_payments")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refunds")),
    )
    op.create_index(
        "ix_refunds_match_at",
        "refunds",
        ["match_at"],
        unique=False,
        postgresql_where=sa.text("payment_id IS NULL AND match_at IS NOT NULL"),
    )
    op.create_index("ix_refunds_payment_id", "refunds", ["payment_id"], unique=False)
    op.create_index(
        "ix_refunds_stripe_payment_intent_id", "refunds", ["stripe_payment_intent_id"], unique=False
    )
    op.create_table(
        "refund_steps",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["refund_requests.id"],
            name=op.f("fk_refund_steps_request_id_refund_requests"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refund_steps")),
    )
    op.create_index("ix_refund_steps_request_id", "refund_steps", ["request_id"], unique=False)
    op.add_column("payments", sa.Column("stripe_invoice_id", sa.Text(), nullable=True))
    op.add_column("payments", sa.Column("stripe_subscription_id", sa.Text(), nullable=True))
    op.add_column("payments", sa.Column("price_id", sa.Text(), nullable=True))
    op.add_column("payments", sa.Column("subtotal_cents", sa.BigInteger(), nullable=True))
    op.add_column(
        "payments", sa.Column("refund_taken", sa.BigInteger(), server_default="0", nullable=False)
    )
    op.add_column(
        "payments", sa.Column("dispute_taken", sa.BigInteger(), server_default="0", nullable=False)
    )
    op.add_column("payments", sa.Column("granted_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("payments", sa.Column("opened_account", sa.Boolean(), nullable=True))
    op.add_column("payments", sa.Column("email_state", sa.Text(), nullable=True))
    op.add_column("payments", sa.Column("identify_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "payments", sa.Column("identify_count", sa.BigInteger(), server_default="0", nullable=False)
    )
    op.add_column("payments", sa.Column("correlation_id", sa.Uuid(), nullable=True))
    op.add_column("payments", sa.Column("traceparent", sa.Text(), nullable=True))
    op.alter_column(
        "payments", "stripe_checkout_session_id", existing_type=sa.TEXT(), nullable=True
    )
    op.create_index(
        "ix_payments_arrived",
        "payments",
        ["identify_at"],
        unique=False,
        postgresql_where=sa.text("status = 'arrived'"),
    )
    op.create_index(
        "ix_payments_stripe_payment_intent_id",
        "payments",
        ["stripe_payment_intent_id"],
        unique=False,
        postgresql_where=sa.text("stripe_payment_intent_id IS NOT NULL"),
    )
    op.create_index(
        "ix_payments_stripe_subscription_id",
        "payments",
        ["stripe_subscription_id"],
        unique=False,
        postgresql_where=sa.text("stripe_subscription_id IS NOT NULL"),
    )
    op.create_unique_constraint(
        op.f("uq_payments_stripe_invoice_id"), "payments", ["stripe_invoice_id"]
    )
    for name, condition in CHECKS.items():
        op.create_check_constraint(op.f(f"ck_payments_{name}"), "payments", condition)
    op.execute("UPDATE payments SET granted_at = paid_at WHERE status = 'granted'")
    for chore in CHORES:
        op.execute(f"INSERT INTO chores (name, due_at) VALUES ('{chore}', now())")
    op.execute(
        "INSERT INTO proofs (subject, position, found, broken, began_at, due_at) VALUES"
        " ('plan_grants', '00000000-0000-0000-0000-000000000000', '{}', '{}', now(), now())"
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION forbid_change()"
        )
        op.execute(
            f"CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION forbid_change()"
        )


def downgrade() -> None:
    for name in CHECKS:
        op.drop_constraint(op.f(f"ck_payments_{name}"), "payments")
    op.execute("DELETE FROM proofs WHERE subject = 'plan_grants'")
    op.execute("DELETE FROM payments WHERE stripe_checkout_session_id IS NULL")
    op.drop_constraint(op.f("uq_payments_stripe_invoice_id"), "payments", type_="unique")
    op.drop_index(
        "ix_payments_stripe_subscription_id",
        table_name="payments",
        postgresql_where=sa.text("stripe_subscription_id IS NOT NULL"),
    )
    op.drop_index(
        "ix_payments_stripe_payment_intent_id",
        table_name="payments",
        postgresql_where=sa.text("stripe_payment_intent_id IS NOT NULL"),
    )
    op.drop_index(
        "ix_payments_arrived", table_name="payments", postgresql_where=sa.text("status = 'arrived'")
    )
    op.alter_column(
        "payments", "stripe_checkout_session_id", existing_type=sa.TEXT(), nullable=False
    )
    op.drop_column("payments", "traceparent")
    op.drop_column("payments", "correlation_id")
    op.drop_column("payments", "identify_count")
    op.drop_column("payments", "identify_at")
    op.drop_column("payments", "email_state")
    op.drop_column("payments", "opened_account")
    op.drop_column("payments", "granted_at")
    op.drop_column("payments", "dispute_taken")
    op.drop_column("payments", "refund_taken")
    op.drop_column("payments", "subtotal_cents")
    op.drop_column("payments", "price_id")
    op.drop_column("payments", "stripe_subscription_id")
    op.drop_column("payments", "stripe_invoice_id")
    op.drop_index("ix_refund_steps_request_id", table_name="refund_steps")
    op.drop_table("refund_steps")
    op.drop_index("ix_refunds_stripe_payment_intent_id", table_name="refunds")
    op.drop_index("ix_refunds_payment_id", table_name="refunds")
    op.drop_index(
        "ix_refunds_match_at",
        table_name="refunds",
        postgresql_where=sa.text("payment_id IS NULL AND match_at IS NOT NULL"),
    )
    op.drop_table("refunds")
    op.drop_index(
        "uq_refund_requests_in_the_making",
        table_name="refund_requests",
        postgresql_where=sa.text("status IN ('requested', 'approved')"),
    )
    op.drop_index(
        "ix_refund_requests_make_at",
        table_name="refund_requests",
        postgresql_where=sa.text("status = 'approved'"),
    )
    op.drop_table("refund_requests")
    op.drop_index("ix_plan_grants_stripe_subscription_id", table_name="plan_grants")
    op.drop_index("ix_plan_grants_payment_id", table_name="plan_grants")
    op.drop_index(
        "ix_plan_grants_due",
        table_name="plan_grants",
        postgresql_where=sa.text("status = 'waiting'"),
    )
    op.drop_table("plan_grants")
    op.drop_index("ix_disputes_stripe_payment_intent_id", table_name="disputes")
    op.drop_index("ix_disputes_payment_id", table_name="disputes")
    op.drop_index(
        "ix_disputes_match_at",
        table_name="disputes",
        postgresql_where=sa.text("payment_id IS NULL AND match_at IS NOT NULL"),
    )
    op.drop_table("disputes")
    op.drop_index("ix_charges_stripe_payment_intent_id", table_name="charges")
    op.drop_index("ix_charges_payment_id", table_name="charges")
    op.drop_index(
        "ix_charges_match_at",
        table_name="charges",
        postgresql_where=sa.text("payment_id IS NULL AND match_at IS NOT NULL"),
    )
    op.drop_table("charges")
    op.drop_index("ix_subscriptions_user_id", table_name="subscriptions")
    op.drop_index(
        "ix_subscriptions_unowned",
        table_name="subscriptions",
        postgresql_where=sa.text("user_id IS NULL"),
    )
    op.drop_index("ix_subscriptions_stripe_customer_id", table_name="subscriptions")
    op.drop_index(
        "ix_subscriptions_grace_until",
        table_name="subscriptions",
        postgresql_where=sa.text("grace_until IS NOT NULL AND paused_at IS NULL"),
    )
    op.drop_index(
        "ix_subscriptions_ask_at",
        table_name="subscriptions",
        postgresql_where=sa.text("ask_at IS NOT NULL"),
    )
    op.drop_table("subscriptions")
    op.drop_index("ix_reconciliations_scope_id", table_name="reconciliations")
    op.drop_table("reconciliations")
    op.drop_table("products")
    op.drop_index("ix_prices_product_id", table_name="prices")
    op.drop_table("prices")
    op.drop_table("payment_links")
    op.drop_index(
        "ix_invoices_unfinished",
        table_name="invoices",
        postgresql_where=sa.text("status IN ('draft', 'open')"),
    )
    op.drop_index("ix_invoices_stripe_customer_id_id", table_name="invoices")
    op.drop_table("invoices")
    op.drop_index("ix_invoice_payments_stripe_invoice_id", table_name="invoice_payments")
    op.drop_table("invoice_payments")
    op.drop_index(
        "ix_customers_tell_at",
        table_name="customers",
        postgresql_where=sa.text("tell_at IS NOT NULL"),
    )
    op.drop_table("customers")
    op.drop_table("chores")
    op.drop_index(
        "uq_checkouts_open",
        table_name="checkouts",
        postgresql_where=sa.text("is_open AND user_id IS NOT NULL"),
    )
    op.drop_index(
        "ix_checkouts_to_end",
        table_name="checkouts",
        postgresql_where=sa.text("end_at IS NOT NULL"),
    )
    op.drop_index(
        "ix_checkouts_stripe_subscription_id",
        table_name="checkouts",
        postgresql_where=sa.text("stripe_subscription_id IS NOT NULL"),
    )
    op.drop_table("checkouts")
