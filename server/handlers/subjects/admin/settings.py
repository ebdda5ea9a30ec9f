"""The rules for administrators (contract.md §10)."""

from typing import Any

from config.policy import Policy
from server.core.operation import ADMIN, Operation
from server.rulebook.changing import Rules
from server.rulebook.commands import ChangeSettings, ListEditions, ReadSettings

_HEAD: dict[str, Any] = {
    "version": 2,
    "changed": ["price", "templates"],
    "reason": "国庆假期与佣金调整",
    "made_by": "01k6m2v9q8s4t7w1x3y5z6a8b9",
    "made_by_name": "值班管理员",
    "made_at": "2026-11-29T10:00:00.000+08:00",
}
_PRICE = {
    "service_type": "escort_half_day",
    "service_type_text": "半天陪诊",
    "unit_text": "半天",
    "base_price_fen": 20000,
    "min_price_fen": 10000,
    "max_price_fen": 60000,
}
_TEMPLATE = {
    "name": "order_completed",
    "title": "订单已完成",
    "content": "{service_name}订单已完成。服务时间:{start_text}。感谢您的信任。",
    "default_title": "订单已完成",
    "default_content": "{service_name}订单已完成。服务时间:{start_text}。感谢您的信任。",
    "variables": ["service_name", "start_text"],
    "critical": False,
    "preview": "陪诊服务订单已完成。服务时间:见订单详情。感谢您的信任。",
}
_NUMBERS = Policy().model_dump(mode="json")
_SETTINGS = _HEAD | {"is_newest": True} | _NUMBERS | {"prices": [_PRICE], "templates": [_TEMPLATE]}
_SETTINGS["price"] = _NUMBERS["price"] | {"holidays": ["2026-10-01"]}
_WRITES = """只需给出要改的项,未给出的保持不变;列表(prices 除外)整体替换,prices 与 templates 按服务类型与模板名逐项替换。
version 须为最新版本,否则回答 wrong_state,data 为 {version: 最新版本}。新版本在2秒内对所有实例生效,只用于此后的报价与下单;
已有订单(及有效报价)始终按其下单时的版本计费、取消、开始、确认与结算。模板内容只能使用其 variables,多余的变量或花括号
会被拒绝;陪护人员已设的价格在其下次保存前不受新上下限影响。审计 detail 为各项的 before 与 after。
preview 为 true 时只校验并返回变更后的样子。"""


def settings_operations(rules: Rules) -> list[Operation]:
    return [
        Operation(
            "GET",
            "/api/admin/settings",
            ReadSettings,
            rules.read_settings,
            ADMIN,
            "设置:价格标准、时间规则、派单、取消费、佣金、通知模板",
            about="返回最新版本或指定版本的全部设置。金额为分,_bp 为万分比,_min 为分钟。templates 的 preview 以通用词语代入变量,"
            "critical 为 true 的同时以微信或短信发送。",
            example=_SETTINGS,
        ),
        Operation(
            "POST",
            "/api/admin/settings",
            ChangeSettings,
            rules.change_settings,
            ADMIN,
            "修改设置,生成新版本",
            refusals=("wrong_state",),
            about=_WRITES,
            example=_SETTINGS,
        ),
        Operation(
            "GET",
            "/api/admin/settings/history",
            ListEditions,
            rules.list_editions,
            ADMIN,
            "设置的历次版本",
            about="从新到旧。changed 为该版本改动的部分;版本1为系统初始值,made_by 为 null。",
            example={"items": [_HEAD], "next_cursor": None},
        ),
    ]
