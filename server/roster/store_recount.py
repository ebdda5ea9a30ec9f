"""Counts ratings and visits anew from their rows."""
from typing import Any

from sqlalchemy import Integer, case, cast, func, select, update

from server.storage.tables.booking import t_order, t_order_detail
from server.storage.tables.roster import t_caregiver_info
from server.storage.transaction import Transaction


def _of_reviews(figure: Any) -> Any:
    own = (t_order_detail.c.caregiver_id == t_caregiver_info.c.caregiver_id, t_order_detail.c.review_score.is_not(None))
    return select(figure).where(*own).scalar_subquery()


_STARS = t_order_detail.c.review_score
# Counted among one's own, not found by the status: SQLite without statistics takes the index of all completed orders.
_COMPLETED = (
    select(func.count(case((t_order.c.status == "completed", 1))))
    .where(t_order.c.caregiver_id == t_caregiver_info.c.caregiver_id)
    .scalar_subquery()
)
RECOUNT = update(t_caregiver_info).values(
    review_count=_of_reviews(func.count(_STARS)),
    rating_sum=_of_reviews(func.coalesce(func.sum(_STARS), 0)),
    good_count=_of_reviews(func.count(case((_STARS >= 4, 1)))),
    rating_milli=_of_reviews(cast(func.round(func.avg(_STARS) * 1000), Integer)),  # null without reviews
    completed_count=_COMPLETED,
)


async def recount_caregivers(tx: Transaction) -> int:
    """Set every caregiver's counters to what the reviews and orders say; how many rows were written."""
    return await tx.run(RECOUNT)
