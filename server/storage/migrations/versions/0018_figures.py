"""What instances count of themselves, and an index for a day's money."""

import sqlalchemy as sa
from alembic import op

from server.storage.columns import Instant, code

revision = "0018_figures"
down_revision = "0017_refund_requests"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "instance_figure",
        sa.Column("instance_id", code(32), nullable=False),
        sa.Column("name", code(32), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("instance_id", "name", name=op.f("pk_instance_figure")),
    )
    op.create_index(op.f("ix_instance_figure_at"), "instance_figure", ["at"], unique=False)
    op.create_index(
        op.f("ix_ledger_entry_account_at_amount_fen"), "ledger_entry", ["account", "at", "amount_fen"], unique=False
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_ledger_entry_account_at_amount_fen"), table_name="ledger_entry")
    op.drop_table("instance_figure")
