"""Offers that lock neither caregivers nor other orders on MySQL."""

from alembic import op

revision = "0014_offers"
down_revision = "0013_claims"
branch_labels = None
depends_on = None

_KEY = "fk_offer_caregiver_id"


def upgrade() -> None:
    with op.batch_alter_table("offer") as table:
        table.drop_constraint(_KEY, type_="foreignkey")
    op.create_index("ix_offer_order_id", "offer", ["order_id"])
    op.drop_index("ix_offer_order_id_state", "offer")


def downgrade() -> None:
    op.create_index("ix_offer_order_id_state", "offer", ["order_id", "state"])
    op.drop_index("ix_offer_order_id", "offer")
    with op.batch_alter_table("offer") as table:
        table.create_foreign_key(_KEY, "t_caregiver_info", ["caregiver_id"], ["caregiver_id"], ondelete="RESTRICT")
