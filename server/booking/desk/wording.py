"""The Chinese words of an order's history."""

EVENT_TEXTS = {
    "create": "下单",
    "pay": "支付成功",
    "pay_deadline": "超时未支付",
    "cancel": "取消",
    "late_payment": "取消后到账",
    "second_payment": "重复支付",
    "accept": "接单",
    "give_up": "无人接单",
    "withdraw": "退单",
    "reassign": "改派",
    "never_started": "始终未开始",
    "start": "开始服务",
    "finish": "结束服务",
    "confirm": "确认完成",
    "auto_confirm": "自动确认完成",
}
ACTOR_TEXTS = {"patient": "家属", "caregiver": "陪护人员", "admin": "管理员", "system": "系统"}
OFFER_TEXTS = {
    "open": "待答复",
    "accepted": "已接单",
    "taken": "已被他人接单",
    "expired": "已过时限",
    "withdrawn": "已撤回",
    "rejected": "已拒单",
}
