"""The mark of a caregiver's public page.

Whatever a page shows from other rows than the caregiver's own (prices, papers, places, reviews, cases) is kept in
caches under the page's mark. Who changes one of those rows gives the page a new mark in the same transaction, so
that a page of before is never found again, on no instance. The caregiver's own row is read at every request.
"""

from sqlalchemy import update

from server.core.ids import new_id
from server.storage.tables.roster import t_caregiver_info
from server.storage.transaction import Transaction


def new_mark() -> dict[str, str]:
    """For whoever changes the caregiver's row anyway; never used before, also not by what a restore takes back."""
    return {"page_mark": new_id()}


async def mark_page(tx: Transaction, caregiver_id: str) -> None:
    """For whoever changes other rows alone."""
    here = t_caregiver_info.c.caregiver_id == caregiver_id
    await tx.run(update(t_caregiver_info).where(here).values(new_mark()))
