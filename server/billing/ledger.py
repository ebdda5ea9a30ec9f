"""The double-entry ledger: what happens to money, as postings.

Each posting sums to zero and is written by the transaction of what it tells; its name makes it unique,
so nothing is booked twice. A plus is what we have, a minus what we owe or have earned.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from server.billing.store_ledger import Earning, add_entries, add_settlement, order_balances
from server.core.clock import BusinessClock, shanghai_date, shanghai_midnight
from server.storage.transaction import Transaction

PROVIDER_CASH = "provider_cash"  # at the payment providers
CUSTOMER_FUNDS = "customer_funds"  # held for families until the visit is done
CAREGIVER_PAYABLE = "caregiver_payable"
PLATFORM_COMMISSION = "platform_commission"
REFUNDS_DUE = "refunds_due"  # promised back, not yet gone

DueAfterDays = Callable[[Transaction, str], Awaitable[int]]


class Ledger:
    """Writes postings; amounts in fen, never negative here.

    `due_after_days(tx, order_id)`: Shanghai days until an order's income is due (domain.md §8).
    """

    def __init__(self, *, clock: BusinessClock, due_after_days: DueAfterDays) -> None:
        self._clock = clock
        self._due_after_days = due_after_days

    async def post_payment(self, tx: Transaction, order_id: str, *, payment_id: str, amount_fen: int) -> None:
        """Money has arrived and is held for the family."""
        await self._post(
            tx, order_id, f"payment/{payment_id}", {PROVIDER_CASH: amount_fen, CUSTOMER_FUNDS: -amount_fen}
        )

    async def post_completion(
        self, tx: Transaction, order_id: str, *, caregiver_id: str, gross_fen: int, commission_fen: int
    ) -> None:
        """A visit was completed: the caregiver has earned `gross_fen` less the commission, frozen until due."""
        await self._earn(
            tx, order_id, "completion", caregiver_id=caregiver_id, gross_fen=gross_fen, commission_fen=commission_fen
        )

    async def post_cancellation(
        self, tx: Transaction, order_id: str, *, caregiver_id: str, fee_fen: int, caregiver_share_fen: int
    ) -> None:
        """A late cancellation: the fee is split (domain.md §6); without a fee nothing happens."""
        if fee_fen > 0:
            shares = {"gross_fen": fee_fen, "commission_fen": fee_fen - caregiver_share_fen}
            await self._earn(tx, order_id, "cancellation", caregiver_id=caregiver_id, **shares)

    async def _earn(
        self, tx: Transaction, order_id: str, what: str, *, caregiver_id: str, gross_fen: int, commission_fen: int
    ) -> None:
        entries = {
            CUSTOMER_FUNDS: gross_fen,
            CAREGIVER_PAYABLE: commission_fen - gross_fen,
            PLATFORM_COMMISSION: -commission_fen,
        }
        await self._post(tx, order_id, f"{what}/{order_id}", entries)
        earned_at = self._clock.now()
        earning = Earning(
            order_id=order_id,
            caregiver_id=caregiver_id,
            gross_fen=gross_fen,
            commission_fen=commission_fen,
            earned_at=earned_at,
            due_at=settlement_due_at(earned_at, due_after_days=await self._due_after_days(tx, order_id)),
        )
        await add_settlement(tx, earning)

    async def post_after_sales(
        self, tx: Transaction, order_id: str, *, refund_id: str, caregiver_fen: int, platform_fen: int
    ) -> None:
        """What had been earned is given up for a refund after the end: the money is held for the family again."""
        entries = {
            CAREGIVER_PAYABLE: caregiver_fen,
            PLATFORM_COMMISSION: platform_fen,
            CUSTOMER_FUNDS: -(caregiver_fen + platform_fen),
        }
        await self._post(tx, order_id, f"after_sales/{refund_id}", entries)

    async def post_refund_due(self, tx: Transaction, order_id: str, *, refund_id: str, amount_fen: int) -> None:
        """A refund was decided: the money is the family's again."""
        await self._post(
            tx, order_id, f"refund_due/{refund_id}", {CUSTOMER_FUNDS: amount_fen, REFUNDS_DUE: -amount_fen}
        )

    async def post_refund_done(self, tx: Transaction, order_id: str, *, refund_id: str, amount_fen: int) -> None:
        """The provider has sent it back."""
        await self._post(
            tx, order_id, f"refund/{refund_id}", {REFUNDS_DUE: amount_fen, PROVIDER_CASH: -amount_fen}
        )

    async def _post(self, tx: Transaction, order_id: str, posting: str, entries: dict[str, int]) -> None:
        if sum(entries.values()) != 0:
            raise AssertionError(f"{posting} does not balance")
        await add_entries(tx, order_id, posting, entries, at=self._clock.now())


async def balance(tx: Transaction, order_id: str) -> dict[str, int]:
    """Each account's sum for an order, in fen; together they are always zero.

    A checker also finds: `provider_cash` never below zero (refunds <= paid); `customer_funds` and
    `refunds_due` zero once the order is settled.
    """
    return await order_balances(tx, order_id)


def settlement_due_at(earned_at: datetime, *, due_after_days: int) -> datetime:
    """The first instant of the Shanghai day so many days after the one of earning, in UTC."""
    return shanghai_midnight(shanghai_date(earned_at) + timedelta(days=due_after_days))
