"""Counts ratings and visits anew from their rows."""
from typing import Any

from sqlalchemy import Integer, case, cast, func, select, update

from server.storage.tables.booking import t_order, t_order_detail
from server.storage.tables.roster import t_caregiver_info
from server.storage.transaction import Transaction


async def recount_caregivers(tx: Transaction) -> int:
    """Set every caregiver's counters to what the reviews and orders say; how many rows were written."""
    stars = t_order_detail.c.review_score
    count, total = _of_reviews(func.count(stars)), _of_reviews(func.coalesce(func.sum(stars), 0))
    completed = (
        select(func.count())
        .where(t_order.c.caregiver_id == t_caregiver_info.c.caregiver_id, t_order.c.status == "completed")
        .scalar_subquery()
    )
    values = {
        "review_count": count,
        "rating_sum": total,
        "good_count": _of_reviews(func.count(case((stars >= 4, 1)))),
        "rating_milli": _of_reviews(cast(func.round(func.avg(stars) * 1000), Integer)),  # null without reviews
        "completed_count": completed,
    }
    return await tx.run(update(t_caregiver_info).values(**values))


def _of_reviews(figure: Any) -> Any:
    own = (t_order_detail.c.caregiver_id == t_caregiver_info.c.caregiver_id, t_order_detail.c.review_score.is_not(None))
    return select(figure).where(*own).scalar_subquery()
