"""Under which name a caregiver's page may be kept in caches."""

import sqlalchemy as sa
from alembic import op

from server.storage.columns import code

revision = "0010_page_marks"
down_revision = "0009_cluster"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("t_caregiver_info", sa.Column("page_mark", code(32), server_default="", nullable=False))


def downgrade() -> None:
    op.drop_column("t_caregiver_info", "page_mark")
