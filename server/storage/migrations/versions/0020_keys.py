"""A primary key for every table, as replicas want it, and servers with `sql_require_primary_key` insist on it.

Databases that were made since have theirs from 0002. No step goes back: an older program does not mind the keys.
"""

import sqlalchemy as sa
from alembic import op

from server.storage.columns import code, number

revision = "0020_keys"
down_revision = "0019_rules"
branch_labels = None
depends_on = None

_UNIQUE_BEFORE = {
    "caregiver_district": ("caregiver_id", "district"),
    "caregiver_hospital": ("caregiver_id", "hospital_id"),
    "caregiver_hours": ("caregiver_id", "weekday", "start_minute"),
    "caregiver_open_time": ("caregiver_id", "day", "start_minute", "end_minute"),
    "caregiver_price": ("caregiver_id", "service_type", "band"),
    "caregiver_skill": ("caregiver_id", "skill"),
}
_EXCEPTION = ("caregiver_id", "date", "available", "start_minute", "end_minute")


def upgrade() -> None:
    look = sa.inspect(op.get_bind())
    for table, columns in _UNIQUE_BEFORE.items():  # what a death in the middle has done on MySQL is not done again
        unique = f"uq_{table}_{'_'.join(columns)}"
        has_key = bool(look.get_pk_constraint(table)["constrained_columns"])
        is_still_there = any(one["name"] == unique for one in look.get_unique_constraints(table))
        with op.batch_alter_table(table) as change:
            if not has_key:  # first: on MySQL the foreign key needs an index that begins with its column
                change.create_primary_key(op.f(f"pk_{table}"), list(columns))
            if is_still_there:
                change.drop_constraint(op.f(unique), type_="unique")
    if not look.get_pk_constraint("caregiver_exception")["constrained_columns"]:
        _number_exceptions()


def _number_exceptions() -> None:
    """An older program that goes on meanwhile names no number; the database counts."""
    if op.get_bind().dialect.name == "mysql":
        op.execute("ALTER TABLE caregiver_exception ADD exception_id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY FIRST")
        return
    op.drop_index("ix_caregiver_exception_caregiver_id_date", table_name="caregiver_exception")
    op.rename_table("caregiver_exception", "caregiver_exception_before")
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
    named = ", ".join(f'"{column}"' for column in _EXCEPTION)
    op.execute(f"INSERT INTO caregiver_exception ({named}) SELECT {named} FROM caregiver_exception_before")
    op.drop_table("caregiver_exception_before")
    op.create_index(
        op.f("ix_caregiver_exception_caregiver_id_date"), "caregiver_exception", ["caregiver_id", "date"], unique=False
    )


def downgrade() -> None:
    """The keys stay."""
