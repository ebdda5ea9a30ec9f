"""What all instances must have in common."""

import sqlalchemy as sa
from alembic import op

from server.storage.columns import code

revision = "0009_cluster"
down_revision = "0008_receipts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "cluster_secret",
        sa.Column("name", code(32), nullable=False),
        sa.Column("fingerprint", code(64), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_cluster_secret")),
    )


def downgrade() -> None:
    op.drop_table("cluster_secret")
