"""Accounts for administrators (contract.md §10)."""

from typing import Any

from server.core.operation import ADMIN, Operation
from server.identity.bans import Bans
from server.identity.commands_desk import BanUser, ListUsers, UnbanUser, VerifyUser, WarnUser
from server.identity.directory import Directory
from server.identity.measures import Measures

_USER: dict[str, Any] = {
    "user_id": "01k6m2v9q8s4t7w1x3y5z6a8b9",
    "username": "王小明",
    "user_type": "caregiver",
    "user_type_text": "陪护人员",
    "phone_masked": "138****8000",
    "registered_at": "2026-11-02T09:30:00.000+08:00",
    "verification_status": "verified",
    "verification_status_text": "已认证",
    "banned_at": None,
    "ban_reason": None,
    "warning_count": 1,
    "order_count": 0,
    "patient_count": 0,
    "caregiver": {
        "caregiver_id": "01k6m2vaq8s4t7w1x3y5z6a8c1",
        "name": "王秀兰",
        "qualification_status": "approved",
        "qualification_status_text": "已通过",
        "completed_count": 31,
        "rating": 4.8,
        "listening": True,
    },
}


def account_operations(*, directory: Directory, measures: Measures, bans: Bans) -> list[Operation]:
    return [
        Operation(
            "GET",
            "/api/admin/user/list",
            ListUsers,
            directory.list_users,
            ADMIN,
            "账号列表",
            about="按注册时间从新到旧。order_count 为该账号预约过的订单数,patient_count 为其名下未删除的患者数;"
            "caregiver 仅陪护人员账号有,尚未填写资料时为 null。手机号只显示掩码,可用完整号码查找。",
            example={"items": [_USER], "next_cursor": None},
        ),
        Operation(
            "POST",
            "/api/admin/user/warn",
            WarnUser,
            measures.warn,
            ADMIN,
            "警告账号,本人会收到通知",
            refusals=("wrong_state",),
            about="记录一次警告并以系统通知告知本人(含原因)。不能警告管理员账号。",
            example={"user_id": _USER["user_id"], "warning_id": "01k6m3aa000000000000000001", "warning_count": 2},
        ),
        Operation(
            "POST",
            "/api/admin/user/ban",
            BanUser,
            bans.ban,
            ADMIN,
            "停用账号",
            refusals=("wrong_state",),
            about="所有登录立即失效,各实例上的实时连接在2秒内关闭;陪护人员尚未开始的订单会重新派单,未接受的邀约撤回。"
            "本人会收到短信或微信通知。不能停用自己。",
            example={"user_id": _USER["user_id"], "banned_at": "2026-11-29T10:00:00.000+08:00"},
        ),
        Operation(
            "POST",
            "/api/admin/user/unban",
            UnbanUser,
            bans.unban,
            ADMIN,
            "恢复账号",
            refusals=("wrong_state",),
            about="账号可以重新登录;此前结束的登录不会恢复。本人会收到通知。",
            example={"user_id": _USER["user_id"], "banned_at": None},
        ),
        Operation(
            "POST",
            "/api/admin/user/verify",
            VerifyUser,
            measures.verify,
            ADMIN,
            "核实账号的注册信息",
            refusals=("wrong_state",),
            about="把认证状态定为“已认证”或“未通过”,本人会收到通知;状态没有变化时回答 wrong_state。",
            example={
                "user_id": _USER["user_id"],
                "verification_status": "verified",
                "verification_status_text": "已认证",
            },
        ),
    ]
