"""Staff's side."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "7c1e0b52d9a4"
down_revision = "93f338873c60"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "customer_terms",
        sa.Column(
            "term",
            sa.String(length=100).with_variant(sa.String(length=100, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("customer_id", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("term", "customer_id", name=op.f("pk_customer_terms")),
    )
    with op.batch_alter_table("customer_terms", schema=None) as batch_op:
        batch_op.create_index(
            "ix_customer_terms_customer_id_term", ["customer_id", "term"], unique=False
        )

    op.create_table(
        "failed_payments",
        sa.Column("invoice_id", sa.String(length=255), nullable=False),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("invoice_id", name=op.f("pk_failed_payments")),
    )
    with op.batch_alter_table("failed_payments", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_failed_payments_failed_at"), ["failed_at"], unique=False
        )

    op.create_table(
        "held_discounts",
        sa.Column("discount_id", sa.String(length=255), nullable=False),
        sa.Column("holder_id", sa.String(length=255), nullable=False),
        sa.Column("customer_id", sa.String(length=255), nullable=False),
        sa.Column("coupon_id", sa.String(length=255), nullable=False),
        sa.Column("promotion_code_id", sa.String(length=255), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("discount_id", name=op.f("pk_held_discounts")),
    )
    with op.batch_alter_table("held_discounts", schema=None) as batch_op:
        batch_op.create_index(
            "ix_held_discounts_coupon", ["coupon_id", "started_at", "discount_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_held_discounts_holder_id"), ["holder_id"], unique=False
        )
        batch_op.create_index(
            "ix_held_discounts_promotion_code",
            ["promotion_code_id", "started_at", "discount_id"],
            unique=False,
        )

    op.create_table(
        "payment_references",
        sa.Column("stripe_id", sa.String(length=255), nullable=False),
        sa.Column("customer_id", sa.String(length=255), nullable=False),
        sa.Column("invoice_id", sa.String(length=255), nullable=True),
        sa.PrimaryKeyConstraint("stripe_id", name=op.f("pk_payment_references")),
    )
    with op.batch_alter_table("payment_references", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_payment_references_customer_id"), ["customer_id"], unique=False
        )

    op.create_table(
        "stripe_calls",
        sa.Column("minute", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("within_ms", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_ms", sa.Integer(), nullable=False),
        sa.Column("skew_seconds", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("minute", "outcome", "within_ms", name=op.f("pk_stripe_calls")),
    )
    op.create_table(
        "subscription_states",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("subscription_id", sa.String(length=255), nullable=False),
        sa.Column("customer_id", sa.String(length=255), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(length=30), nullable=False),
        sa.Column("product_id", sa.String(length=255), nullable=True),
        sa.Column("price_id", sa.String(length=255), nullable=True),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("interval", sa.String(length=10), nullable=True),
        sa.Column("interval_count", sa.Integer(), nullable=True),
        sa.Column("mrr", sa.BigInteger(), nullable=False),
        sa.Column("is_trial", sa.Boolean(), nullable=False),
        sa.Column("not_counted", sa.Integer(), nullable=False),
        sa.Column("is_seen", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscription_states")),
        sa.UniqueConstraint(
            "subscription_id", "at", name=op.f("uq_subscription_states_subscription_id")
        ),
    )
    with op.batch_alter_table("subscription_states", schema=None) as batch_op:
        batch_op.create_index(
            "ix_subscription_states_read", ["customer_id", "subscription_id", "at"], unique=False
        )

    op.create_table(
        "task_runs",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("duration_ms", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("failures_in_a_row", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_task_runs")),
    )
    op.create_table(
        "credit_note_refunds",
        sa.Column("stripe_id", sa.String(length=520), nullable=False),
        sa.Column("credit_note_id", sa.String(length=255), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("refund_id", sa.String(length=255), nullable=True),
        sa.Column("amount_refunded", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.ForeignKeyConstraint(
            ["credit_note_id"],
            ["credit_notes.stripe_id"],
            name=op.f("fk_credit_note_refunds_credit_note_id_credit_notes"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("stripe_id", name=op.f("pk_credit_note_refunds")),
    )
    with op.batch_alter_table("credit_note_refunds", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_credit_note_refunds_credit_note_id"), ["credit_note_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_credit_note_refunds_refund_id"), ["refund_id"], unique=False
        )

    op.create_table(
        "customer_views",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_customer_views_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("fk_customer_views_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_views")),
    )
    with op.batch_alter_table("customer_views", schema=None) as batch_op:
        batch_op.create_index("ix_customer_views_ended_ends", ["ended_at", "ends_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_customer_views_user_id"), ["user_id"], unique=False)

    op.create_table(
        "export_presets",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("rows", sa.String(length=40), nullable=False),
        sa.Column(
            "columns", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("fk_export_presets_user_id_users"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_export_presets")),
        sa.UniqueConstraint("name", name=op.f("uq_export_presets_name")),
    )
    op.create_table(
        "export_runs",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("rows_of", sa.String(length=40), nullable=False),
        sa.Column("layout", sa.String(length=80), nullable=False),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("search", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("rows_expected", sa.Integer(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("fk_export_runs_user_id_users"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_export_runs")),
    )
    with op.batch_alter_table("export_runs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_export_runs_started_at"), ["started_at"], unique=False)

    op.create_table(
        "invoice_payments",
        sa.Column("stripe_id", sa.String(length=255), nullable=False),
        sa.Column("invoice_id", sa.String(length=255), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("amount_paid", sa.BigInteger(), nullable=True),
        sa.Column("payment_intent_id", sa.String(length=255), nullable=True),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("data", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.ForeignKeyConstraint(
            ["invoice_id"],
            ["invoices.stripe_id"],
            name=op.f("fk_invoice_payments_invoice_id_invoices"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("stripe_id", name=op.f("pk_invoice_payments")),
    )
    with op.batch_alter_table("invoice_payments", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_invoice_payments_invoice_id"), ["invoice_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_invoice_payments_payment_intent_id"), ["payment_intent_id"], unique=False
        )

    op.create_table(
        "plan_drafts",
        sa.Column("product_id", sa.String(length=255), nullable=False),
        sa.Column("is_new", sa.Boolean(), nullable=False),
        sa.Column(
            "values", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.Column("base", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column(
            "steps", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_by_id", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["updated_by_id"],
            ["users.id"],
            name=op.f("fk_plan_drafts_updated_by_id_users"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("product_id", name=op.f("pk_plan_drafts")),
    )
    op.create_table(
        "price_changes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("product_id", sa.String(length=255), nullable=False),
        sa.Column("price_id", sa.String(length=255), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column(
            "old_amounts", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.Column(
            "new_amounts", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.Column("makes_price", sa.Boolean(), nullable=False),
        sa.Column("new_price_id", sa.String(length=255), nullable=True),
        sa.Column("rule", sa.String(length=20), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("notice_days", sa.Integer(), nullable=False),
        sa.Column("who", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_by_id", sa.Integer(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("idempotency_key", sa.String(length=100), nullable=False),
        sa.Column("launch_attempts", sa.Integer(), nullable=False),
        sa.Column("launch_next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lookup_key", sa.String(length=255), nullable=True),
        sa.Column("was_default", sa.Boolean(), nullable=True),
        sa.Column("default_moved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["confirmed_by_id"],
            ["users.id"],
            name=op.f("fk_price_changes_confirmed_by_id_users"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"],
            ["users.id"],
            name=op.f("fk_price_changes_created_by_id_users"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_changes")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_price_changes_idempotency_key")),
    )
    with op.batch_alter_table("price_changes", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_price_changes_created_at"), ["created_at"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_price_changes_new_price_id"), ["new_price_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_price_changes_price_id"), ["price_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_price_changes_product_id"), ["product_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_price_changes_status"), ["status"], unique=False)
        batch_op.create_index(
            "uq_price_changes_running",
            ["price_id"],
            unique=True,
            sqlite_where=sa.text("status IN ('launching', 'moving', 'paused')"),
            postgresql_where=sa.text("status IN ('launching', 'moving', 'paused')"),
        )

    op.create_table(
        "search_terms",
        sa.Column(
            "term",
            sa.String(length=100).with_variant(sa.String(length=100, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_search_terms_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("term", "account_id", name=op.f("pk_search_terms")),
    )
    with op.batch_alter_table("search_terms", schema=None) as batch_op:
        batch_op.create_index(
            "ix_search_terms_account_id_term", ["account_id", "term"], unique=False
        )

    op.create_table(
        "staff_actions",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("idempotency_key", sa.String(length=255), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column(
            "params", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.Column(
            "before", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True
        ),
        sa.Column(
            "result", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True
        ),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("spent_keys", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_staff_actions_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("fk_staff_actions_user_id_users"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_actions")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_staff_actions_idempotency_key")),
    )
    with op.batch_alter_table("staff_actions", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_staff_actions_account_id"), ["account_id"], unique=False
        )
        batch_op.create_index("ix_staff_actions_status_asked", ["status", "asked_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_staff_actions_subject"), ["subject"], unique=False)
        batch_op.create_index(
            "uq_staff_actions_asked",
            ["subject"],
            unique=True,
            sqlite_where=sa.text("status = 'asked'"),
            postgresql_where=sa.text("status = 'asked'"),
        )

    op.create_table(
        "price_moves",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("change_id", sa.Integer(), nullable=False),
        sa.Column("subscription_id", sa.String(length=255), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=True),
        sa.Column("reason_detail", sa.String(length=200), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=True),
        sa.Column("amount_before", sa.BigInteger(), nullable=True),
        sa.Column("amount_after", sa.BigInteger(), nullable=True),
        sa.Column("moves_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("schedule_id", sa.String(length=255), nullable=True),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("scheduled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("noticed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("noticed_for", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_price_moves_account_id_accounts"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["change_id"],
            ["price_changes.id"],
            name=op.f("fk_price_moves_change_id_price_changes"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_moves")),
        sa.UniqueConstraint("change_id", "subscription_id", name=op.f("uq_price_moves_change_id")),
    )
    with op.batch_alter_table("price_moves", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_price_moves_account_id"), ["account_id"], unique=False)
        batch_op.create_index(
            "ix_price_moves_change_status", ["change_id", "status", "id"], unique=False
        )
        batch_op.create_index("ix_price_moves_due", ["status", "next_attempt_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_price_moves_moves_at"), ["moves_at"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_price_moves_subscription_id"), ["subscription_id"], unique=False
        )

    with op.batch_alter_table("access_decisions", schema=None) as batch_op:
        batch_op.create_index(
            "ix_access_decisions_account_at", ["account_id", "at", "id"], unique=False
        )

    with op.batch_alter_table("audit_entries", schema=None) as batch_op:
        batch_op.add_column(sa.Column("done_by", sa.String(length=100), nullable=True))
        batch_op.drop_index(batch_op.f("ix_audit_entries_account_id"))
        batch_op.drop_index(batch_op.f("ix_audit_entries_action"))
        batch_op.create_index("ix_audit_entries_account_id_at", ["account_id", "at"], unique=False)
        batch_op.create_index("ix_audit_entries_action_at", ["action", "at"], unique=False)
        batch_op.create_index("ix_audit_entries_user_id_at", ["user_id", "at"], unique=False)

    with op.batch_alter_table("credit_notes", schema=None) as batch_op:
        batch_op.add_column(sa.Column("total_excluding_tax", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("effective_at", sa.DateTime(timezone=True), nullable=True))

    with op.batch_alter_table("invoice_lines", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("discount", sa.BigInteger(), server_default="0", nullable=False)
        )
        batch_op.add_column(sa.Column("tax", sa.BigInteger(), server_default="0", nullable=False))
        batch_op.add_column(
            sa.Column("tax_included", sa.BigInteger(), server_default="0", nullable=False)
        )

    with op.batch_alter_table("invoices", schema=None) as batch_op:
        batch_op.add_column(sa.Column("total_excluding_tax", sa.BigInteger(), nullable=True))
        batch_op.add_column(
            sa.Column("amount_paid_off_stripe", sa.BigInteger(), server_default="0", nullable=False)
        )
        batch_op.add_column(
            sa.Column("amount_overpaid", sa.BigInteger(), server_default="0", nullable=False)
        )
        batch_op.add_column(sa.Column("ending_balance", sa.BigInteger(), nullable=True))
        batch_op.add_column(
            sa.Column(
                "pre_payment_credit_notes_amount",
                sa.BigInteger(),
                server_default="0",
                nullable=False,
            )
        )
        batch_op.add_column(
            sa.Column(
                "post_payment_credit_notes_amount",
                sa.BigInteger(),
                server_default="0",
                nullable=False,
            )
        )
        batch_op.add_column(sa.Column("customer_name", sa.String(length=512), nullable=True))
        batch_op.add_column(sa.Column("customer_email", sa.String(length=512), nullable=True))
        batch_op.add_column(sa.Column("customer_country", sa.String(length=2), nullable=True))
        batch_op.add_column(sa.Column("effective_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(
            sa.Column("marked_uncollectible_at", sa.DateTime(timezone=True), nullable=True)
        )
        batch_op.drop_index(batch_op.f("ix_invoices_customer_created"))
        batch_op.create_index(
            "ix_invoices_customer_created", ["customer_id", "created", "stripe_id"], unique=False
        )
        batch_op.create_index(
            "ix_invoices_customer_paid", ["customer_id", "paid_at", "stripe_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_invoices_finalized_at"), ["finalized_at"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_invoices_paid_at"), ["paid_at"], unique=False)

    with op.batch_alter_table("outbox_entries", schema=None) as batch_op:
        batch_op.add_column(sa.Column("repeats", sa.Integer(), server_default="0", nullable=False))
        batch_op.drop_index(batch_op.f("ix_outbox_entries_account_id"))
        batch_op.drop_index(batch_op.f("ix_outbox_entries_kind"))
        batch_op.create_index(
            "ix_outbox_entries_account_created", ["account_id", "created_at", "id"], unique=False
        )
        batch_op.create_index("ix_outbox_entries_account_id_id", ["account_id", "id"], unique=False)
        batch_op.create_index("ix_outbox_entries_kind_id", ["kind", "id"], unique=False)
        batch_op.create_index("ix_outbox_entries_status_id", ["status", "id"], unique=False)

    with op.batch_alter_table("products", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "changes_to",
                sa.JSON().with_variant(postgresql.JSONB(), "postgresql"),
                nullable=True,
            )
        )

    with op.batch_alter_table("quote_differences", schema=None) as batch_op:
        batch_op.add_column(sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("resolved_by_id", sa.Integer(), nullable=True))
        batch_op.create_index(
            batch_op.f("ix_quote_differences_resolved_at"), ["resolved_at"], unique=False
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_quote_differences_resolved_by_id_users"),
            "users",
            ["resolved_by_id"],
            ["id"],
            ondelete="SET NULL",
        )

    with op.batch_alter_table("quotes", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("by_staff", sa.Boolean(), server_default=sa.text("(false)"), nullable=False)
        )
        batch_op.add_column(
            sa.Column("prorates", sa.Boolean(), server_default=sa.text("(true)"), nullable=False)
        )

    with op.batch_alter_table("sync_progress", schema=None) as batch_op:
        batch_op.add_column(sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True))

    with op.batch_alter_table("webhook_events", schema=None) as batch_op:
        batch_op.add_column(sa.Column("customer_id", sa.String(length=255), nullable=True))
        batch_op.add_column(sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.drop_index(batch_op.f("ix_webhook_events_type"))
        batch_op.create_index(
            "ix_webhook_events_customer_created", ["customer_id", "created", "id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_webhook_events_received_at"), ["received_at"], unique=False
        )
        batch_op.create_index(
            "ix_webhook_events_status_next", ["status", "next_attempt_at"], unique=False
        )
        batch_op.create_index(
            "ix_webhook_events_type_received", ["type", "received_at"], unique=False
        )


def downgrade():
    with op.batch_alter_table("webhook_events", schema=None) as batch_op:
        batch_op.drop_index("ix_webhook_events_type_received")
        batch_op.drop_index("ix_webhook_events_status_next")
        batch_op.drop_index(batch_op.f("ix_webhook_events_received_at"))
        batch_op.drop_index("ix_webhook_events_customer_created")
        batch_op.create_index(batch_op.f("ix_webhook_events_type"), ["type"], unique=False)
        batch_op.drop_column("next_attempt_at")
        batch_op.drop_column("customer_id")

    with op.batch_alter_table("sync_progress", schema=None) as batch_op:
        batch_op.drop_column("completed_at")

    with op.batch_alter_table("quotes", schema=None) as batch_op:
        batch_op.drop_column("prorates")
        batch_op.drop_column("by_staff")

    with op.batch_alter_table("quote_differences", schema=None) as batch_op:
        batch_op.drop_constraint(
            batch_op.f("fk_quote_differences_resolved_by_id_users"), type_="foreignkey"
        )
        batch_op.drop_index(batch_op.f("ix_quote_differences_resolved_at"))
        batch_op.drop_column("resolved_by_id")
        batch_op.drop_column("resolved_at")

    with op.batch_alter_table("products", schema=None) as batch_op:
        batch_op.drop_column("changes_to")

    with op.batch_alter_table("outbox_entries", schema=None) as batch_op:
        batch_op.drop_index("ix_outbox_entries_status_id")
        batch_op.drop_index("ix_outbox_entries_kind_id")
        batch_op.drop_index("ix_outbox_entries_account_id_id")
        batch_op.drop_index("ix_outbox_entries_account_created")
        batch_op.create_index(batch_op.f("ix_outbox_entries_kind"), ["kind"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_outbox_entries_account_id"), ["account_id"], unique=False
        )
        batch_op.drop_column("repeats")

    with op.batch_alter_table("invoices", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_invoices_paid_at"))
        batch_op.drop_index(batch_op.f("ix_invoices_finalized_at"))
        batch_op.drop_index("ix_invoices_customer_paid")
        batch_op.drop_index("ix_invoices_customer_created")
        batch_op.create_index(
            batch_op.f("ix_invoices_customer_created"), ["customer_id", "created"], unique=False
        )
        batch_op.drop_column("marked_uncollectible_at")
        batch_op.drop_column("effective_at")
        batch_op.drop_column("customer_country")
        batch_op.drop_column("customer_email")
        batch_op.drop_column("customer_name")
        batch_op.drop_column("post_payment_credit_notes_amount")
        batch_op.drop_column("pre_payment_credit_notes_amount")
        batch_op.drop_column("ending_balance")
        batch_op.drop_column("amount_overpaid")
        batch_op.drop_column("amount_paid_off_stripe")
        batch_op.drop_column("total_excluding_tax")

    with op.batch_alter_table("invoice_lines", schema=None) as batch_op:
        batch_op.drop_column("tax_included")
        batch_op.drop_column("tax")
        batch_op.drop_column("discount")

    with op.batch_alter_table("credit_notes", schema=None) as batch_op:
        batch_op.drop_column("effective_at")
        batch_op.drop_column("total_excluding_tax")

    with op.batch_alter_table("audit_entries", schema=None) as batch_op:
        batch_op.drop_index("ix_audit_entries_user_id_at")
        batch_op.drop_index("ix_audit_entries_action_at")
        batch_op.drop_index("ix_audit_entries_account_id_at")
        batch_op.create_index(batch_op.f("ix_audit_entries_action"), ["action"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_audit_entries_account_id"), ["account_id"], unique=False
        )
        batch_op.drop_column("done_by")

    with op.batch_alter_table("access_decisions", schema=None) as batch_op:
        batch_op.drop_index("ix_access_decisions_account_at")

    with op.batch_alter_table("price_moves", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_price_moves_subscription_id"))
        batch_op.drop_index(batch_op.f("ix_price_moves_moves_at"))
        batch_op.drop_index("ix_price_moves_due")
        batch_op.drop_index("ix_price_moves_change_status")
        batch_op.drop_index(batch_op.f("ix_price_moves_account_id"))

    op.drop_table("price_moves")
    with op.batch_alter_table("staff_actions", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_staff_actions_asked",
            sqlite_where=sa.text("status = 'asked'"),
            postgresql_where=sa.text("status = 'asked'"),
        )
        batch_op.drop_index(batch_op.f("ix_staff_actions_subject"))
        batch_op.drop_index("ix_staff_actions_status_asked")
        batch_op.drop_index(batch_op.f("ix_staff_actions_account_id"))

    op.drop_table("staff_actions")
    with op.batch_alter_table("search_terms", schema=None) as batch_op:
        batch_op.drop_index("ix_search_terms_account_id_term")

    op.drop_table("search_terms")
    with op.batch_alter_table("price_changes", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_price_changes_running",
            sqlite_where=sa.text("status IN ('launching', 'moving', 'paused')"),
            postgresql_where=sa.text("status IN ('launching', 'moving', 'paused')"),
        )
        batch_op.drop_index(batch_op.f("ix_price_changes_status"))
        batch_op.drop_index(batch_op.f("ix_price_changes_product_id"))
        batch_op.drop_index(batch_op.f("ix_price_changes_price_id"))
        batch_op.drop_index(batch_op.f("ix_price_changes_new_price_id"))
        batch_op.drop_index(batch_op.f("ix_price_changes_created_at"))

    op.drop_table("price_changes")
    op.drop_table("plan_drafts")
    with op.batch_alter_table("invoice_payments", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_invoice_payments_payment_intent_id"))
        batch_op.drop_index(batch_op.f("ix_invoice_payments_invoice_id"))

    op.drop_table("invoice_payments")
    with op.batch_alter_table("export_runs", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_export_runs_started_at"))

    op.drop_table("export_runs")
    op.drop_table("export_presets")
    with op.batch_alter_table("customer_views", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_customer_views_user_id"))
        batch_op.drop_index("ix_customer_views_ended_ends")

    op.drop_table("customer_views")
    with op.batch_alter_table("credit_note_refunds", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_credit_note_refunds_refund_id"))
        batch_op.drop_index(batch_op.f("ix_credit_note_refunds_credit_note_id"))

    op.drop_table("credit_note_refunds")
    op.drop_table("task_runs")
    with op.batch_alter_table("subscription_states", schema=None) as batch_op:
        batch_op.drop_index("ix_subscription_states_read")

    op.drop_table("subscription_states")
    op.drop_table("stripe_calls")
    with op.batch_alter_table("payment_references", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_payment_references_customer_id"))

    op.drop_table("payment_references")
    with op.batch_alter_table("held_discounts", schema=None) as batch_op:
        batch_op.drop_index("ix_held_discounts_promotion_code")
        batch_op.drop_index(batch_op.f("ix_held_discounts_holder_id"))
        batch_op.drop_index("ix_held_discounts_coupon")

    op.drop_table("held_discounts")
    with op.batch_alter_table("failed_payments", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_failed_payments_failed_at"))

    op.drop_table("failed_payments")
    with op.batch_alter_table("customer_terms", schema=None) as batch_op:
        batch_op.drop_index("ix_customer_terms_customer_id_term")

    op.drop_table("customer_terms")
