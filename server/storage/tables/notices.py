"""Notices to people and how they were delivered."""

from sqlalchemy import Column, Index, Integer, String, Table, UniqueConstraint

from server.storage.columns import Instant, code, key, ref, serial
from server.storage.sealed import Sealed
from server.storage.tables.metadata import metadata

# 消息通知表 (四7): the row is the truth, everything else is a delivery of it.
t_message_notification = Table(
    "t_message_notification",
    metadata,
    key("message_id"),
    ref("user_id", "t_user.user_id"),
    Column("type", code(16), nullable=False),  # order, system
    Column("template", code(32), nullable=False),
    Column("title", String(100), nullable=False),
    Column("content", Sealed("t_message_notification.content"), nullable=False),
    Column("order_id", code(), index=True),
    Column("once_key", code(128), nullable=False, unique=True),  # one a recipient and transition
    Column("sent_at", Instant, nullable=False),
    Column("read_at", Instant),
    Index(None, "user_id", "message_id"),
    Index(None, "user_id", "read_at"),
)

message_delivery = Table(
    "message_delivery",
    metadata,
    key("delivery_id"),
    ref("message_id", "t_message_notification.message_id"),
    Column("channel", code(16), nullable=False),  # in_app, wechat, sms
    Column("status", code(16), nullable=False),  # waiting, sent, delivered, failed
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("params", Sealed("message_delivery.params")),  # JSON: what fills the carrier's own template
    Column("failure_code", code(64)),  # the carrier's own
    Column("receipt", code(64), index=True),  # what the carrier calls it; its report names it again
    Column("at", Instant, nullable=False),  # since when; of a waiting one: whoever has it in hand has it until then
    UniqueConstraint("message_id", "channel"),
)

# What the sandbox would have sent, for /sandbox/messages.
sandbox_message = Table(
    "sandbox_message",
    metadata,
    serial("number"),
    Column("channel", code(16), nullable=False),
    Column("recipient", Sealed("sandbox_message.recipient"), nullable=False),
    Column("recipient_hash", code(64), nullable=False),
    Column("template", code(32), nullable=False),
    Column("text", Sealed("sandbox_message.text"), nullable=False),
    Column("code", Sealed("sandbox_message.code")),
    Column("once_key", code(128), unique=True),
    Column("at", Instant, nullable=False),
    Index(None, "recipient_hash", "number"),
)
