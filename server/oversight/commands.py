"""What administrators may ask of the audit and of alarms."""

from typing import Literal

from pydantic import Field

from config.fields import LIMIT_DEFAULT, Body, ClientId, Cursor, IdText, Limit, LocalDate, Query, Text2000


class ListAudit(Query):
    """Who did what to whom, the latest first."""

    actor_id: IdText | None = Field(None, description="操作人的账号编号")
    actor_type: Literal["admin", "patient", "caregiver", "system"] | None = None
    action: ClientId | None = Field(None, description="操作,如 admin.order.reassign")
    target: ClientId | None = Field(None, description="对象,如 order:<编号>、user:<编号>、certification:<编号>")
    from_day: LocalDate | None = Field(None, alias="from", description="日期起(北京时间,含当日)")
    to_day: LocalDate | None = Field(None, alias="to", description="日期止(含当日)")
    limit: Limit = LIMIT_DEFAULT
    cursor: Cursor | None = None


class ListAlarms(Query):
    """Alarms, the latest first."""

    state: Literal["open", "closed"] | None = Field(None, description="open 未关闭,closed 已关闭,缺省为全部")
    kind: ClientId | None = Field(None, description="告警种类")
    order_id: IdText | None = None
    limit: Limit = LIMIT_DEFAULT
    cursor: Cursor | None = None


class CloseAlarm(Body):
    alarm_id: IdText
    reason: Text2000 = Field(description="如何处理的")
