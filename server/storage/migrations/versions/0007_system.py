"""Channel log, outbox, idempotency, audit."""

import sqlalchemy as sa
from alembic import op

from server.storage.columns import Instant, code, number
from server.storage.sealed import Sealed

revision = "0007_system"
down_revision = "0006_notices"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_log",
        sa.Column("audit_id", code(32), nullable=False),
        sa.Column("actor_id", code(32), nullable=True),
        sa.Column("actor_type", code(16), nullable=False),
        sa.Column("remote_address", sa.String(length=64), nullable=False),
        sa.Column("action", code(64), nullable=False),
        sa.Column("target", code(64), nullable=False),
        sa.Column("reason", Sealed("audit_log.reason"), nullable=True),
        sa.Column("detail", Sealed("audit_log.detail"), nullable=True),
        sa.Column("request_id", code(32), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("audit_id", name=op.f("pk_audit_log")),
    )
    op.create_index(op.f("ix_audit_log_actor_id_at"), "audit_log", ["actor_id", "at"], unique=False)
    op.create_index(op.f("ix_audit_log_target_at"), "audit_log", ["target", "at"], unique=False)
    op.create_table(
        "behaviour_event",
        sa.Column("event_id", code(32), nullable=False),
        sa.Column("user_id", code(32), nullable=False),
        sa.Column("kind", code(16), nullable=False),
        sa.Column("page", sa.String(length=100), nullable=True),
        sa.Column("detail", Sealed("behaviour_event.detail"), nullable=True),
        sa.Column("entered_at", Instant(), nullable=False),
        sa.Column("duration_ms", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_behaviour_event")),
    )
    op.create_index(op.f("ix_behaviour_event_kind_entered_at"), "behaviour_event", ["kind", "entered_at"], unique=False)
    op.create_index(
        op.f("ix_behaviour_event_user_id_entered_at"), "behaviour_event", ["user_id", "entered_at"], unique=False
    )
    op.create_table(
        "business_clock",
        sa.Column("clock_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("offset_s", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("clock_id", name=op.f("pk_business_clock")),
    )
    op.create_table(
        "channel_event",
        sa.Column("channel", code(128), nullable=False),
        sa.Column("offset", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_key", code(128), nullable=False),
        sa.Column("data", Sealed("channel_event.data"), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "offset", name=op.f("pk_channel_event")),
        sa.UniqueConstraint("channel", "event_key", name=op.f("uq_channel_event_channel_event_key")),
    )
    op.create_index(op.f("ix_channel_event_at"), "channel_event", ["at"], unique=False)
    op.create_table(
        "channel_head",
        sa.Column("channel", code(128), nullable=False),
        sa.Column("epoch", code(16), nullable=False),
        sa.Column("top", sa.BigInteger(), nullable=False),
        sa.Column("moved_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("channel", name=op.f("pk_channel_head")),
    )
    op.create_index(op.f("ix_channel_head_moved_at"), "channel_head", ["moved_at"], unique=False)
    op.create_table(
        "idempotency_key",
        sa.Column("user_id", code(32), nullable=False),
        sa.Column("route", code(64), nullable=False),
        sa.Column("key_hash", code(64), nullable=False),
        sa.Column("body_hash", code(64), nullable=False),
        sa.Column("answer", Sealed("idempotency_key.answer"), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "route", "key_hash", name=op.f("pk_idempotency_key")),
    )
    op.create_index(op.f("ix_idempotency_key_created_at"), "idempotency_key", ["created_at"], unique=False)
    op.create_table(
        "lease",
        sa.Column("name", code(64), nullable=False),
        sa.Column("holder", code(32), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("until", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lease")),
    )
    op.create_table(
        "ops_alarm",
        sa.Column("alarm_id", code(32), nullable=False),
        sa.Column("kind", code(32), nullable=False),
        sa.Column("order_id", code(32), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("once_key", code(128), nullable=False),
        sa.Column("raised_at", Instant(), nullable=False),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("alarm_id", name=op.f("pk_ops_alarm")),
        sa.UniqueConstraint("once_key", name=op.f("uq_ops_alarm_once_key")),
    )
    op.create_table(
        "outbox",
        sa.Column("outbox_id", number(), autoincrement=True, nullable=False),
        sa.Column("topic", code(32), nullable=False),
        sa.Column("payload", Sealed("outbox.payload"), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("claimed_by", code(32), nullable=True),
        sa.Column("due_at", Instant(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("outbox_id", name=op.f("pk_outbox")),
    )
    op.create_index(op.f("ix_outbox_due_at_outbox_id"), "outbox", ["due_at", "outbox_id"], unique=False)


def downgrade() -> None:
    op.drop_table("outbox")
    op.drop_table("ops_alarm")
    op.drop_table("lease")
    op.drop_table("idempotency_key")
    op.drop_table("channel_head")
    op.drop_table("channel_event")
    op.drop_table("business_clock")
    op.drop_table("behaviour_event")
    op.drop_table("audit_log")
