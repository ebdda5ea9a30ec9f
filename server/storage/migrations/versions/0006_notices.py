"""Notices and their deliveries."""

import sqlalchemy as sa
from alembic import op

from server.storage.columns import Instant, code, number
from server.storage.sealed import Sealed

revision = "0006_notices"
down_revision = "0005_care"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sandbox_message",
        sa.Column("number", number(), autoincrement=True, nullable=False),
        sa.Column("channel", code(16), nullable=False),
        sa.Column("recipient", Sealed("sandbox_message.recipient"), nullable=False),
        sa.Column("recipient_hash", code(64), nullable=False),
        sa.Column("template", code(32), nullable=False),
        sa.Column("text", Sealed("sandbox_message.text"), nullable=False),
        sa.Column("code", Sealed("sandbox_message.code"), nullable=True),
        sa.Column("once_key", code(128), nullable=True),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_sandbox_message")),
        sa.UniqueConstraint("once_key", name=op.f("uq_sandbox_message_once_key")),
    )
    op.create_index(
        op.f("ix_sandbox_message_recipient_hash_number"), "sandbox_message", ["recipient_hash", "number"], unique=False
    )
    op.create_table(
        "t_message_notification",
        sa.Column("message_id", code(32), nullable=False),
        sa.Column("user_id", code(32), nullable=False),
        sa.Column("type", code(16), nullable=False),
        sa.Column("template", code(32), nullable=False),
        sa.Column("title", sa.String(length=100), nullable=False),
        sa.Column("content", Sealed("t_message_notification.content"), nullable=False),
        sa.Column("order_id", code(32), nullable=True),
        sa.Column("once_key", code(128), nullable=False),
        sa.Column("sent_at", Instant(), nullable=False),
        sa.Column("read_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["t_user.user_id"], name=op.f("fk_t_message_notification_user_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_t_message_notification")),
        sa.UniqueConstraint("once_key", name=op.f("uq_t_message_notification_once_key")),
    )
    op.create_index(op.f("ix_t_message_notification_order_id"), "t_message_notification", ["order_id"], unique=False)
    op.create_index(
        op.f("ix_t_message_notification_user_id_message_id"),
        "t_message_notification",
        ["user_id", "message_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_t_message_notification_user_id_read_at"),
        "t_message_notification",
        ["user_id", "read_at"],
        unique=False,
    )
    op.create_table(
        "message_delivery",
        sa.Column("delivery_id", code(32), nullable=False),
        sa.Column("message_id", code(32), nullable=False),
        sa.Column("channel", code(16), nullable=False),
        sa.Column("status", code(16), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failure_code", code(64), nullable=True),
        sa.Column("at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["t_message_notification.message_id"],
            name=op.f("fk_message_delivery_message_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("delivery_id", name=op.f("pk_message_delivery")),
        sa.UniqueConstraint("message_id", "channel", name=op.f("uq_message_delivery_message_id_channel")),
    )


def downgrade() -> None:
    op.drop_table("message_delivery")
    op.drop_table("t_message_notification")
    op.drop_table("sandbox_message")
