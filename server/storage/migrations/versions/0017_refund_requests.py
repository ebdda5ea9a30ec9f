"""What administrators want to give back."""

import sqlalchemy as sa
from alembic import op

from server.storage.columns import Instant, code
from server.storage.sealed import Sealed

revision = "0017_refund_requests"
down_revision = "0016_order_desk"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "refund_request",
        sa.Column("request_id", code(32), nullable=False),
        sa.Column("order_id", code(32), nullable=False),
        sa.Column("amount_fen", sa.Integer(), nullable=False),
        sa.Column("borne_by", code(16), nullable=False),
        sa.Column("reason", Sealed("refund_request.reason"), nullable=False),
        sa.Column("state", code(16), nullable=False),
        sa.Column("live_key", code(32), nullable=True),
        sa.Column("requested_by", code(32), nullable=False),
        sa.Column("requested_at", Instant(), nullable=False),
        sa.Column("decided_by", code(32), nullable=True),
        sa.Column("decided_at", Instant(), nullable=True),
        sa.Column("decision_reason", Sealed("refund_request.decision_reason"), nullable=True),
        sa.Column("refund_id", code(32), nullable=True),
        sa.ForeignKeyConstraint(
            ["order_id"], ["t_order.order_id"], name=op.f("fk_refund_request_order_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_refund_request")),
        sa.UniqueConstraint("live_key", name=op.f("uq_refund_request_live_key")),
    )
    op.create_index(op.f("ix_refund_request_order_id"), "refund_request", ["order_id"], unique=False)
    op.create_index(
        op.f("ix_refund_request_state_requested_at"), "refund_request", ["state", "requested_at"], unique=False
    )
    op.create_index(op.f("ix_refund_request_requested_at"), "refund_request", ["requested_at"], unique=False)


def downgrade() -> None:
    op.drop_table("refund_request")
