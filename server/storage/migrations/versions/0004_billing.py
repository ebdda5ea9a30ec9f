"""Payments, refunds and the ledger."""

import sqlalchemy as sa
from alembic import op

from server.storage.columns import Instant, code
from server.storage.sealed import Sealed

revision = "0004_billing"
down_revision = "0003_booking"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "payment_notification",
        sa.Column("provider", code(16), nullable=False),
        sa.Column("notification_id", code(64), nullable=False),
        sa.Column("payment_id", code(32), nullable=True),
        sa.Column("outcome", code(32), nullable=False),
        sa.Column("received_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("provider", "notification_id", name=op.f("pk_payment_notification")),
    )
    op.create_table(
        "sandbox_letter",
        sa.Column("letter_id", code(32), nullable=False),
        sa.Column("provider", code(16), nullable=False),
        sa.Column("url", sa.String(length=255), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", Instant(), nullable=True),
        sa.Column("delivered_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("letter_id", name=op.f("pk_sandbox_letter")),
    )
    op.create_index(op.f("ix_sandbox_letter_due_at"), "sandbox_letter", ["due_at"], unique=False)
    op.create_table(
        "sandbox_refund",
        sa.Column("out_refund_no", code(32), nullable=False),
        sa.Column("out_trade_no", code(32), nullable=False),
        sa.Column("amount_fen", sa.Integer(), nullable=False),
        sa.Column("state", code(16), nullable=False),
        sa.Column("settle_at", Instant(), nullable=False),
        sa.Column("success_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("out_refund_no", name=op.f("pk_sandbox_refund")),
    )
    op.create_index(op.f("ix_sandbox_refund_out_trade_no"), "sandbox_refund", ["out_trade_no"], unique=False)
    op.create_index(op.f("ix_sandbox_refund_state_settle_at"), "sandbox_refund", ["state", "settle_at"], unique=False)
    op.create_table(
        "sandbox_trade",
        sa.Column("out_trade_no", code(32), nullable=False),
        sa.Column("provider", code(16), nullable=False),
        sa.Column("transaction_id", code(64), nullable=False),
        sa.Column("amount_fen", sa.Integer(), nullable=False),
        sa.Column("currency", code(3), nullable=False),
        sa.Column("notify_url", sa.String(length=255), nullable=False),
        sa.Column("state", code(16), nullable=False),
        sa.Column("refunded_fen", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("approve_at", Instant(), nullable=True),
        sa.Column("success_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("out_trade_no", name=op.f("pk_sandbox_trade")),
        sa.UniqueConstraint("transaction_id", name=op.f("uq_sandbox_trade_transaction_id")),
    )
    op.create_index(op.f("ix_sandbox_trade_state_approve_at"), "sandbox_trade", ["state", "approve_at"], unique=False)
    op.create_table(
        "ledger_entry",
        sa.Column("entry_id", code(32), nullable=False),
        sa.Column("posting", code(80), nullable=False),
        sa.Column("order_id", code(32), nullable=False),
        sa.Column("account", code(32), nullable=False),
        sa.Column("amount_fen", sa.Integer(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["t_order.order_id"], name=op.f("fk_ledger_entry_order_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_ledger_entry")),
        sa.UniqueConstraint("posting", "account", name=op.f("uq_ledger_entry_posting_account")),
    )
    op.create_index(op.f("ix_ledger_entry_order_id"), "ledger_entry", ["order_id"], unique=False)
    op.create_table(
        "payment",
        sa.Column("payment_id", code(32), nullable=False),
        sa.Column("order_id", code(32), nullable=False),
        sa.Column("user_id", code(32), nullable=False),
        sa.Column("method", code(16), nullable=False),
        sa.Column("channel", code(8), nullable=True),
        sa.Column("amount_fen", sa.Integer(), nullable=False),
        sa.Column("currency", code(3), server_default="CNY", nullable=False),
        sa.Column("status", code(16), nullable=False),
        sa.Column("live_key", code(32), nullable=True),
        sa.Column("voucher", Sealed("payment.voucher"), nullable=True),
        sa.Column("attempt_key", code(64), nullable=True),
        sa.Column("transaction_id", code(64), nullable=True),
        sa.Column("failure_code", code(64), nullable=True),
        sa.Column("refunded_fen", sa.Integer(), server_default="0", nullable=False),
        sa.Column("refund_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("returned_fen", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("paid_at", Instant(), nullable=True),
        sa.Column("provider_paid_at", sa.String(length=64), nullable=True),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.Column("checked_at", Instant(), nullable=True),
        sa.Column("next_check_at", Instant(), nullable=True),
        sa.Column("checks", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["t_order.order_id"], name=op.f("fk_payment_order_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["t_user.user_id"], name=op.f("fk_payment_user_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("payment_id", name=op.f("pk_payment")),
        sa.UniqueConstraint("live_key", name=op.f("uq_payment_live_key")),
        sa.UniqueConstraint("method", "transaction_id", name=op.f("uq_payment_method_transaction_id")),
    )
    op.create_index(op.f("ix_payment_order_id"), "payment", ["order_id"], unique=False)
    op.create_index(op.f("ix_payment_status_next_check_at"), "payment", ["status", "next_check_at"], unique=False)
    op.create_index(op.f("ix_payment_user_id"), "payment", ["user_id"], unique=False)
    op.create_table(
        "settlement",
        sa.Column("order_id", code(32), nullable=False),
        sa.Column("caregiver_id", code(32), nullable=False),
        sa.Column("gross_fen", sa.Integer(), nullable=False),
        sa.Column("commission_fen", sa.Integer(), nullable=False),
        sa.Column("adjustment_fen", sa.Integer(), server_default="0", nullable=False),
        sa.Column("net_fen", sa.Integer(), nullable=False),
        sa.Column("status", code(16), nullable=False),
        sa.Column("earned_at", Instant(), nullable=False),
        sa.Column("due_at", Instant(), nullable=False),
        sa.Column("settled_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(
            ["caregiver_id"],
            ["t_caregiver_info.caregiver_id"],
            name=op.f("fk_settlement_caregiver_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["t_order.order_id"], name=op.f("fk_settlement_order_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_settlement")),
    )
    op.create_index(
        op.f("ix_settlement_caregiver_id_earned_at"), "settlement", ["caregiver_id", "earned_at"], unique=False
    )
    op.create_index(op.f("ix_settlement_status_due_at"), "settlement", ["status", "due_at"], unique=False)
    op.create_table(
        "refund",
        sa.Column("refund_id", code(32), nullable=False),
        sa.Column("payment_id", code(32), nullable=False),
        sa.Column("order_id", code(32), nullable=False),
        sa.Column("amount_fen", sa.Integer(), nullable=False),
        sa.Column("kind", code(16), nullable=False),
        sa.Column("reason", Sealed("refund.reason"), nullable=False),
        sa.Column("status", code(16), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("succeeded_at", Instant(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_try_at", Instant(), nullable=True),
        sa.Column("failure_code", code(64), nullable=True),
        sa.ForeignKeyConstraint(
            ["order_id"], ["t_order.order_id"], name=op.f("fk_refund_order_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payment.payment_id"], name=op.f("fk_refund_payment_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("refund_id", name=op.f("pk_refund")),
    )
    op.create_index(op.f("ix_refund_order_id"), "refund", ["order_id"], unique=False)
    op.create_index(op.f("ix_refund_payment_id"), "refund", ["payment_id"], unique=False)
    op.create_index(op.f("ix_refund_status_next_try_at"), "refund", ["status", "next_try_at"], unique=False)


def downgrade() -> None:
    op.drop_table("refund")
    op.drop_table("settlement")
    op.drop_table("payment")
    op.drop_table("ledger_entry")
    op.drop_table("sandbox_trade")
    op.drop_table("sandbox_refund")
    op.drop_table("sandbox_letter")
    op.drop_table("payment_notification")
