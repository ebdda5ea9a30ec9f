"""Payments, refunds, the ledger and settlement."""

from sqlalchemy import Column, Index, Integer, String, Table, Text, UniqueConstraint

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
    Column("attempt_key", code(64)),  # of whoever asked: the same request again goes on with this row
    Column("transaction_id", code(64)),
    Column("failure_code", code(64)),
    Column("refunded_fen", Integer, nullable=False, server_default="0"),  # asked for; never above the amount
    Column("refund_count", Integer, nullable=False, server_default="0"),
    Column("returned_fen", Integer, nullable=False, server_default="0"),  # has gone back
    Column("created_at", Instant, nullable=False),
    Column("paid_at", Instant),
    Column("provider_paid_at", String(64)),  # as the provider wrote it
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
    ref("payment_id", "payment.payment_id", index=True),
    ref("order_id", "t_order.order_id", index=True),
    Column("amount_fen", Integer, nullable=False),
    Column("kind", code(16), nullable=False),  # full, partial, late_payment, second_payment
    Column("reason", Sealed("refund.reason"), nullable=False),
    Column("status", code(16), nullable=False),  # requested, processing, succeeded, failed
    Column("created_at", Instant, nullable=False),
    Column("succeeded_at", Instant),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_try_at", Instant),
    Column("failure_code", code(64)),
    Index(None, "status", "next_try_at"),
)

# What administrators want to give back; above a limit a second one must agree before anything moves.
refund_request = Table(
    "refund_request",
    metadata,
    key("request_id"),
    ref("order_id", "t_order.order_id", index=True),
    Column("amount_fen", Integer, nullable=False),
    Column("borne_by", code(16), nullable=False),  # shared, platform
    Column("reason", Sealed("refund_request.reason"), nullable=False),
    Column("state", code(16), nullable=False),  # waiting, approved, rejected
    Column("live_key", code(32), unique=True),  # the order while waiting: one at a time
    Column("requested_by", code(), nullable=False),
    Column("requested_at", Instant, nullable=False),
    Column("decided_by", code()),
    Column("decided_at", Instant),
    Column("decision_reason", Sealed("refund_request.decision_reason")),
    Column("refund_id", code()),
    Index(None, "state", "requested_at"),
    Index(None, "requested_at"),
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
    Index(None, "account", "at", "amount_fen"),  # what a day brought, without reading an entry
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

# The sandbox's payment provider keeps its own books: nothing of ours reads them (contract.md §9).
sandbox_trade = Table(
    "sandbox_trade",
    metadata,
    Column("out_trade_no", code(), primary_key=True),
    Column("provider", code(16), nullable=False),
    Column("transaction_id", code(64), nullable=False, unique=True),
    Column("amount_fen", Integer, nullable=False),
    Column("currency", code(3), nullable=False),
    Column("notify_url", String(255), nullable=False),
    Column("state", code(16), nullable=False),  # NOTPAY, SUCCESS, PAYERROR, CLOSED, REFUND
    Column("refunded_fen", Integer, nullable=False, server_default="0"),
    Column("created_at", Instant, nullable=False),
    Column("approve_at", Instant),  # approves itself then
    Column("success_at", Instant),
    Index(None, "state", "approve_at"),
)

sandbox_refund = Table(
    "sandbox_refund",
    metadata,
    Column("out_refund_no", code(), primary_key=True),
    Column("out_trade_no", code(), nullable=False, index=True),
    Column("amount_fen", Integer, nullable=False),
    Column("state", code(16), nullable=False),  # PROCESSING, SUCCESS
    Column("settle_at", Instant, nullable=False),
    Column("success_at", Instant),
    Index(None, "state", "settle_at"),
)

# Notifications on their way to us: sent again with growing pauses until they are taken.
sandbox_letter = Table(
    "sandbox_letter",
    metadata,
    key("letter_id"),
    Column("provider", code(16), nullable=False),
    Column("url", String(255), nullable=False),
    Column("body", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("due_at", Instant, index=True),  # null: delivered or given up
    Column("delivered_at", Instant),
)
