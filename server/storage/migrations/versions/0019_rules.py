"""Editions of business numbers, standard prices and notice texts."""

import sqlalchemy as sa
from alembic import op

from server.storage.columns import Instant, code
from server.storage.sealed import Sealed

revision = "0019_rules"
down_revision = "0018_figures"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rule_edition",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("changed", sa.Text(), nullable=False),
        sa.Column("reason", Sealed("rule_edition.reason"), nullable=True),
        sa.Column("made_by", code(32), nullable=True),
        sa.Column("made_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_rule_edition")),
    )


def downgrade() -> None:
    op.drop_table("rule_edition")
