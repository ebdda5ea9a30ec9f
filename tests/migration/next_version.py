"""The migrations of a program that is one version ahead."""

import shutil
from pathlib import Path

from server.storage.migrate import SCRIPTS, newest_revision

NEXT = "9001_next"
_TEXT = '''"""What the next version might add."""

import sqlalchemy as sa
from alembic import op

revision = "{next}"
down_revision = "{newest}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table("novelty", sa.Column("novelty_id", sa.String(32), primary_key=True))
    op.add_column("t_user", sa.Column("nickname", sa.String(50), nullable=True))
    op.execute("UPDATE t_user SET nickname = username")


def downgrade() -> None:
    with op.batch_alter_table("t_user") as table:
        table.drop_column("nickname")
    op.drop_table("novelty")
'''


def scripts_of_the_next_version(directory: Path) -> Path:
    """All of ours and one more, in a folder there."""
    scripts = directory / "next"
    shutil.copytree(SCRIPTS, scripts, ignore=shutil.ignore_patterns("__pycache__"))
    text = _TEXT.format(next=NEXT, newest=newest_revision())
    (scripts / "versions" / f"{NEXT}.py").write_text(text, encoding="utf-8")
    return scripts
