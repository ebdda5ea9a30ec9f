"""The administrators' first page (contract.md §10)."""

from typing import Any

from server.core.operation import ADMIN, Operation
from server.handlers.subjects.admin.examples_orders import ALARM
from server.insight.commands import ReadOverview
from server.insight.overview import Overview

_MONEY = {"gross_fen": 96000, "refunds_fen": 24000, "net_fen": 72000, "commission_fen": 14400}
_STATUS = {"status": "paid", "status_text": "已支付", "count": 3}
_GROUP = {"code": "escort_half_day", "name": "半天陪诊", "orders": 31, "cancelled": 4}
_OVERVIEW: dict[str, Any] = {
    "at": "2026-11-29T10:00:00.000+08:00",
    "day": "2026-11-29",
    "orders": {"created": 12, "by_status": [_STATUS], "live": [_STATUS]},
    "income": _MONEY,
    "users": {
        "total": 5210,
        "new_today": 17,
        "by_type": [{"user_type": "patient", "user_type_text": "患者家属", "total": 4800, "new_today": 15}],
    },
    "caregivers": {"approved": 400, "listening": 260, "connected": 180},
    "alarms": {"open": 2, "latest": [ALARM]},
    "waiting": {"qualifications": 5, "refund_requests": 1},
    "series": {
        "days": 7,
        "daily": [{"day": "2026-11-29", "orders": 12, "completed": 2, "cancelled": 1} | _MONEY],
        "by_service_type": [_GROUP],
        "by_district": [_GROUP | {"code": "dongcheng", "name": "东城区"}],
    },
}
_ABOUT = """日期均按北京时间,金额单位为分。
orders:created 今日创建的订单数;by_status 今日创建的订单现在各处于何状态;live 全部未结束订单现在的状态。
income(今日,取自账目):gross_fen 渠道到账,refunds_fen 渠道退出,net_fen 两者之差,commission_fen 平台佣金(已扣除售后退还)。
未支付的订单不计入任何金额。
users:total 账号总数,new_today 今日注册。
caregivers:approved 今日可服务者(资质已通过且证件有效,未停用);listening 其中已开启接单者;connected 当前保持实时连接的
陪护人员账号数,为各实例之和(同时连到两个实例者计两次,约5秒更新一次)。
alarms:open 未关闭的告警数,latest 其中最近10条。waiting:待审核资质数与待复核退款数。
series(最近 days 天,含今日):daily 每日创建的订单数、其中现已完成与现已取消数,以及当日的金额(定义同 income);
by_service_type、by_district 为这些天创建的订单数及其中现已取消数,从多到少。"""


def overview_operations(overview: Overview) -> list[Operation]:
    return [
        Operation(
            "GET",
            "/api/admin/overview",
            ReadOverview,
            overview.read_overview,
            ADMIN,
            "工作台:今日数字、待办、告警与近日序列",
            about=_ABOUT,
            example=_OVERVIEW,
        ),
    ]
