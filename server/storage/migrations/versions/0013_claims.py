"""Which administrator has papers in hand, and an index of numbers."""

import sqlalchemy as sa
from alembic import op

from server.storage.columns import Instant, code

revision = "0013_claims"
down_revision = "0012_alarms"
branch_labels = None
depends_on = None

_TABLE = "t_qualification_certification"


def upgrade() -> None:
    op.add_column(_TABLE, sa.Column("claimed_by", code(32), nullable=True))
    op.add_column(_TABLE, sa.Column("claimed_until", Instant(), nullable=True))
    op.create_index(op.f(f"ix_{_TABLE}_id_number_hash"), _TABLE, ["id_number_hash"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f(f"ix_{_TABLE}_id_number_hash"), table_name=_TABLE)
    op.drop_column(_TABLE, "claimed_until")
    op.drop_column(_TABLE, "claimed_by")
