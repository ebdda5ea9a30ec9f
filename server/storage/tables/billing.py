"""Payments, refunds, the ledger and settlement."""

from sqlalchemy import Column, Index, Integer, String, Table, UniqueConstraint

from server.storage.columns import Instant, code, key, ref
from server.storage.sealed import Sealed
from server.storage.tables.metadata import metadata

payment = Table(
    "payment",
    metadata,
    key("payment_id"),  # also our number at the provider (out_trade_no)
    ref("order_id", "t_order.order_id", index=True),
    ref("user_id", "t_user.user_id", index=True),
    Column("method", code(16), nullable=False),
    Column("channel", code(8)),
    Column("amount_fen", Integer, nullable=False),
    Column("currency", code(3), nullable=False, server_default="CNY"),
    Column("status", code(16), nullable=False),  # processing, succeeded, failed, closed, refunded
    Column("live_key", code(32), unique=True),  # the order while processing: one attempt at a time
    Column("voucher", Sealed("payment.voucher")),
    Column("transaction_id", code(64)),
    Column("failure_code", code(64)),
    Column("created_at", Instant, nullable=False),
    Column("paid_at", Instant),
    Column("closed_at", Instant),
    Column("checked_at", Instant),
    Column("next_check_at", Instant),  # when to ask the provider by ourselves
    Column("checks", Integer, nullable=False, server_default="0"),
    UniqueConstraint("method", "transaction_id"),
    Index(None, "status", "next_check_at"),
)

# Notifications that were applied; the same id again changes nothing.
payment_notification = Table(
    "payment_notification",
    metadata,
    Column("provider", code(16), primary_key=True),
    Column("notification_id", code(64), primary_key=True),
    Column("payment_id", code()),
    Column("outcome", code(32), nullable=False),
    Column("received_at", Instant, nullable=False),
)

refund = Table(
    "refund",
    metadata,
    key("refund_id"),  # also our number at the provider: retried with the same one
    ref("payment_id", "payment.payment_id"),
    ref("order_id", "t_order.order_id", index=True),
    Column("amount_fen", Integer, nullable=False),
    Column("kind", code(16), nullable=False),  # full, partial, late_payment, second_payment
    Column("reason", String(200), nullable=False),
    Column("status", code(16), nullable=False),  # requested, processing, succeeded, failed
    Column("created_at", Instant, nullable=False),
    Column("succeeded_at", Instant),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_try_at", Instant),
    Column("failure_code", code(64)),
    UniqueConstraint("payment_id", "kind"),
    Index(None, "status", "next_try_at"),
)

# Double entry: the amounts of one posting sum to zero.
ledger_entry = Table(
    "ledger_entry",
    metadata,
    key("entry_id"),
    Column("posting", code(80), nullable=False),  # what happened, e.g. "payment/<id>"
    ref("order_id", "t_order.order_id", index=True),
    Column("account", code(32), nullable=False),
    Column("amount_fen", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    UniqueConstraint("posting", "account"),
)

settlement = Table(
    "settlement",
    metadata,
    ref("order_id", "t_order.order_id", primary_key=True),
    ref("caregiver_id", "t_caregiver_info.caregiver_id"),
    Column("gross_fen", Integer, nullable=False),
    Column("commission_fen", Integer, nullable=False),
    Column("adjustment_fen", Integer, nullable=False, server_default="0"),
    Column("net_fen", Integer, nullable=False),
    Column("status", code(16), nullable=False),  # frozen, available, paid, held
    Column("earned_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("settled_at", Instant),
    Index(None, "caregiver_id", "earned_at"),
    Index(None, "status", "due_at"),
)
