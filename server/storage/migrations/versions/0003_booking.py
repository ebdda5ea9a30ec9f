"""Orders, offers and busy time."""

import sqlalchemy as sa
from alembic import op

from server.storage.columns import Instant, code
from server.storage.sealed import Sealed

revision = "0003_booking"
down_revision = "0002_roster"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "quote",
        sa.Column("quote_id", code(32), nullable=False),
        sa.Column("user_id", code(32), nullable=False),
        sa.Column("request_hash", code(64), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("valid_until", Instant(), nullable=False),
        sa.Column("amount_fen", sa.Integer(), nullable=False),
        sa.Column("is_urgent", sa.Boolean(), nullable=False),
        sa.Column("lines", sa.Text(), nullable=False),
        sa.Column("policy_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["t_user.user_id"], name=op.f("fk_quote_user_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("quote_id", name=op.f("pk_quote")),
    )
    op.create_index(op.f("ix_quote_user_id"), "quote", ["user_id"], unique=False)
    op.create_table(
        "t_order",
        sa.Column("order_id", code(32), nullable=False),
        sa.Column("user_id", code(32), nullable=False),
        sa.Column("patient_id", code(32), nullable=False),
        sa.Column("caregiver_id", code(32), nullable=True),
        sa.Column("named_caregiver_id", code(32), nullable=True),
        sa.Column("service_type", code(32), nullable=False),
        sa.Column("hospital_id", code(32), nullable=False),
        sa.Column("district", code(32), nullable=False),
        sa.Column("department", Sealed("t_order.department"), nullable=True),
        sa.Column("bed_no", Sealed("t_order.bed_no"), nullable=True),
        sa.Column("address", Sealed("t_order.address"), nullable=True),
        sa.Column("contact_phone", Sealed("t_order.contact_phone"), nullable=False),
        sa.Column("requirements", Sealed("t_order.requirements"), nullable=True),
        sa.Column("start_at", Instant(), nullable=False),
        sa.Column("end_at", Instant(), nullable=False),
        sa.Column("duration_minutes", sa.Integer(), nullable=False),
        sa.Column("is_urgent", sa.Boolean(), nullable=False),
        sa.Column("touches_night", sa.Boolean(), nullable=False),
        sa.Column("day_price_fen", sa.Integer(), nullable=False),
        sa.Column("amount_fen", sa.Integer(), nullable=False),
        sa.Column("income_fen", sa.Integer(), nullable=False),
        sa.Column("commission_fen", sa.Integer(), nullable=False),
        sa.Column("lines", sa.Text(), nullable=False),
        sa.Column("policy_version", sa.Integer(), nullable=False),
        sa.Column("status", code(20), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("pay_deadline_at", Instant(), nullable=False),
        sa.Column("pay_method", code(16), nullable=True),
        sa.Column("paid_at", Instant(), nullable=True),
        sa.Column("search_until", Instant(), nullable=True),
        sa.Column("wave", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_wave_at", Instant(), nullable=True),
        sa.Column("accepted_at", Instant(), nullable=True),
        sa.Column("start_code", Sealed("t_order.start_code"), nullable=True),
        sa.Column("start_code_failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("started_at", Instant(), nullable=True),
        sa.Column("finished_at", Instant(), nullable=True),
        sa.Column("finish_summary", Sealed("t_order.finish_summary"), nullable=True),
        sa.Column("confirm_due_at", Instant(), nullable=True),
        sa.Column("completed_at", Instant(), nullable=True),
        sa.Column("cancelled_at", Instant(), nullable=True),
        sa.Column("cancel_reason", Sealed("t_order.cancel_reason"), nullable=True),
        sa.Column("cancelled_by", code(16), nullable=True),
        sa.Column("cancel_fee_fen", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["caregiver_id"],
            ["t_caregiver_info.caregiver_id"],
            name=op.f("fk_t_order_caregiver_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["t_patient_info.patient_id"], name=op.f("fk_t_order_patient_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["t_user.user_id"], name=op.f("fk_t_order_user_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_t_order")),
    )
    op.create_index(op.f("ix_t_order_caregiver_id_start_at"), "t_order", ["caregiver_id", "start_at"], unique=False)
    op.create_index(op.f("ix_t_order_patient_id"), "t_order", ["patient_id"], unique=False)
    op.create_index(op.f("ix_t_order_status_confirm_due_at"), "t_order", ["status", "confirm_due_at"], unique=False)
    op.create_index(op.f("ix_t_order_status_end_at"), "t_order", ["status", "end_at"], unique=False)
    op.create_index(op.f("ix_t_order_status_next_wave_at"), "t_order", ["status", "next_wave_at"], unique=False)
    op.create_index(op.f("ix_t_order_status_pay_deadline_at"), "t_order", ["status", "pay_deadline_at"], unique=False)
    op.create_index(op.f("ix_t_order_status_search_until"), "t_order", ["status", "search_until"], unique=False)
    op.create_index(op.f("ix_t_order_user_id_created_at"), "t_order", ["user_id", "created_at"], unique=False)
    op.create_table(
        "care_case",
        sa.Column("case_id", code(32), nullable=False),
        sa.Column("caregiver_id", code(32), nullable=False),
        sa.Column("order_id", code(32), nullable=False),
        sa.Column("service_type", code(32), nullable=False),
        sa.Column("summary", Sealed("care_case.summary"), nullable=False),
        sa.Column("condition_tags", sa.Text(), nullable=False),
        sa.Column("duration_minutes", sa.Integer(), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("consented_at", Instant(), nullable=True),
        sa.Column("refused_at", Instant(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["caregiver_id"],
            ["t_caregiver_info.caregiver_id"],
            name=op.f("fk_care_case_caregiver_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["t_order.order_id"], name=op.f("fk_care_case_order_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_care_case")),
        sa.UniqueConstraint("order_id", name=op.f("uq_care_case_order_id")),
    )
    op.create_index(op.f("ix_care_case_caregiver_id"), "care_case", ["caregiver_id"], unique=False)
    op.create_table(
        "engagement",
        sa.Column("engagement_id", code(32), nullable=False),
        sa.Column("person_kind", code(16), nullable=False),
        sa.Column("person_id", code(32), nullable=False),
        sa.Column("order_id", code(32), nullable=False),
        sa.Column("start_at", Instant(), nullable=False),
        sa.Column("end_at", Instant(), nullable=False),
        sa.Column("hospital_id", code(32), nullable=False),
        sa.Column("kind", code(8), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["t_order.order_id"], name=op.f("fk_engagement_order_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("engagement_id", name=op.f("pk_engagement")),
        sa.UniqueConstraint(
            "person_kind", "person_id", "order_id", name=op.f("uq_engagement_person_kind_person_id_order_id")
        ),
    )
    op.create_index(op.f("ix_engagement_order_id"), "engagement", ["order_id"], unique=False)
    op.create_index(
        op.f("ix_engagement_person_kind_person_id_end_at_start_at"),
        "engagement",
        ["person_kind", "person_id", "end_at", "start_at"],
        unique=False,
    )
    op.create_table(
        "offer",
        sa.Column("offer_id", code(32), nullable=False),
        sa.Column("order_id", code(32), nullable=False),
        sa.Column("caregiver_id", code(32), nullable=False),
        sa.Column("wave", sa.Integer(), nullable=False),
        sa.Column("state", code(16), nullable=False),
        sa.Column("live_key", code(80), nullable=True),
        sa.Column("opened_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.Column("reason", Sealed("offer.reason"), nullable=True),
        sa.Column("income_fen", sa.Integer(), nullable=False),
        sa.Column("ranking", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["caregiver_id"], ["t_caregiver_info.caregiver_id"], name=op.f("fk_offer_caregiver_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["t_order.order_id"], name=op.f("fk_offer_order_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("offer_id", name=op.f("pk_offer")),
        sa.UniqueConstraint("live_key", name=op.f("uq_offer_live_key")),
    )
    op.create_index(
        op.f("ix_offer_caregiver_id_state_opened_at"), "offer", ["caregiver_id", "state", "opened_at"], unique=False
    )
    op.create_index(op.f("ix_offer_order_id_state"), "offer", ["order_id", "state"], unique=False)
    op.create_index(op.f("ix_offer_state_expires_at"), "offer", ["state", "expires_at"], unique=False)
    op.create_table(
        "order_event",
        sa.Column("event_id", code(32), nullable=False),
        sa.Column("order_id", code(32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("event", code(32), nullable=False),
        sa.Column("from_status", code(20), nullable=True),
        sa.Column("to_status", code(20), nullable=False),
        sa.Column("actor_type", code(16), nullable=False),
        sa.Column("actor_id", code(32), nullable=True),
        sa.Column("reason", Sealed("order_event.reason"), nullable=True),
        sa.Column("at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["t_order.order_id"], name=op.f("fk_order_event_order_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_order_event")),
        sa.UniqueConstraint("order_id", "version", name=op.f("uq_order_event_order_id_version")),
    )
    op.create_table(
        "t_order_detail",
        sa.Column("detail_id", code(32), nullable=False),
        sa.Column("order_id", code(32), nullable=False),
        sa.Column("service_record", Sealed("t_order_detail.service_record"), nullable=True),
        sa.Column("review_id", code(32), nullable=True),
        sa.Column("review_content", Sealed("t_order_detail.review_content"), nullable=True),
        sa.Column("review_score", sa.Integer(), nullable=True),
        sa.Column("review_tags", sa.Text(), nullable=True),
        sa.Column("caregiver_id", code(32), nullable=True),
        sa.Column("reviewed_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(
            ["order_id"], ["t_order.order_id"], name=op.f("fk_t_order_detail_order_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("detail_id", name=op.f("pk_t_order_detail")),
        sa.UniqueConstraint("order_id", name=op.f("uq_t_order_detail_order_id")),
        sa.UniqueConstraint("review_id", name=op.f("uq_t_order_detail_review_id")),
    )
    op.create_index(op.f("ix_t_order_detail_caregiver_id"), "t_order_detail", ["caregiver_id"], unique=False)


def downgrade() -> None:
    op.drop_table("t_order_detail")
    op.drop_table("order_event")
    op.drop_table("offer")
    op.drop_table("engagement")
    op.drop_table("care_case")
    op.drop_table("t_order")
    op.drop_table("quote")
