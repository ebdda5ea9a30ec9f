"""The machinery's tables: logs, outbox, keys, time."""

from sqlalchemy import BigInteger, Column, Double, Index, Integer, String, Table, Text, UniqueConstraint

from server.storage.columns import Instant, code, key, serial
from server.storage.sealed import Sealed
from server.storage.tables.metadata import metadata

# Where a channel stands; outlives its entries.
channel_head = Table(
    "channel_head",
    metadata,
    Column("channel", code(128), primary_key=True),
    Column("epoch", code(16), nullable=False),
    Column("top", BigInteger, nullable=False),
    Column("moved_at", Instant, nullable=False, index=True),
    Column("settled", BigInteger, nullable=False, server_default="0"),  # up to there events are in MongoDB
)

channel_event = Table(
    "channel_event",
    metadata,
    Column("channel", code(128), primary_key=True),
    Column("offset", BigInteger, primary_key=True, autoincrement=False),
    Column("event_key", code(128), nullable=False),  # a fact enters a channel once
    Column("data", Sealed("channel_event.data"), nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("at", Instant, nullable=False, index=True),
    UniqueConstraint("channel", "event_key"),
)

# What must leave the process; claimed and deleted, never read by "id greater than".
outbox = Table(
    "outbox",
    metadata,
    serial("outbox_id"),
    Column("topic", code(32), nullable=False),
    Column("payload", Sealed("outbox.payload"), nullable=False),  # JSON
    Column("created_at", Instant, nullable=False),
    Column("claimed_by", code(32)),
    Column("due_at", Instant, nullable=False),  # free to claim from then on
    Column("attempts", Integer, nullable=False, server_default="0"),
    Index(None, "due_at", "outbox_id"),
)

idempotency_key = Table(
    "idempotency_key",
    metadata,
    Column("user_id", code(), primary_key=True),
    Column("route", code(64), primary_key=True),
    Column("key_hash", code(64), primary_key=True),
    Column("body_hash", code(64), nullable=False),
    Column("answer", Sealed("idempotency_key.answer"), nullable=False),  # JSON, repeated byte for byte
    Column("created_at", Instant, nullable=False, index=True),
)

audit_log = Table(
    "audit_log",
    metadata,
    key("audit_id"),
    Column("actor_id", code()),
    Column("actor_type", code(16), nullable=False),
    Column("remote_address", String(64), nullable=False),
    Column("action", code(64), nullable=False),
    Column("target", code(64), nullable=False),
    Column("reason", Sealed("audit_log.reason")),
    Column("detail", Sealed("audit_log.detail")),  # JSON: before, after
    Column("request_id", code(), nullable=False),
    Column("at", Instant, nullable=False),
    Index(None, "target", "at"),
    Index(None, "actor_id", "at"),
    Index(None, "action", "at"),
    Index(None, "at"),
)

ops_alarm = Table(
    "ops_alarm",
    metadata,
    key("alarm_id"),
    Column("kind", code(32), nullable=False),
    Column("order_id", code()),
    Column("text", Text, nullable=False),
    Column("once_key", code(128), nullable=False, unique=True),
    Column("raised_at", Instant, nullable=False),
    Column("closed_at", Instant),
    Column("closed_by", code()),  # null: solved by itself
    Column("close_reason", Sealed("ops_alarm.close_reason")),
    Index(None, "closed_at", "raised_at"),
    Index(None, "raised_at"),
    Index(None, "order_id"),
)

# The sandbox's business clock (contract.md §9): one row.
business_clock = Table(
    "business_clock",
    metadata,
    Column("clock_id", Integer, primary_key=True, autoincrement=False),
    Column("offset_s", Double, nullable=False),
)

# Business numbers, standard prices and notice texts: one whole document an edition, never changed afterwards.
rule_edition = Table(
    "rule_edition",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("document", Text, nullable=False),  # JSON
    Column("changed", Text, nullable=False),  # JSON list of chapters
    Column("reason", Sealed("rule_edition.reason")),
    Column("made_by", code()),  # null: the first one, made by the program
    Column("made_at", Instant, nullable=False),
)

# What each instance counts of itself, for sums over the cluster.
instance_figure = Table(
    "instance_figure",
    metadata,
    Column("instance_id", code(32), primary_key=True),
    Column("name", code(32), primary_key=True),
    Column("value", Integer, nullable=False),
    Column("at", Instant, nullable=False, index=True),
)

# Jobs that run once in the cluster; the fence rises with every new holder.
lease = Table(
    "lease",
    metadata,
    Column("name", code(64), primary_key=True),
    Column("holder", code(32), nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("until", Instant, nullable=False),
)

# Fingerprints of the secrets that all instances must have in common, written by the first.
cluster_secret = Table(
    "cluster_secret",
    metadata,
    Column("name", code(32), primary_key=True),
    Column("fingerprint", code(64), nullable=False),
)

# Behaviour of people who agreed to it: logins, searches, page views.
behaviour_event = Table(
    "behaviour_event",
    metadata,
    key("event_id"),
    Column("user_id", code(), nullable=False),
    Column("kind", code(16), nullable=False),
    Column("page", String(100)),
    Column("detail", Sealed("behaviour_event.detail")),
    Column("entered_at", Instant, nullable=False),
    Column("duration_ms", Integer),
    Index(None, "user_id", "entered_at"),
    Index(None, "kind", "entered_at"),
)
