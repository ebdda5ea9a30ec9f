"""What people read beside each stable code, in Chinese."""
from server.core.errors import STATUS_OF_CODE

# Codes that only the HTTP edge itself answers.
EDGE_STATUS_OF_CODE: dict[str, int] = {"ok": 200, "not_served_here": 404, "method_not_allowed": 405, "internal": 500}

SENTENCES: dict[str, str] = {
    "ok": "成功",
    "malformed": "请求格式有误，无法识别",
    "sms_code_wrong": "短信验证码不正确或已失效",
    "idempotency_key_required": "该操作必须携带 Idempotency-Key",
    "unauthorized": "请先登录",
    "token_expired": "登录已过期，请重新登录",
    "login_failed": "账号或密码不正确",
    "wechat_unbound": "该微信尚未绑定账号",
    "refresh_reused": "登录凭证已被使用过，请重新登录",
    "forbidden": "当前账号没有权限执行该操作",
    "not_found": "没有找到相关内容",
    "not_served_here": "该服务进程不提供此功能",
    "method_not_allowed": "该地址不支持这种请求方法",
    "wrong_state": "当前状态下不能执行该操作",
    "phone_taken": "该手机号已注册",
    "caregiver_busy": "该陪护人员在此时段已有安排",
    "patient_busy": "该患者在此时段已有预约",
    "quote_expired": "报价已失效，请重新获取",
    "amount_mismatch": "支付金额与订单金额不一致",
    "payment_in_progress": "该订单正在支付中",
    "offer_taken": "该订单已被其他陪护人员接单",
    "offer_expired": "接单时限已过",
    "offer_withdrawn": "该派单已撤回",
    "start_code_wrong": "开始服务码不正确",
    "outside_start_window": "不在可开始服务的时间内",
    "already_finished": "服务已结束",
    "already_reviewed": "该订单已评价",
    "chat_closed": "会话已关闭",
    "idempotency_in_progress": "相同的请求正在处理中",
    "too_large": "提交的内容过大",
    "unsupported_type": "不支持的内容类型",
    "invalid": "提交的内容有误，请检查后重试",
    "unknown_field": "提交的内容含有不支持的字段",
    "outside_hours": "预约时间不在服务时间内",
    "too_soon": "预约时间过早，请至少提前 60 分钟",
    "too_far_ahead": "预约时间过远，最多提前 60 天",
    "off_grid": "预约时间必须为整刻钟",
    "invalid_duration": "预约时长不符合该服务的要求",
    "not_offered": "该陪护人员不提供此项服务",
    "idempotency_mismatch": "同一 Idempotency-Key 对应的请求内容不一致",
    "too_many_requests": "操作过于频繁，请稍后再试",
    "too_many_attempts": "尝试次数过多，请稍后再试",
    "internal": "服务器内部错误，请稍后再试",
    "unavailable": "服务暂时不可用，请稍后再试",
}

_CODE_OF_STATUS = {
    400: "malformed",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_type",
    429: "too_many_requests",
    503: "unavailable",
}


def status_of(code: str) -> int:
    """The HTTP status of any code that an answer may carry."""
    return EDGE_STATUS_OF_CODE[code] if code in EDGE_STATUS_OF_CODE else STATUS_OF_CODE[code]


def code_of_status(status: int) -> str:
    """The code for a status that Tornado itself decided on."""
    return _CODE_OF_STATUS.get(status, "malformed" if status < 500 else "internal")
