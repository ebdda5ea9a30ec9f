"""What administrators find orders by."""

import sqlalchemy as sa
from alembic import op

from server.storage.columns import code

revision = "0016_order_desk"
down_revision = "0015_settled_events"
branch_labels = None
depends_on = None

_DESK = ["created_at", "order_id", "status", "service_type", "district", "hospital_id", "start_at"]


def upgrade() -> None:
    op.create_index("ix_t_order_desk", "t_order", _DESK, unique=False)
    op.add_column("t_patient_info", sa.Column("name_hash", code(64), nullable=True))
    op.create_index(op.f("ix_t_patient_info_name_hash"), "t_patient_info", ["name_hash"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_t_patient_info_name_hash"), table_name="t_patient_info")
    op.drop_column("t_patient_info", "name_hash")
    op.drop_index("ix_t_order_desk", table_name="t_order")
