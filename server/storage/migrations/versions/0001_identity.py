"""Accounts, logins and codes."""

import sqlalchemy as sa
from alembic import op

from server.storage.columns import Instant, code
from server.storage.sealed import Sealed

revision = "0001_identity"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "attempt",
        sa.Column("kind", code(32), nullable=False),
        sa.Column("subject_hash", code(64), nullable=False),
        sa.Column("slot", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "subject_hash", "slot", name=op.f("pk_attempt")),
    )
    op.create_index(op.f("ix_attempt_at"), "attempt", ["at"], unique=False)
    op.create_table(
        "sms_code",
        sa.Column("code_id", code(32), nullable=False),
        sa.Column("phone_hash", code(64), nullable=False),
        sa.Column("purpose", code(16), nullable=False),
        sa.Column("code_hash", code(64), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("used_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("code_id", name=op.f("pk_sms_code")),
    )
    op.create_index(
        op.f("ix_sms_code_phone_hash_purpose_created_at"),
        "sms_code",
        ["phone_hash", "purpose", "created_at"],
        unique=False,
    )
    op.create_table(
        "t_user",
        sa.Column("user_id", code(32), nullable=False),
        sa.Column("username", sa.String(length=50), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=False),
        sa.Column("phone", Sealed("t_user.phone"), nullable=False),
        sa.Column("phone_hash", code(64), nullable=False),
        sa.Column("user_type", code(16), nullable=False),
        sa.Column("registered_at", Instant(), nullable=False),
        sa.Column("terms_accepted_at", Instant(), nullable=False),
        sa.Column("verification_status", code(16), server_default="unverified", nullable=False),
        sa.Column("banned_at", Instant(), nullable=True),
        sa.Column("ban_reason", Sealed("t_user.ban_reason"), nullable=True),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_t_user")),
        sa.UniqueConstraint("phone_hash", name=op.f("uq_t_user_phone_hash")),
    )
    op.create_index(op.f("ix_t_user_user_type_registered_at"), "t_user", ["user_type", "registered_at"], unique=False)
    op.create_table(
        "consent",
        sa.Column("consent_id", code(32), nullable=False),
        sa.Column("user_id", code(32), nullable=False),
        sa.Column("purpose", code(32), nullable=False),
        sa.Column("text_version", code(32), nullable=False),
        sa.Column("subject_id", code(32), nullable=True),
        sa.Column("given_at", Instant(), nullable=False),
        sa.Column("withdrawn_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["t_user.user_id"], name=op.f("fk_consent_user_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("consent_id", name=op.f("pk_consent")),
    )
    op.create_index(op.f("ix_consent_user_id"), "consent", ["user_id"], unique=False)
    op.create_table(
        "login",
        sa.Column("login_id", code(32), nullable=False),
        sa.Column("user_id", code(32), nullable=False),
        sa.Column("refresh_hash", code(64), nullable=False),
        sa.Column("previous_hash", code(64), nullable=True),
        sa.Column("successor", Sealed("login.successor"), nullable=True),
        sa.Column("rotated_at", Instant(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("revoked_at", Instant(), nullable=True),
        sa.Column("revoke_reason", code(32), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["t_user.user_id"], name=op.f("fk_login_user_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("login_id", name=op.f("pk_login")),
        sa.UniqueConstraint("previous_hash", name=op.f("uq_login_previous_hash")),
        sa.UniqueConstraint("refresh_hash", name=op.f("uq_login_refresh_hash")),
    )
    op.create_index(op.f("ix_login_user_id"), "login", ["user_id"], unique=False)
    op.create_table(
        "wechat_identity",
        sa.Column("identity_id", code(32), nullable=False),
        sa.Column("user_id", code(32), nullable=False),
        sa.Column("app", code(8), nullable=False),
        sa.Column("openid_hash", code(64), nullable=False),
        sa.Column("openid", Sealed("wechat_identity.openid"), nullable=False),
        sa.Column("bound_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["t_user.user_id"], name=op.f("fk_wechat_identity_user_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("identity_id", name=op.f("pk_wechat_identity")),
        sa.UniqueConstraint("app", "openid_hash", name=op.f("uq_wechat_identity_app_openid_hash")),
    )
    op.create_index(op.f("ix_wechat_identity_user_id"), "wechat_identity", ["user_id"], unique=False)
    op.create_table(
        "spent_refresh_token",
        sa.Column("token_hash", code(64), nullable=False),
        sa.Column("login_id", code(32), nullable=False),
        sa.Column("spent_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["login_id"], ["login.login_id"], name=op.f("fk_spent_refresh_token_login_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_spent_refresh_token")),
    )
    op.create_index(op.f("ix_spent_refresh_token_login_id"), "spent_refresh_token", ["login_id"], unique=False)


def downgrade() -> None:
    op.drop_table("spent_refresh_token")
    op.drop_table("wechat_identity")
    op.drop_table("login")
    op.drop_table("consent")
    op.drop_table("t_user")
    op.drop_table("sms_code")
    op.drop_table("attempt")
