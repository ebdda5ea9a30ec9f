"""Columns of a caregiver that follow what happens elsewhere."""

from sqlalchemy import select, update

from server.roster.store_marks import new_mark
from server.storage.tables.identity import t_user
from server.storage.tables.roster import t_caregiver_info
from server.storage.transaction import Transaction

GOOD_SCORE = 4  # a good review has 4 or 5 stars (domain.md §9)
_info = t_caregiver_info.c


async def copy_ban(tx: Transaction, user_id: str) -> None:
    """Make the caregiver's `banned_at` equal to its account's."""
    account = select(t_user.c.banned_at).where(t_user.c.user_id == user_id).scalar_subquery()
    await tx.run(update(t_caregiver_info).where(_info.user_id == user_id).values(banned_at=account))


async def add_score(tx: Transaction, caregiver_id: str, score: int) -> None:
    """Two statements, because MySQL lets one see its own new values and SQLite does not."""
    here = _info.caregiver_id == caregiver_id
    sums = {
        "rating_sum": _info.rating_sum + score,
        "review_count": _info.review_count + 1,
        "good_count": _info.good_count + (1 if score >= GOOD_SCORE else 0),
        **new_mark(),
    }
    await tx.run(update(t_caregiver_info).where(here).values(sums))
    half_up = (_info.rating_sum * 2000 + _info.review_count) // (_info.review_count * 2)
    await tx.run(update(t_caregiver_info).where(here).values(rating_milli=half_up))


async def add_completed(tx: Transaction, caregiver_id: str) -> None:
    here = _info.caregiver_id == caregiver_id
    await tx.run(update(t_caregiver_info).where(here).values(completed_count=_info.completed_count + 1))
