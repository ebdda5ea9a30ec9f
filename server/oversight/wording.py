"""The Chinese words of alarms and deeds."""

ACTOR_TEXTS = {"admin": "管理员", "patient": "患者家属", "caregiver": "陪护人员", "service": "内部服务", "system": "系统"}
ACTION_TEXTS = {
    "admin.user.warn": "警告账号",
    "admin.user.ban": "停用账号",
    "admin.user.unban": "恢复账号",
    "admin.user.verify": "核实注册信息",
    "admin.qualification.claim": "领取资质审核",
    "admin.qualification.detail": "查看资质材料",
    "admin.qualification.review": "审核资质",
    "admin.alarm.close": "关闭告警",
    "admin.settings": "修改设置",
    "admin.order.detail": "查看订单全貌",
    "order.detail": "查看订单详情",
    "order.list": "查看订单列表",
    "chat.history": "查看聊天记录",
    "note.list": "查看护理记录",
    "file.open": "打开文件",
    "admin.order.reassign": "改派订单",
    "admin.order.cancel": "取消订单",
    "admin.order.refund": "退款",
    "admin.order.refund_decide": "复核退款",
}
ALARM_TEXTS = {
    "unaccepted_near_start": "临近开始仍无人接单",
    "not_started": "到时未开始服务",
    "overrun": "服务超时未结束",
    "give_up": "无人接单，订单已取消",
    "never_started": "始终未开始，订单已取消",
    "refund_waiting": "退款待另一位管理员确认",
    "refund_stuck": "退款迟迟未完成",
    "refund_refused": "渠道拒绝退款",
    "refund_failed": "渠道退款异常",
    "refund_unknown": "未知的退款通知",
    "payment_unknown": "未知的支付通知",
    "payment_mismatch": "支付或退款通知不符",
    "outbox_stuck": "待发事项积压",
    "backup_failed": "定时备份失败",
}
SOLVED = "情况已解除，系统自动关闭"
