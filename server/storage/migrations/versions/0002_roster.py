"""Patients and caregivers."""

import sqlalchemy as sa
from alembic import op

from server.storage.columns import Instant, code, number, searched
from server.storage.sealed import Sealed

revision = "0002_roster"
down_revision = "0001_identity"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "stored_file",
        sa.Column("file_id", code(32), nullable=False),
        sa.Column("user_id", code(32), nullable=False),
        sa.Column("purpose", code(16), nullable=False),
        sa.Column("store_key", code(64), nullable=False),
        sa.Column("media_type", code(64), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("sha256", code(64), nullable=False),
        sa.Column("order_id", code(32), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["t_user.user_id"], name=op.f("fk_stored_file_user_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("file_id", name=op.f("pk_stored_file")),
        sa.UniqueConstraint("store_key", name=op.f("uq_stored_file_store_key")),
    )
    op.create_index(op.f("ix_stored_file_order_id"), "stored_file", ["order_id"], unique=False)
    op.create_index(op.f("ix_stored_file_user_id"), "stored_file", ["user_id"], unique=False)
    op.create_table(
        "t_caregiver_info",
        sa.Column("caregiver_id", code(32), nullable=False),
        sa.Column("user_id", code(32), nullable=False),
        sa.Column("name", searched(50), nullable=False),
        sa.Column("name_pinyin", code(400), server_default="", nullable=False),
        sa.Column("gender", code(8), nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=False),
        sa.Column("contact_phone", Sealed("t_caregiver_info.contact_phone"), nullable=False),
        sa.Column("experience_years", sa.Integer(), nullable=False),
        sa.Column("bio", searched(), nullable=True),
        sa.Column("photo_file_id", code(32), nullable=True),
        sa.Column("id_number", Sealed("t_caregiver_info.id_number"), nullable=True),
        sa.Column("id_number_hash", code(64), nullable=True),
        sa.Column("certificate_number", Sealed("t_caregiver_info.certificate_number"), nullable=True),
        sa.Column("health_certificate_number", Sealed("t_caregiver_info.health_certificate_number"), nullable=True),
        sa.Column("qualification_status", code(16), server_default="unverified", nullable=False),
        sa.Column("approved_at", Instant(), nullable=True),
        sa.Column("papers_valid_until", sa.Date(), nullable=True),
        sa.Column("banned_at", Instant(), nullable=True),
        sa.Column("accepts_urgent", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("accepts_night", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("listening", sa.Boolean(), server_default="1", nullable=False),
        sa.Column("rating_sum", sa.Integer(), server_default="0", nullable=False),
        sa.Column("review_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("good_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("rating_milli", sa.Integer(), nullable=True),
        sa.Column("completed_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("calendar_version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["t_user.user_id"], name=op.f("fk_t_caregiver_info_user_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("caregiver_id", name=op.f("pk_t_caregiver_info")),
        sa.UniqueConstraint("id_number_hash", name=op.f("uq_t_caregiver_info_id_number_hash")),
        sa.UniqueConstraint("user_id", name=op.f("uq_t_caregiver_info_user_id")),
    )
    op.create_index(
        op.f("ix_t_caregiver_info_qualification_status_birth_date"),
        "t_caregiver_info",
        ["qualification_status", "birth_date"],
        unique=False,
    )
    op.create_index(
        op.f("ix_t_caregiver_info_qualification_status_experience_years_caregiver_id"),
        "t_caregiver_info",
        ["qualification_status", "experience_years", "caregiver_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_t_caregiver_info_qualification_status_rating_milli_caregiver_id"),
        "t_caregiver_info",
        ["qualification_status", "rating_milli", "caregiver_id"],
        unique=False,
    )
    op.create_table(
        "t_patient_info",
        sa.Column("patient_id", code(32), nullable=False),
        sa.Column("user_id", code(32), nullable=False),
        sa.Column("name", Sealed("t_patient_info.name"), nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=False),
        sa.Column("gender", code(8), nullable=False),
        sa.Column("relation", code(8), nullable=False),
        sa.Column("id_number", Sealed("t_patient_info.id_number"), nullable=True),
        sa.Column("id_number_hash", code(64), nullable=True),
        sa.Column("contact_phone", Sealed("t_patient_info.contact_phone"), nullable=True),
        sa.Column("condition", Sealed("t_patient_info.condition"), nullable=True),
        sa.Column("department", Sealed("t_patient_info.department"), nullable=True),
        sa.Column("bed_no", Sealed("t_patient_info.bed_no"), nullable=True),
        sa.Column("health_consent_at", Instant(), nullable=False),
        sa.Column("calendar_version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.Column("deleted_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["t_user.user_id"], name=op.f("fk_t_patient_info_user_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("patient_id", name=op.f("pk_t_patient_info")),
        sa.UniqueConstraint("user_id", "id_number_hash", name=op.f("uq_t_patient_info_user_id_id_number_hash")),
    )
    op.create_index(op.f("ix_t_patient_info_user_id"), "t_patient_info", ["user_id"], unique=False)
    op.create_table(
        "caregiver_district",
        sa.Column("caregiver_id", code(32), nullable=False),
        sa.Column("district", code(32), nullable=False),
        sa.ForeignKeyConstraint(
            ["caregiver_id"],
            ["t_caregiver_info.caregiver_id"],
            name=op.f("fk_caregiver_district_caregiver_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("caregiver_id", "district", name=op.f("pk_caregiver_district")),
    )
    op.create_index(
        op.f("ix_caregiver_district_district_caregiver_id"),
        "caregiver_district",
        ["district", "caregiver_id"],
        unique=False,
    )
    op.create_table(
        "caregiver_exception",
        sa.Column("exception_id", number(), autoincrement=True, nullable=False),
        sa.Column("caregiver_id", code(32), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("available", sa.Boolean(), nullable=False),
        sa.Column("start_minute", sa.Integer(), nullable=True),
        sa.Column("end_minute", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["caregiver_id"],
            ["t_caregiver_info.caregiver_id"],
            name=op.f("fk_caregiver_exception_caregiver_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("exception_id", name=op.f("pk_caregiver_exception")),
    )
    op.create_index(
        op.f("ix_caregiver_exception_caregiver_id_date"), "caregiver_exception", ["caregiver_id", "date"], unique=False
    )
    op.create_table(
        "caregiver_hospital",
        sa.Column("caregiver_id", code(32), nullable=False),
        sa.Column("hospital_id", code(32), nullable=False),
        sa.ForeignKeyConstraint(
            ["caregiver_id"],
            ["t_caregiver_info.caregiver_id"],
            name=op.f("fk_caregiver_hospital_caregiver_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("caregiver_id", "hospital_id", name=op.f("pk_caregiver_hospital")),
    )
    op.create_index(
        op.f("ix_caregiver_hospital_hospital_id_caregiver_id"),
        "caregiver_hospital",
        ["hospital_id", "caregiver_id"],
        unique=False,
    )
    op.create_table(
        "caregiver_hours",
        sa.Column("caregiver_id", code(32), nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column("start_minute", sa.Integer(), nullable=False),
        sa.Column("end_minute", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["caregiver_id"],
            ["t_caregiver_info.caregiver_id"],
            name=op.f("fk_caregiver_hours_caregiver_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("caregiver_id", "weekday", "start_minute", name=op.f("pk_caregiver_hours")),
    )
    op.create_table(
        "caregiver_open_time",
        sa.Column("caregiver_id", code(32), nullable=False),
        sa.Column("day", code(10), nullable=False),
        sa.Column("start_minute", sa.Integer(), nullable=False),
        sa.Column("end_minute", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["caregiver_id"],
            ["t_caregiver_info.caregiver_id"],
            name=op.f("fk_caregiver_open_time_caregiver_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint(
            "caregiver_id", "day", "start_minute", "end_minute", name=op.f("pk_caregiver_open_time")
        ),
    )
    op.create_table(
        "caregiver_price",
        sa.Column("caregiver_id", code(32), nullable=False),
        sa.Column("service_type", code(32), nullable=False),
        sa.Column("band", code(8), nullable=False),
        sa.Column("price_fen", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["caregiver_id"],
            ["t_caregiver_info.caregiver_id"],
            name=op.f("fk_caregiver_price_caregiver_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("caregiver_id", "service_type", "band", name=op.f("pk_caregiver_price")),
    )
    op.create_index(
        op.f("ix_caregiver_price_service_type_band_price_fen_caregiver_id"),
        "caregiver_price",
        ["service_type", "band", "price_fen", "caregiver_id"],
        unique=False,
    )
    op.create_table(
        "caregiver_skill",
        sa.Column("caregiver_id", code(32), nullable=False),
        sa.Column("skill", code(32), nullable=False),
        sa.ForeignKeyConstraint(
            ["caregiver_id"],
            ["t_caregiver_info.caregiver_id"],
            name=op.f("fk_caregiver_skill_caregiver_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("caregiver_id", "skill", name=op.f("pk_caregiver_skill")),
    )
    op.create_index(
        op.f("ix_caregiver_skill_skill_caregiver_id"), "caregiver_skill", ["skill", "caregiver_id"], unique=False
    )
    op.create_table(
        "caregiver_work_history",
        sa.Column("history_id", code(32), nullable=False),
        sa.Column("caregiver_id", code(32), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("from", sa.String(length=10), nullable=False),
        sa.Column("to", sa.String(length=10), nullable=True),
        sa.Column("employer", sa.String(length=50), nullable=False),
        sa.Column("role", sa.String(length=50), nullable=False),
        sa.ForeignKeyConstraint(
            ["caregiver_id"],
            ["t_caregiver_info.caregiver_id"],
            name=op.f("fk_caregiver_work_history_caregiver_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("history_id", name=op.f("pk_caregiver_work_history")),
    )
    op.create_index(
        op.f("ix_caregiver_work_history_caregiver_id"), "caregiver_work_history", ["caregiver_id"], unique=False
    )
    op.create_table(
        "patient_invite",
        sa.Column("invite_id", code(32), nullable=False),
        sa.Column("patient_id", code(32), nullable=False),
        sa.Column("code_hash", code(64), nullable=False),
        sa.Column("may_chat", sa.Boolean(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("used_at", Instant(), nullable=True),
        sa.Column("used_by", code(32), nullable=True),
        sa.ForeignKeyConstraint(
            ["patient_id"],
            ["t_patient_info.patient_id"],
            name=op.f("fk_patient_invite_patient_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("invite_id", name=op.f("pk_patient_invite")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_patient_invite_code_hash")),
    )
    op.create_index(op.f("ix_patient_invite_patient_id"), "patient_invite", ["patient_id"], unique=False)
    op.create_table(
        "patient_viewer",
        sa.Column("patient_id", code(32), nullable=False),
        sa.Column("user_id", code(32), nullable=False),
        sa.Column("may_chat", sa.Boolean(), nullable=False),
        sa.Column("joined_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["patient_id"],
            ["t_patient_info.patient_id"],
            name=op.f("fk_patient_viewer_patient_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["t_user.user_id"], name=op.f("fk_patient_viewer_user_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("patient_id", "user_id", name=op.f("pk_patient_viewer")),
    )
    op.create_index(op.f("ix_patient_viewer_user_id"), "patient_viewer", ["user_id"], unique=False)
    op.create_table(
        "t_qualification_certification",
        sa.Column("certification_id", code(32), nullable=False),
        sa.Column("caregiver_id", code(32), nullable=False),
        sa.Column("certificate_name", sa.String(length=50), nullable=False),
        sa.Column("certificate_number", Sealed("t_qualification_certification.certificate_number"), nullable=False),
        sa.Column("certificate_expires_on", sa.Date(), nullable=False),
        sa.Column("health_certificate_number", Sealed("t_qualification_certification.health"), nullable=False),
        sa.Column("health_certificate_expires_on", sa.Date(), nullable=False),
        sa.Column("id_number", Sealed("t_qualification_certification.id_number"), nullable=False),
        sa.Column("id_number_hash", code(64), nullable=False),
        sa.Column("id_card_front_file_id", code(32), nullable=False),
        sa.Column("id_card_back_file_id", code(32), nullable=False),
        sa.Column("certificate_file_id", code(32), nullable=False),
        sa.Column("health_certificate_file_id", code(32), nullable=False),
        sa.Column("status", code(16), nullable=False),
        sa.Column("reason", Sealed("t_qualification_certification.reason"), nullable=True),
        sa.Column("submitted_at", Instant(), nullable=False),
        sa.Column("reviewed_at", Instant(), nullable=True),
        sa.Column("reviewed_by", code(32), nullable=True),
        sa.ForeignKeyConstraint(
            ["caregiver_id"],
            ["t_caregiver_info.caregiver_id"],
            name=op.f("fk_t_qualification_certification_caregiver_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("certification_id", name=op.f("pk_t_qualification_certification")),
    )
    op.create_index(
        op.f("ix_t_qualification_certification_caregiver_id"),
        "t_qualification_certification",
        ["caregiver_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_t_qualification_certification_status_submitted_at"),
        "t_qualification_certification",
        ["status", "submitted_at"],
        unique=False,
    )


def downgrade() -> None:
    op.drop_table("t_qualification_certification")
    op.drop_table("patient_viewer")
    op.drop_table("patient_invite")
    op.drop_table("caregiver_work_history")
    op.drop_table("caregiver_skill")
    op.drop_table("caregiver_price")
    op.drop_table("caregiver_open_time")
    op.drop_table("caregiver_hours")
    op.drop_table("caregiver_hospital")
    op.drop_table("caregiver_exception")
    op.drop_table("caregiver_district")
    op.drop_table("t_patient_info")
    op.drop_table("t_caregiver_info")
    op.drop_table("stored_file")
