"""What clients may ask of billing, as shapes of requests."""

from typing import Annotated, Literal

from pydantic import Field

from config.fields import LIMIT_DEFAULT, Body, Cursor, Fen, IdText, Limit, LocalDate, Query


class PayOrder(Body):
    """Open a payment of the whole amount."""

    order_id: IdText
    method: Literal["wechat", "alipay", "sandbox"]
    channel: Literal["mini", "oa", "h5", "native"] | None = None
    amount_fen: Fen


class PaymentById(Query):
    """One payment."""

    payment_id: IdText


class ListIncome(Query):
    """The caregiver's own income, newest first; both days included, Shanghai's calendar."""

    from_day: Annotated[LocalDate | None, Field(alias="from")] = None
    to_day: Annotated[LocalDate | None, Field(alias="to")] = None
    limit: Limit = LIMIT_DEFAULT
    cursor: Cursor | None = None


class TapSandboxPay(Body):
    """The payer's tap in the sandbox."""

    payment_id: IdText
    result: Literal["approve", "decline"]
