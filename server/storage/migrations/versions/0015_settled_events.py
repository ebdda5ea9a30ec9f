"""Up to where a channel's events have moved to MongoDB."""

import sqlalchemy as sa
from alembic import op

revision = "0015_settled_events"
down_revision = "0014_offers"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("channel_head", sa.Column("settled", sa.BigInteger(), server_default="0", nullable=False))


def downgrade() -> None:
    op.drop_column("channel_head", "settled")
