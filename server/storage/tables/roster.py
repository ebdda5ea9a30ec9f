"""Patients, caregivers, their offers and how they are judged."""

from sqlalchemy import Boolean, Column, Date, Index, Integer, String, Table, UniqueConstraint

from server.storage.columns import Instant, code, key, ref, searched, serial
from server.storage.sealed import Sealed
from server.storage.tables.metadata import metadata

# 患者信息表 (四2). 年龄 is derived from the birth date, a stored age would rot.
t_patient_info = Table(
    "t_patient_info",
    metadata,
    key("patient_id"),
    ref("user_id", "t_user.user_id", index=True),
    Column("name", Sealed("t_patient_info.name"), nullable=False),
    Column("name_hash", code(64), index=True),  # keyed; null: written before there was one, filled in by a job
    Column("birth_date", Date, nullable=False),
    Column("gender", code(8), nullable=False),
    Column("relation", code(8), nullable=False),
    Column("id_number", Sealed("t_patient_info.id_number")),
    Column("id_number_hash", code(64)),  # keyed, over account and number: unique in an account
    Column("contact_phone", Sealed("t_patient_info.contact_phone")),
    Column("condition", Sealed("t_patient_info.condition")),
    Column("department", Sealed("t_patient_info.department")),  # oncology is half a diagnosis
    Column("bed_no", Sealed("t_patient_info.bed_no")),
    Column("health_consent_at", Instant, nullable=False),
    Column("calendar_version", Integer, nullable=False, server_default="0"),  # moved to lock the row
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("deleted_at", Instant),
    UniqueConstraint("user_id", "id_number_hash"),
)

patient_viewer = Table(
    "patient_viewer",
    metadata,
    ref("patient_id", "t_patient_info.patient_id", primary_key=True),
    ref("user_id", "t_user.user_id", primary_key=True, index=True),
    Column("may_chat", Boolean, nullable=False),
    Column("joined_at", Instant, nullable=False),
)

