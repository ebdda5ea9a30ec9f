"""Accounts, logins and codes."""

from sqlalchemy import Column, Index, Integer, String, Table, UniqueConstraint

from server.storage.columns import Instant, code, key, ref
from server.storage.sealed import Sealed
from server.storage.tables.metadata import metadata

# 用户表 (四1). Administrators live here too, made only by `run.py admin create`.
t_user = Table(
    "t_user",
    metadata,
    key("user_id"),
    Column("username", String(50), nullable=False),
    Column("password_hash", String(255), nullable=False),  # argon2id, never the password
    Column("phone", Sealed("t_user.phone"), nullable=False),
    Column("phone_hash", code(64), nullable=False, unique=True),
    Column("user_type", code(16), nullable=False),
    Column("registered_at", Instant, nullable=False),
    Column("terms_accepted_at", Instant, nullable=False),
    Column("verification_status", code(16), nullable=False, server_default="unverified"),
    Column("banned_at", Instant),
    Column("ban_reason", Sealed("t_user.ban_reason")),
    Index(None, "user_type", "registered_at"),
    Index(None, "registered_at"),
)

# What an account was told off for; bans stand in the account itself.
user_warning = Table(
    "user_warning",
    metadata,
    key("warning_id"),
    ref("user_id", "t_user.user_id", index=True),
    Column("reason", Sealed("user_warning.reason"), nullable=False),
    Column("warned_by", code(), nullable=False),
    Column("at", Instant, nullable=False),
)

# One login on one device: a family of rotating refresh tokens.
login = Table(
    "login",
    metadata,
    key("login_id"),
    ref("user_id", "t_user.user_id", index=True),
    Column("refresh_hash", code(64), nullable=False, unique=True),
    Column("previous_hash", code(64), unique=True),  # the token just rotated
    Column("successor", Sealed("login.successor")),  # repeated to it within 10 s
    Column("rotated_at", Instant),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("revoked_at", Instant),
    Column("revoke_reason", code(32)),
)

# Refresh tokens that were rotated away earlier: seeing one again is theft.
spent_refresh_token = Table(
    "spent_refresh_token",
    metadata,
    Column("token_hash", code(64), primary_key=True),
    ref("login_id", "login.login_id", index=True),
    Column("spent_at", Instant, nullable=False),
)

sms_code = Table(
    "sms_code",
    metadata,
    key("code_id"),
    Column("phone_hash", code(64), nullable=False),
    Column("purpose", code(16), nullable=False),
    Column("code_hash", code(64), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("tries", Integer, nullable=False, server_default="0"),  # burnt at the fifth
    Column("used_at", Instant),
    Index(None, "phone_hash", "purpose", "created_at"),
)

# Things that are counted against somebody: failed logins, sent codes. Each limit has so many slots a
# subject, free again after its window; slot 0 is the subject's lock, so that counting takes turns.
attempt = Table(
    "attempt",
    metadata,
    Column("kind", code(32), primary_key=True),
    Column("subject_hash", code(64), primary_key=True),
    Column("slot", Integer, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False, index=True),
)

# An account's consents, withdrawn by date, never deleted.
consent = Table(
    "consent",
    metadata,
    key("consent_id"),
    ref("user_id", "t_user.user_id", index=True),
    Column("purpose", code(32), nullable=False),  # "terms", "health_data", "behaviour"
    Column("text_version", code(32), nullable=False),
    Column("subject_id", code()),  # the patient, for health data
    Column("given_at", Instant, nullable=False),
    Column("withdrawn_at", Instant),
)

# A WeChat identity bound to an account (login by code).
wechat_identity = Table(
    "wechat_identity",
    metadata,
    key("identity_id"),
    ref("user_id", "t_user.user_id", index=True),
    Column("app", code(8), nullable=False),  # "mini" or "oa"
    Column("openid_hash", code(64), nullable=False),
    Column("openid", Sealed("wechat_identity.openid"), nullable=False),
    Column("bound_at", Instant, nullable=False),
    UniqueConstraint("app", "openid_hash"),
)
