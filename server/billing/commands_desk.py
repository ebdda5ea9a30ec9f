"""What administrators may ask of refunds."""

from typing import Annotated, Literal

from pydantic import Field

from config.fields import LIMIT_DEFAULT, Body, Cursor, IdText, Limit, Query, Text2000

RefundFen = Annotated[int, Field(ge=1, le=1_000_000_000)]


class RefundOrder(Body):
    """Give money of an order that is over back to who paid."""

    order_id: IdText
    amount_fen: RefundFen = Field(description="退款金额(分),不超过尚未退回的金额")
    borne_by: Literal["shared", "platform"] = Field(
        "shared", description="shared:按收入与佣金的比例由陪护人员与平台共担(默认);platform:全部由平台承担"
    )
    reason: Text2000 = Field(description="记入退款单与审计")


class DecideRefund(Body):
    """A second administrator's word on a large refund."""

    request_id: IdText
    decision: Literal["approve", "reject"]
    reason: Text2000


class ListRefundRequests(Query):
    """What administrators wanted to give back, the latest first."""

    state: Literal["waiting", "approved", "rejected"] | None = None
    limit: Limit = LIMIT_DEFAULT
    cursor: Cursor | None = None
