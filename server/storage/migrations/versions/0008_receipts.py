"""What carriers need for a message, and what they call it."""

import sqlalchemy as sa
from alembic import op

from server.storage.columns import code
from server.storage.sealed import Sealed

revision = "0008_receipts"
down_revision = "0007_system"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("message_delivery", sa.Column("params", Sealed("message_delivery.params"), nullable=True))
    op.add_column("message_delivery", sa.Column("receipt", code(64), nullable=True))
    op.create_index(op.f("ix_message_delivery_receipt"), "message_delivery", ["receipt"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_message_delivery_receipt"), table_name="message_delivery")
    op.drop_column("message_delivery", "receipt")
    op.drop_column("message_delivery", "params")
