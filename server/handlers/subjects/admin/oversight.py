"""The audit and alarms for administrators (contract.md §10)."""

from server.core.operation import ADMIN, Operation
from server.handlers.subjects.admin.examples_orders import ALARM, AUDIT_ENTRY
from server.oversight.alarms import Alarms
from server.oversight.commands import CloseAlarm, ListAlarms, ListAudit
from server.oversight.trail import AuditTrail
from server.oversight.wording import ALARM_TEXTS

_KINDS = "、".join(f"{kind} {text}" for kind, text in ALARM_TEXTS.items())


def oversight_operations(*, trail: AuditTrail, alarms: Alarms) -> list[Operation]:
    return [
        Operation(
            "GET",
            "/api/admin/audit/list",
            ListAudit,
            trail.list_audit,
            ADMIN,
            "审计记录:谁在何时、为何、对谁做了什么",
            about="从新到旧。每项管理操作一行,与操作本身同时写入,不能修改或删除;查看健康信息也留有一行。"
            "detail 的内容随操作而不同,常见为 before(变更前)与 after(变更后)。时间为服务器时间。",
            example={"items": [AUDIT_ENTRY], "next_cursor": None},
        ),
        Operation(
            "GET",
            "/api/admin/alarm/list",
            ListAlarms,
            alarms.list_alarms,
            ADMIN,
            "告警列表",
            about="从新到旧。实时频道 ops 上,新告警为事件 ops.alarm(alarm_id, kind, order_id, text),"
            "关闭为事件 ops.alarm_closed(alarm_id, kind, order_id)。同一情况只告警一次;情况解除后自动关闭"
            f"(closed_by 为 null),再次出现会再次告警。\n种类:{_KINDS}。",
            example={"items": [ALARM], "next_cursor": None},
        ),
        Operation(
            "POST",
            "/api/admin/alarm/close",
            CloseAlarm,
            alarms.close,
            ADMIN,
            "关闭告警",
            refusals=("wrong_state",),
            about="已处理的告警由管理员关闭;情况尚未解除时不会重复告警。已关闭时回答 wrong_state。",
            example={"alarm_id": ALARM["alarm_id"], "closed_at": "2026-11-29T12:10:00.000+08:00"},
        ),
    ]
