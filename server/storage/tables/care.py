"""Chat and service notes: append-only, each once."""

from sqlalchemy import BigInteger, Column, Index, Table, Text, UniqueConstraint

from server.storage.columns import Instant, code, key, ref
from server.storage.sealed import Sealed
from server.storage.tables.metadata import metadata

chat_message = Table(
    "chat_message",
    metadata,
    key("message_id"),
    ref("order_id", "t_order.order_id"),
    ref("sender_id", "t_user.user_id"),
    Column("sender_type", code(16), nullable=False),
    Column("msg_id", code(128), nullable=False),
    Column("body_hash", code(64), nullable=False),  # same msg_id with another body is refused
    Column("kind", code(8), nullable=False),
    Column("text", Sealed("chat_message.text")),
    Column("file_id", code()),
    Column("sent_at", Instant, nullable=False),
    Column("offset", BigInteger, nullable=False),  # its position in `order:<order_id>`
    UniqueConstraint("order_id", "sender_id", "msg_id"),
    Index(None, "order_id", "offset"),
)

chat_read = Table(
    "chat_read",
    metadata,
    ref("order_id", "t_order.order_id", primary_key=True),
    ref("user_id", "t_user.user_id", primary_key=True),
    Column("offset", BigInteger, nullable=False),
    Column("read_at", Instant, nullable=False),
)

# 服务记录 of t_order_detail, many an order; a correction is a new note that names the old one.
service_note = Table(
    "service_note",
    metadata,
    key("note_id"),
    ref("order_id", "t_order_detail.order_id"),
    ref("caregiver_id", "t_caregiver_info.caregiver_id"),
    Column("msg_id", code(128), nullable=False),
    Column("body_hash", code(64), nullable=False),
    Column("kind", code(16), nullable=False),
    Column("text", Sealed("service_note.text")),
    Column("vitals", Sealed("service_note.vitals")),  # JSON
    Column("file_ids", Text, nullable=False),  # JSON list
    Column("corrects", code()),
    Column("recorded_at", Instant, nullable=False),  # by the device
    Column("received_at", Instant, nullable=False),  # by us
    Column("offset", BigInteger, nullable=False),
    UniqueConstraint("order_id", "caregiver_id", "msg_id"),
    Index(None, "order_id", "offset"),
)