patient_invite = Table(
    "patient_invite",
    metadata,
    key("invite_id"),
    ref("patient_id", "t_patient_info.patient_id", index=True),
    Column("code_hash", code(64), nullable=False, unique=True),
    Column("may_chat", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
    Column("used_by", code()),
)

# 陪护人员信息表 (四3). 服务价格 and 服务时间范围 are child tables: one column cannot hold them.
t_caregiver_info = Table(
    "t_caregiver_info",
    metadata,
    key("caregiver_id"),
    ref("user_id", "t_user.user_id", unique=True),
    Column("name", searched(50), nullable=False),
    Column("name_pinyin", code(400), nullable=False, server_default=""),  # for searches, see roster/pinyin.py
    Column("gender", code(8), nullable=False),
    Column("birth_date", Date, nullable=False),
    Column("contact_phone", Sealed("t_caregiver_info.contact_phone"), nullable=False),
    Column("experience_years", Integer, nullable=False),
    Column("bio", searched()),
    Column("photo_file_id", code()),
    Column("id_number", Sealed("t_caregiver_info.id_number")),
    Column("id_number_hash", code(64), unique=True),  # one person is one caregiver
    Column("certificate_number", Sealed("t_caregiver_info.certificate_number")),
    Column("health_certificate_number", Sealed("t_caregiver_info.health_certificate_number")),
    Column("qualification_status", code(16), nullable=False, server_default="unverified"),
    Column("approved_at", Instant),
    Column("papers_valid_until", Date),  # the earlier expiry of the approved papers
    Column("banned_at", Instant),  # kept equal to the account's, so that a search needs one table
    Column("accepts_urgent", Boolean, nullable=False, server_default="0"),
    Column("accepts_night", Boolean, nullable=False, server_default="0"),
    Column("listening", Boolean, nullable=False, server_default="1"),
    Column("rating_sum", Integer, nullable=False, server_default="0"),
    Column("review_count", Integer, nullable=False, server_default="0"),
    Column("good_count", Integer, nullable=False, server_default="0"),  # reviews of 4 and 5 stars
    Column("rating_milli", Integer),  # mean of the visible reviews x 1000; null without reviews
    Column("completed_count", Integer, nullable=False, server_default="0"),
    Column("calendar_version", Integer, nullable=False, server_default="0"),  # moved to lock the row
    Column("page_mark", code(32), nullable=False, server_default=""),  # a new one whenever the public page changes
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Index(None, "qualification_status", "rating_milli", "caregiver_id"),
    Index(None, "qualification_status", "experience_years", "caregiver_id"),
    Index(None, "qualification_status", "birth_date"),
)

caregiver_district = Table(
    "caregiver_district",
    metadata,
    ref("caregiver_id", "t_caregiver_info.caregiver_id", primary_key=True),
    Column("district", code(32), primary_key=True),
    Index(None, "district", "caregiver_id"),
)
caregiver_hospital = Table(
    "caregiver_hospital",
    metadata,
    ref("caregiver_id", "t_caregiver_info.caregiver_id", primary_key=True),
    Column("hospital_id", code(32), primary_key=True),
    Index(None, "hospital_id", "caregiver_id"),
)
caregiver_skill = Table(
    "caregiver_skill",
    metadata,
    ref("caregiver_id", "t_caregiver_info.caregiver_id", primary_key=True),
    Column("skill", code(32), primary_key=True),
    Index(None, "skill", "caregiver_id"),
)
caregiver_work_history = Table(
    "caregiver_work_history",
    metadata,
    key("history_id"),
    ref("caregiver_id", "t_caregiver_info.caregiver_id", index=True),
    Column("position", Integer, nullable=False),
    Column("from", String(10), nullable=False),
    Column("to", String(10)),
    Column("employer", String(50), nullable=False),
    Column("role", String(50), nullable=False),
)
caregiver_price = Table(
    "caregiver_price",
    metadata,
    ref("caregiver_id", "t_caregiver_info.caregiver_id", primary_key=True),
    Column("service_type", code(32), primary_key=True),
    Column("band", code(8), primary_key=True),
    Column("price_fen", Integer, nullable=False),
    Index(None, "service_type", "band", "price_fen", "caregiver_id"),
)
caregiver_hours = Table(
    "caregiver_hours",
    metadata,
    ref("caregiver_id", "t_caregiver_info.caregiver_id", primary_key=True),
    Column("weekday", Integer, primary_key=True, autoincrement=False),  # 1 Monday … 7 Sunday
    Column("start_minute", Integer, primary_key=True, autoincrement=False),
    Column("end_minute", Integer, nullable=False),  # above 1440: on the next day
)
caregiver_exception = Table(
    "caregiver_exception",
    metadata,
    serial("exception_id"),  # a date may have several, and none of their columns tells them apart
    ref("caregiver_id", "t_caregiver_info.caregiver_id"),
    Column("date", Date, nullable=False),
    Column("available", Boolean, nullable=False),
    Column("start_minute", Integer),
    Column("end_minute", Integer),
    Index(None, "caregiver_id", "date"),
)

# When a caregiver works, as a search reads it: written with the rows above by what `roster/hours.py`
# makes of them, so that hours are understood in one place. A date without rows follows its weekday.
caregiver_open_time = Table(
    "caregiver_open_time",
    metadata,
    ref("caregiver_id", "t_caregiver_info.caregiver_id", primary_key=True),
    Column("day", code(10), primary_key=True),  # "w1" Monday … "w7", or a date that differs
    # 0-1440 of that Shanghai day; rows never overlap
    Column("start_minute", Integer, primary_key=True, autoincrement=False),
    Column("end_minute", Integer, primary_key=True, autoincrement=False),  # equal to the start: a day off
)

# 资质认证表 (四6). Paths are ids of private files.
t_qualification_certification = Table(
    "t_qualification_certification",
    metadata,
    key("certification_id"),
    ref("caregiver_id", "t_caregiver_info.caregiver_id", index=True),
    Column("certificate_name", String(50), nullable=False),
    Column("certificate_number", Sealed("t_qualification_certification.certificate_number"), nullable=False),
    Column("certificate_expires_on", Date, nullable=False),
    Column("health_certificate_number", Sealed("t_qualification_certification.health"), nullable=False),
    Column("health_certificate_expires_on", Date, nullable=False),
    Column("id_number", Sealed("t_qualification_certification.id_number"), nullable=False),
    Column("id_number_hash", code(64), nullable=False),
    Column("id_card_front_file_id", code(), nullable=False),
    Column("id_card_back_file_id", code(), nullable=False),
    Column("certificate_file_id", code(), nullable=False),
    Column("health_certificate_file_id", code(), nullable=False),
    Column("status", code(16), nullable=False),
    Column("reason", Sealed("t_qualification_certification.reason")),
    Column("submitted_at", Instant, nullable=False),
    Column("reviewed_at", Instant),
    Column("reviewed_by", code()),
    Column("claimed_by", code()),  # the administrator who has it in hand, until then
    Column("claimed_until", Instant),
    Index(None, "status", "submitted_at"),
    Index(None, "id_number_hash"),
)

# What an account has uploaded; the bytes are in the file store.
stored_file = Table(
    "stored_file",
    metadata,
    key("file_id"),
    ref("user_id", "t_user.user_id", index=True),
    Column("purpose", code(16), nullable=False),
    Column("store_key", code(64), nullable=False, unique=True),
    Column("media_type", code(64), nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("sha256", code(64), nullable=False),
    Column("order_id", code(), index=True),  # set when a chat message or a note shows it
    Column("created_at", Instant, nullable=False),
)
