"""Warnings, and indexes for the lists of accounts and of the audit."""

import sqlalchemy as sa
from alembic import op

from server.storage.columns import Instant, code
from server.storage.sealed import Sealed

revision = "0011_measures"
down_revision = "0010_page_marks"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "user_warning",
        sa.Column("warning_id", code(32), nullable=False),
        sa.Column("user_id", code(32), nullable=False),
        sa.Column("reason", Sealed("user_warning.reason"), nullable=False),
        sa.Column("warned_by", code(32), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["t_user.user_id"], name=op.f("fk_user_warning_user_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("warning_id", name=op.f("pk_user_warning")),
    )
    op.create_index(op.f("ix_user_warning_user_id"), "user_warning", ["user_id"], unique=False)
    op.create_index(op.f("ix_t_user_registered_at"), "t_user", ["registered_at"], unique=False)
    op.create_index(op.f("ix_audit_log_action_at"), "audit_log", ["action", "at"], unique=False)
    op.create_index(op.f("ix_audit_log_at"), "audit_log", ["at"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_audit_log_at"), table_name="audit_log")
    op.drop_index(op.f("ix_audit_log_action_at"), table_name="audit_log")
    op.drop_index(op.f("ix_t_user_registered_at"), table_name="t_user")
    op.drop_table("user_warning")
