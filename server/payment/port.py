"""What a payment provider promises, whoever it is.

A notification is a hint that may come many times, late or never; `query` is the truth. Numbers of ours
(`out_trade_no`, `out_refund_no`) make every call repeatable: the same number again is the same thing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol


class BadSignature(Exception):
    """The notification was not signed by the provider, or too long ago; nobody need be told."""


class BadNotification(Exception):
    """Rightly signed, but not a message of this endpoint."""


class UnknownKey(Exception):
    """Signed with a key that we do not know yet (keys rotate): the provider should send it again."""


class ProviderUnreachable(Exception):
    """No answer: what was asked may have happened. Ask again with the same number."""


class ProviderRefused(Exception):
    """The provider said no and nothing happened; `code` is its own word for why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class AlreadyPaid(Exception):
    """A trade cannot be opened or closed because it was paid."""


class TradeState(StrEnum):
    """How a trade stands at the provider."""

    MISSING = "missing"  # no such number there
    WAITING = "waiting"
    PAID = "paid"
    DECLINED = "declined"
    CLOSED = "closed"
    REFUNDED = "refunded"  # was paid; some or all of it went back


class RefundState(StrEnum):
    """How a refund stands at the provider."""

    MISSING = "missing"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"  # needs a person


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeReport:
    """What the provider says of a trade. Everything below `state` is set when it was paid."""

    out_trade_no: str
    state: TradeState
    transaction_id: str | None = None  # the provider's own number of the money's movement
    amount_fen: int | None = None
    currency: str | None = None
    merchant_id: str | None = None
    app_id: str | None = None
    success_at: str | None = None  # as the provider wrote it
    failure_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundReport:
    """What the provider says of a refund; amounts in fen, `total_fen` is the whole trade's."""

    out_refund_no: str
    out_trade_no: str
    state: RefundState
    amount_fen: int | None = None
    total_fen: int | None = None
    merchant_id: str | None = None
    failure_code: str | None = None


@dataclass(frozen=True, slots=True)
class Notification:
    """A verified message of the provider."""

    notification_id: str  # the same when the same message is sent again
    report: TradeReport | RefundReport

    @property
    def kind(self) -> str:
        """"payment" or "refund"."""
        return "payment" if isinstance(self.report, TradeReport) else "refund"


class PaymentProvider(Protocol):
    """One way to pay. Calls have deadlines of their own and raise ProviderUnreachable at them."""

    name: str  # "wechat", "alipay", "sandbox": the method of a payment and the end of the notify path
    merchant_id: str
    app_ids: frozenset[str]  # ours there; a report about another app is not about us
    acknowledgement: bytes  # the body that tells the provider "taken, do not send again"

    async def prepay(
        self,
        *,
        out_trade_no: str,
        amount_fen: int,
        currency: str,
        description: str,
        channel: str | None,
        notify_url: str,
        payer: str | None,
    ) -> dict[str, Any]:
        """Open a trade and return what the payer's client needs to go on (JSON-able).

        `channel`: "mini", "oa", "h5", "native" or None; `payer`: as the provider knows them, where a channel
        needs it. The same number again gives an equally good voucher. Raises AlreadyPaid,
        ProviderUnreachable, ProviderRefused.
        """

    async def verify_notification(self, headers: Mapping[str, str], raw_body: bytes) -> Notification:
        """Check the signature over the bytes as they came, its age (5 min), and read the message.

        A header that came twice arrives joined with ",". Raises BadSignature, UnknownKey, BadNotification.
        """

    async def query(self, out_trade_no: str) -> TradeReport:
        """How a trade stands now. Raises ProviderUnreachable."""

    async def close(self, out_trade_no: str) -> None:
        """See to it that a trade cannot be paid any more; closed and missing ones stay so.

        Raises AlreadyPaid, ProviderUnreachable.
        """

    async def refund(
        self, *, out_refund_no: str, out_trade_no: str, amount_fen: int, total_fen: int, notify_url: str
    ) -> RefundReport:
        """Ask for money to go back; what returns is mostly `processing`, the end comes later.

        The same number again refunds once. Raises ProviderUnreachable, ProviderRefused.
        """

    async def query_refund(self, out_refund_no: str) -> RefundReport:
        """How a refund stands now. Raises ProviderUnreachable."""
