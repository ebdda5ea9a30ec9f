"""Who closed an alarm and why, and indexes for their list."""

import sqlalchemy as sa
from alembic import op

from server.storage.columns import code
from server.storage.sealed import Sealed

revision = "0012_alarms"
down_revision = "0011_measures"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("ops_alarm", sa.Column("closed_by", code(32), nullable=True))
    op.add_column("ops_alarm", sa.Column("close_reason", Sealed("ops_alarm.close_reason"), nullable=True))
    op.create_index(op.f("ix_ops_alarm_closed_at_raised_at"), "ops_alarm", ["closed_at", "raised_at"], unique=False)
    op.create_index(op.f("ix_ops_alarm_raised_at"), "ops_alarm", ["raised_at"], unique=False)
    op.create_index(op.f("ix_ops_alarm_order_id"), "ops_alarm", ["order_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_ops_alarm_order_id"), table_name="ops_alarm")
    op.drop_index(op.f("ix_ops_alarm_raised_at"), table_name="ops_alarm")
    op.drop_index(op.f("ix_ops_alarm_closed_at_raised_at"), table_name="ops_alarm")
    op.drop_column("ops_alarm", "close_reason")
    op.drop_column("ops_alarm", "closed_by")
