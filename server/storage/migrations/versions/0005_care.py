"""Chat and service notes."""

import sqlalchemy as sa
from alembic import op

from server.storage.columns import Instant, code
from server.storage.sealed import Sealed

revision = "0005_care"
down_revision = "0004_billing"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "chat_message",
        sa.Column("message_id", code(32), nullable=False),
        sa.Column("order_id", code(32), nullable=False),
        sa.Column("sender_id", code(32), nullable=False),
        sa.Column("sender_type", code(16), nullable=False),
        sa.Column("msg_id", code(128), nullable=False),
        sa.Column("body_hash", code(64), nullable=False),
        sa.Column("kind", code(8), nullable=False),
        sa.Column("text", Sealed("chat_message.text"), nullable=True),
        sa.Column("file_id", code(32), nullable=True),
        sa.Column("sent_at", Instant(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["t_order.order_id"], name=op.f("fk_chat_message_order_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["sender_id"], ["t_user.user_id"], name=op.f("fk_chat_message_sender_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_chat_message")),
        sa.UniqueConstraint("order_id", "sender_id", "msg_id", name=op.f("uq_chat_message_order_id_sender_id_msg_id")),
    )
    op.create_index(op.f("ix_chat_message_order_id_offset"), "chat_message", ["order_id", "offset"], unique=False)
    op.create_table(
        "chat_read",
        sa.Column("order_id", code(32), nullable=False),
        sa.Column("user_id", code(32), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("read_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["t_order.order_id"], name=op.f("fk_chat_read_order_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["t_user.user_id"], name=op.f("fk_chat_read_user_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("order_id", "user_id", name=op.f("pk_chat_read")),
    )
    op.create_table(
        "service_note",
        sa.Column("note_id", code(32), nullable=False),
        sa.Column("order_id", code(32), nullable=False),
        sa.Column("caregiver_id", code(32), nullable=False),
        sa.Column("msg_id", code(128), nullable=False),
        sa.Column("body_hash", code(64), nullable=False),
        sa.Column("kind", code(16), nullable=False),
        sa.Column("text", Sealed("service_note.text"), nullable=True),
        sa.Column("vitals", Sealed("service_note.vitals"), nullable=True),
        sa.Column("file_ids", sa.Text(), nullable=False),
        sa.Column("corrects", code(32), nullable=True),
        sa.Column("recorded_at", Instant(), nullable=False),
        sa.Column("received_at", Instant(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["caregiver_id"],
            ["t_caregiver_info.caregiver_id"],
            name=op.f("fk_service_note_caregiver_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["t_order_detail.order_id"], name=op.f("fk_service_note_order_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("note_id", name=op.f("pk_service_note")),
        sa.UniqueConstraint(
            "order_id", "caregiver_id", "msg_id", name=op.f("uq_service_note_order_id_caregiver_id_msg_id")
        ),
    )
    op.create_index(op.f("ix_service_note_order_id_offset"), "service_note", ["order_id", "offset"], unique=False)


def downgrade() -> None:
    op.drop_table("service_note")
    op.drop_table("chat_read")
    op.drop_table("chat_message")
