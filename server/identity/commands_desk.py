"""What administrators may ask of accounts."""

from typing import Literal

from pydantic import Field

from config.fields import LIMIT_DEFAULT, Body, Cursor, IdText, Limit, LocalDate, Name, Query, Text2000

VerificationStatus = Literal["unverified", "pending", "verified", "rejected"]


class ListUsers(Query):
    """Accounts, the newest first."""

    user_type: Literal["patient", "caregiver", "admin"] | None = None
    verification_status: VerificationStatus | None = None
    state: Literal["active", "banned"] | None = Field(None, description="active 正常,banned 已停用")
    keyword: Name | None = Field(None, description="用户编号或手机号(完整),或用户名的一部分")
    registered_from: LocalDate | None = Field(None, description="注册日期起(北京时间,含当日)")
    registered_to: LocalDate | None = Field(None, description="注册日期止(含当日)")
    limit: Limit = LIMIT_DEFAULT
    cursor: Cursor | None = None


class BanUser(Body):
    user_id: IdText
    reason: Text2000


class UnbanUser(Body):
    user_id: IdText
    reason: Text2000


class WarnUser(Body):
    user_id: IdText
    reason: Text2000 = Field(description="会原样写入发给本人的通知")


class VerifyUser(Body):
    user_id: IdText
    decision: Literal["approve", "reject"] = Field("approve", description="approve 认证通过(默认),reject 认证不通过")
    reason: Text2000 = Field(description="会原样写入发给本人的通知")
