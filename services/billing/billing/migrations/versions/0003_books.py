"""The ledger in full: the chain of hashes, debts, pauses, expiry, usage, and the books of each day."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"

APPEND_ONLY = ("reversals",)
SUBJECTS = ("reversals", "debts", "usages")

# What `chain.link` makes of a line, when this was written.
CHAIN = """
WITH RECURSIVE chain AS (
    SELECT a.id AS account_id, 0::bigint AS line, NULL::uuid AS id,
           sha256(convert_to('usr_' || replace(a.user_id::text, '-', ''), 'UTF8')) AS hash
    FROM accounts a
    UNION ALL
    SELECT p.account_id, p.line, p.id, sha256(convert_to(
        '{"amount":' || p.amount || ',"balance_after":' || p.balance_after
        || ',"counterpart":"' || p.counterpart || '","created_at":"'
        || to_char(p.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
        || '","description":' || to_json(p.description)::text
        || ',"id":"txn_' || replace(p.id::text, '-', '') || '","key":' || to_json(p.key)::text
        || ',"kind":"' || p.kind || '","line":' || p.line || ',"payment_id":'
        || coalesce('"pay_' || replace(p.payment_id::text, '-', '') || '"', 'null')
        || ',"previous":"' || encode(c.hash, 'hex') || '","task_id":'
        || coalesce('"task_' || replace(p.task_id::text, '-', '') || '"', 'null') || '}', 'UTF8'))
    FROM chain c JOIN postings p ON p.account_id = c.account_id AND p.line = c.line + 1
)
UPDATE postings SET hash = chain.hash FROM chain WHERE chain.id = postings.id
"""
CHAIN_ENDS = """
UPDATE accounts a SET hash = p.hash FROM postings p WHERE p.account_id = a.id AND p.line = a.line
"""
ORIGINS = "UPDATE lots SET payment_id = p.payment_id FROM postings p WHERE p.id = lots.id"
# The books begin with the first day of which everything is known.
BEGINNING = """
INSERT INTO books (day, closed_at, proved_at)
SELECT (now() AT TIME ZONE 'UTC')::date - CASE WHEN EXISTS (SELECT FROM holds) THEN 0 ELSE 1 END,
       now(), now()
"""


def upgrade() -> None:
    _accounts()
    _postings_and_lots()
    _reversals()
    _usages()
    _books()
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION forbid_change()"
        )
        op.execute(
            f"CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION forbid_change()"
        )


def _accounts() -> None:
    for column in ("paused_remaining", "debt"):
        op.add_column(
            "accounts", sa.Column(column, sa.BigInteger(), nullable=False, server_default="0")
        )
    op.add_column(
        "accounts", sa.Column("is_low", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column(
        "accounts",
        sa.Column(
            "paused",
            sa.BigInteger(),
            sa.Computed("least(paused_remaining, balance - reserved)", persisted=True),
            nullable=False,
        ),
    )
    op.add_column("accounts", sa.Column("hash", sa.LargeBinary(), nullable=True))
    for name, rule in {
        "paused_bounds": "paused_remaining >= 0 AND paused_remaining <= balance",
        "debt_not_negative": "debt >= 0",
        "who_owes_has_nothing": "debt = 0 OR balance = reserved + paused",
    }.items():
        op.create_check_constraint(op.f(f"ck_accounts_{name}"), "accounts", rule)


def _postings_and_lots() -> None:
    op.add_column("postings", sa.Column("hash", sa.LargeBinary(), nullable=True))
    op.execute("ALTER TABLE postings DISABLE TRIGGER append_only")
    op.execute(CHAIN)
    op.execute("ALTER TABLE postings ENABLE TRIGGER append_only")
    op.execute(CHAIN_ENDS)
    op.alter_column("postings", "hash", nullable=False)
    op.create_check_constraint(
        op.f("ck_postings_hash_length"), "postings", "octet_length(hash) = 32"
    )
    op.add_column("lots", sa.Column("payment_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_lots_payment_id_payments"), "lots", "payments", ["payment_id"], ["id"]
    )
    op.add_column("lots", sa.Column("subscription_id", sa.Text(), nullable=True))
    op.add_column(
        "lots", sa.Column("is_paused", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column("lots", sa.Column("notice_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(ORIGINS)
    op.create_index(
        "ix_lots_expiring",
        "lots",
        ["expires_at"],
        postgresql_where=sa.text("remaining > 0 AND expires_at IS NOT NULL"),
    )
    op.create_index(
        "ix_lots_notice_at",
        "lots",
        ["notice_at"],
        postgresql_where=sa.text("remaining > 0 AND notice_at IS NOT NULL"),
    )
    op.create_index(
        "ix_lots_subscription_id",
        "lots",
        ["subscription_id"],
        postgresql_where=sa.text("subscription_id IS NOT NULL"),
    )
    op.create_index("ix_holds_settled_at", "holds", ["settled_at"], postgresql_using="brin")


def _reversals() -> None:
    op.create_table(
        "reversals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("moved", sa.BigInteger(), nullable=False),
        sa.Column("credits", sa.BigInteger(), nullable=False),
        sa.Column("revoked_after", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('refund', 'dispute', 'reinstatement')", name=op.f("ck_reversals_kind_known")
        ),
        sa.CheckConstraint(
            "amount > 0 AND moved >= 0 AND moved <= amount", name=op.f("ck_reversals_moved_bounds")
        ),
        sa.CheckConstraint(
            "revoked_after >= 0 AND revoked_after <= credits",
            name=op.f("ck_reversals_within_payment"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_reversals_account_id_accounts")
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_reversals_payment_id_payments")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reversals")),
        sa.UniqueConstraint("payment_id", "number", name=op.f("uq_reversals_payment_id")),
        sa.UniqueConstraint("key", name=op.f("uq_reversals_key")),
    )
    op.create_table(
        "debts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("repaid", sa.BigInteger(), nullable=False),
        sa.Column("forgiven", sa.BigInteger(), nullable=False),
        sa.Column("repaid_count", sa.BigInteger(), nullable=False),
        sa.Column("account_version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_debts_amount_positive")),
        sa.CheckConstraint(
            "repaid >= 0 AND forgiven >= 0 AND repaid + forgiven <= amount",
            name=op.f("ck_debts_paid_bounds"),
        ),
        sa.ForeignKeyConstraint(["id"], ["reversals.id"], name=op.f("fk_debts_id_reversals")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_debts_account_id_accounts")
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_debts_payment_id_payments")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_debts")),
    )
    op.create_index(
        "ix_debts_open",
        "debts",
        ["account_id"],
        postgresql_where=sa.text("amount > repaid + forgiven"),
    )
    op.create_index("ix_debts_payment_id", "debts", ["payment_id"])


def _usages() -> None:
    op.create_table(
        "usages",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("feature", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("metadata", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_usages_amount_positive")),
        sa.ForeignKeyConstraint(["id"], ["postings.id"], name=op.f("fk_usages_id_postings")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_usages_account_id_accounts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usages")),
    )
    op.create_index("ix_usages_account_id_id", "usages", ["account_id", "id"])
    op.create_index(
        "ix_usages_account_id_feature_id", "usages", ["account_id", "feature", "id"]
    )


def _books() -> None:
    op.add_column("proofs", sa.Column("covers_at", sa.DateTime(timezone=True), nullable=True))
    for subject in SUBJECTS:
        op.execute(
            "INSERT INTO proofs (subject, position, found, broken, began_at, due_at) VALUES"
            f" ('{subject}', '00000000-0000-0000-0000-000000000000', '{{}}', '{{}}', now(), now())"
        )
    op.create_table(
        "books",
        sa.Column("day", sa.Date(), nullable=False),
        *(
            sa.Column(name, sa.BigInteger(), nullable=False, server_default="0")
            for name in ("settled_count", "captured", "released")
        ),
        sa.Column("fingerprint", sa.Text(), nullable=False, server_default=""),
        sa.Column("moved", postgresql.JSONB(), nullable=False, server_default=sa.text("'{}'")),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_count", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("ask_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("compared_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "differences", postgresql.JSONB(), nullable=False, server_default=sa.text("'{}'")
        ),
        sa.Column("proved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("broken", postgresql.JSONB(), nullable=False, server_default=sa.text("'{}'")),
        sa.CheckConstraint(
            "settled_count >= 0 AND captured >= 0 AND released >= 0", name=op.f("ck_books_counts")
        ),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_books")),
    )
    op.create_index(
        "ix_books_ask_at", "books", ["ask_at"], postgresql_where=sa.text("ask_at IS NOT NULL")
    )
    op.create_index(
        "ix_books_unproved", "books", ["day"], postgresql_where=sa.text("proved_at IS NULL")
    )
    op.execute(BEGINNING)
    op.create_table(
        "signing_keys",
        sa.Column("generation", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kid", sa.Text(), nullable=False),
        sa.Column("sealed_private_pem", sa.Text(), nullable=False),
        sa.Column("public_jwk", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("generation", name=op.f("pk_signing_keys")),
        sa.UniqueConstraint("kid", name=op.f("uq_signing_keys_kid")),
    )


def downgrade() -> None:
    op.drop_table("signing_keys")
    op.drop_table("books")
    op.execute(f"DELETE FROM proofs WHERE subject IN {SUBJECTS}")
    op.drop_column("proofs", "covers_at")
    op.drop_table("usages")
    op.drop_table("debts")
    op.drop_table("reversals")
    op.drop_index("ix_holds_settled_at", table_name="holds")
    op.drop_index("ix_lots_notice_at", table_name="lots")
    for column in ("notice_at", "is_paused", "subscription_id", "payment_id"):
        op.drop_column("lots", column)
    op.drop_index("ix_lots_expiring", table_name="lots")
    op.drop_column("postings", "hash")
    for name in ("who_owes_has_nothing", "debt_not_negative", "paused_bounds"):
        op.drop_constraint(op.f(f"ck_accounts_{name}"), "accounts")
    for column in ("hash", "paused", "is_low", "debt", "paused_remaining"):
        op.drop_column("accounts", column)
