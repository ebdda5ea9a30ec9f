"""What a caregiver's row does after news from elsewhere."""

from server.roster import store
from server.storage.transaction import Transaction


async def on_user_banned(tx: Transaction, user_id: str) -> None:
    """After `t_user.banned_at` was set in the same transaction; no caregiver behind the account is fine."""
    await store.copy_ban(tx, user_id)


async def on_user_unbanned(tx: Transaction, user_id: str) -> None:
    """After `t_user.banned_at` was emptied in the same transaction."""
    await store.copy_ban(tx, user_id)


async def apply_review(tx: Transaction, caregiver_id: str, score: int) -> None:
    """Count a new visible review of 1-5 stars into the rating."""
    await store.add_score(tx, caregiver_id, score)


async def count_completed(tx: Transaction, caregiver_id: str) -> None:
    """Count an order that was completed."""
    await store.add_completed(tx, caregiver_id)
