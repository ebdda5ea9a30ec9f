"""What administrators may ask of orders."""

from pydantic import Field

from config.fields import (
    LIMIT_DEFAULT,
    Body,
    ClientId,
    Cursor,
    IdText,
    Limit,
    LocalDate,
    Name,
    Query,
    QueryBool,
    Text2000,
)
from server.booking.commands import StatusCode


class SearchOrders(Query):
    """All orders, the newest first."""

    status: StatusCode | None = None
    hospital_id: ClientId | None = None
    district: ClientId | None = None
    service_type: ClientId | None = None
    caregiver_id: IdText | None = Field(None, description="已接单的陪护人员")
    start_from: LocalDate | None = Field(None, description="服务开始日期起(北京时间,含当日)")
    start_to: LocalDate | None = Field(None, description="服务开始日期止(含当日)")
    created_from: LocalDate | None = Field(None, description="下单日期起(北京时间,含当日)")
    created_to: LocalDate | None = Field(None, description="下单日期止(含当日)")
    keyword: Name | None = Field(None, description="订单编号,或完整的手机号,或完整的患者姓名、陪护人员姓名")
    stuck: QueryBool | None = Field(None, description="true 只看有未关闭告警的订单")
    limit: Limit = LIMIT_DEFAULT
    cursor: Cursor | None = None


class ReadOrderFile(Query):
    """One order with everything that belongs to it."""

    order_id: IdText
    reason: Name | None = Field(None, description="填写后才附上聊天与护理记录的内容,并记入审计")


class ListCandidates(Query):
    """Who could take an order over, and who not."""

    order_id: IdText
    caregiver_id: IdText | None = Field(None, description="只看这一位:为何可以、为何不可以")


class ReassignOrder(Body):
    """Another caregiver takes the order over, at its price."""

    order_id: IdText
    caregiver_id: IdText
    reason: Text2000 = Field(description="仅供内部查阅,不会告知当事人")
    consented: bool = Field(
        False, description="true:已与该陪护人员当面或电话商定,可以超出其公布的时间、区域、类型与价格"
    )


class CancelAnyOrder(Body):
    """The platform ends an order; everything paid goes back."""

    order_id: IdText
    reason: Text2000 = Field(description="会作为取消原因告知家属与陪护人员")
