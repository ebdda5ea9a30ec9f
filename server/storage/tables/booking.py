"""Orders, offers, busy time and reviews."""

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text, UniqueConstraint

from server.storage.columns import Instant, code, key, ref
from server.storage.sealed import Sealed
from server.storage.tables.metadata import metadata

quote = Table(
    "quote",
    metadata,
    key("quote_id"),
    ref("user_id", "t_user.user_id", index=True),
    Column("request_hash", code(64), nullable=False),  # what was quoted; another request does not fit
    Column("created_at", Instant, nullable=False),
    Column("valid_until", Instant, nullable=False),
    Column("amount_fen", Integer, nullable=False),
    Column("is_urgent", Boolean, nullable=False),
    Column("lines", Text, nullable=False),  # JSON
    Column("policy_version", Integer, nullable=False),
)

# 订单表 (四4).
t_order = Table(
    "t_order",
    metadata,
    key("order_id"),
    ref("user_id", "t_user.user_id"),  # who booked
    ref("patient_id", "t_patient_info.patient_id", index=True),
    ref("caregiver_id", "t_caregiver_info.caregiver_id", nullable=True),  # assigned
    Column("named_caregiver_id", code()),  # asked for by the family, offered to first
    Column("service_type", code(32), nullable=False),
    Column("hospital_id", code(32), nullable=False),
    Column("district", code(32), nullable=False),
    Column("department", Sealed("t_order.department")),
    Column("bed_no", Sealed("t_order.bed_no")),
    Column("address", Sealed("t_order.address")),
    Column("contact_phone", Sealed("t_order.contact_phone"), nullable=False),
    Column("requirements", Sealed("t_order.requirements")),
    Column("start_at", Instant, nullable=False),
    Column("end_at", Instant, nullable=False),
    Column("duration_minutes", Integer, nullable=False),
    Column("is_urgent", Boolean, nullable=False),
    Column("touches_night", Boolean, nullable=False),
    Column("day_price_fen", Integer, nullable=False),  # frozen; who asks more is not asked in a wave
    Column("amount_fen", Integer, nullable=False),
    Column("income_fen", Integer, nullable=False),
    Column("commission_fen", Integer, nullable=False),
    Column("lines", Text, nullable=False),  # JSON, frozen at creation
    Column("policy_version", Integer, nullable=False),
    Column("status", code(20), nullable=False),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("created_at", Instant, nullable=False),
    Column("pay_deadline_at", Instant, nullable=False),
    Column("pay_method", code(16)),
    Column("paid_at", Instant),
    Column("search_until", Instant),  # nobody by then: cancelled and refunded
    Column("wave", Integer, nullable=False, server_default="0"),  # 0: only the named caregiver was asked
    Column("next_wave_at", Instant),
    Column("accepted_at", Instant),
    Column("start_code", Sealed("t_order.start_code")),
    Column("start_code_failures", Integer, nullable=False, server_default="0"),
    Column("started_at", Instant),
    Column("finished_at", Instant),
    Column("finish_summary", Sealed("t_order.finish_summary")),
    Column("confirm_due_at", Instant),
    Column("completed_at", Instant),
    Column("cancelled_at", Instant),
    Column("cancel_reason", Sealed("t_order.cancel_reason")),
    Column("cancelled_by", code(16)),  # "patient", "caregiver", "admin", "system"
    Column("cancel_fee_fen", Integer, nullable=False, server_default="0"),
    Index(None, "user_id", "created_at"),
    Index(None, "caregiver_id", "start_at"),
    Index(None, "status", "pay_deadline_at"),
    Index(None, "status", "next_wave_at"),
    Index(None, "status", "search_until"),
    Index(None, "status", "confirm_due_at"),
    Index(None, "status", "end_at"),
    # One index for the administrators' list and the day's figures: whatever they filter or group by is in it,
    # so that a hundred thousand orders are looked through without reading one of them.
    Index(
        "ix_t_order_desk",
        "created_at",
        "order_id",
        "status",
        "service_type",
        "district",
        "hospital_id",
        "start_at",
    ),
)

# The order's history: one row a change.
order_event = Table(
    "order_event",
    metadata,
    key("event_id"),
    ref("order_id", "t_order.order_id"),
    Column("version", Integer, nullable=False),
    Column("event", code(32), nullable=False),
    Column("from_status", code(20)),
    Column("to_status", code(20), nullable=False),
    Column("actor_type", code(16), nullable=False),
    Column("actor_id", code()),
    Column("reason", Sealed("order_event.reason")),
    Column("at", Instant, nullable=False),
    UniqueConstraint("order_id", "version"),
)

# InnoDB locks the row that a foreign key names, shared, whenever it writes into the key's index. Locks are taken in the
# order caregiver, order, and offers are opened and closed under the order's: so there is no key for the caregiver, and
# in the index of the other nothing that changes. With them every second accept ran into a deadlock.
offer = Table(
    "offer",
    metadata,
    key("offer_id"),
    ref("order_id", "t_order.order_id"),
    Column("caregiver_id", code(), nullable=False),
    Column("wave", Integer, nullable=False),
    Column("state", code(16), nullable=False),  # open, accepted, rejected, expired, withdrawn, taken
    Column("live_key", code(80), unique=True),  # order/caregiver while open: never two open offers
    Column("opened_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("closed_at", Instant),
    Column("reason", Sealed("offer.reason")),
    Column("income_fen", Integer, nullable=False),
    Column("ranking", Text),  # JSON: why this caregiver, for the administrator
    Index(None, "order_id"),
    Index(None, "caregiver_id", "state", "opened_at"),
    Index(None, "state", "expires_at"),
)

# Busy time of a caregiver or a patient: holds and accepted visits. Rows of ended orders are removed.
engagement = Table(
    "engagement",
    metadata,
    key("engagement_id"),
    Column("person_kind", code(16), nullable=False),  # "caregiver" or "patient"
    Column("person_id", code(), nullable=False),
    ref("order_id", "t_order.order_id", index=True),
    Column("start_at", Instant, nullable=False),
    Column("end_at", Instant, nullable=False),
    Column("hospital_id", code(32), nullable=False),  # travel between hospitals takes time
    Column("kind", code(8), nullable=False),  # "hold" until accepted, then "visit"
    UniqueConstraint("person_kind", "person_id", "order_id"),
    Index(None, "person_kind", "person_id", "end_at", "start_at"),
)

# 订单详情表 (四5): 评价内容 and 评价分数 here, 服务记录 as rows of service_note.
t_order_detail = Table(
    "t_order_detail",
    metadata,
    key("detail_id"),
    ref("order_id", "t_order.order_id", unique=True),
    Column("service_record", Sealed("t_order_detail.service_record")),  # the closing summary
    Column("review_id", code(), unique=True),
    Column("review_content", Sealed("t_order_detail.review_content")),
    Column("review_score", Integer),
    Column("review_tags", Text),
    Column("caregiver_id", code(), index=True),
    Column("reviewed_at", Instant),
)

# Past cases for a caregiver's page: nothing here names the patient.
care_case = Table(
    "care_case",
    metadata,
    key("case_id"),
    ref("caregiver_id", "t_caregiver_info.caregiver_id", index=True),
    ref("order_id", "t_order.order_id", unique=True),
    Column("service_type", code(32), nullable=False),
    Column("summary", Sealed("care_case.summary"), nullable=False),
    Column("condition_tags", Text, nullable=False),  # JSON list
    Column("duration_minutes", Integer, nullable=False),
    Column("month", String(7), nullable=False),
    Column("consented_at", Instant),
    Column("refused_at", Instant),
    Column("created_at", Instant, nullable=False),
)
