"""The words of every notice, and which of them leave the app.

Variables are named and all known here; a text that names another one is refused when it is loaded, and
a notice for which a variable is missing is a bug of its sender, not a hole in a sentence.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

_VARIABLE = re.compile(r"\{([a-z_]+)\}")
_TITLE_LENGTH = 100  # the column's
SIGNATURE = "【陪护】"  # in front of every text message, as operators demand

# What may stand in a text, and what is said where a service of the owner's leaves it out.
FALLBACKS: dict[str, str] = {
    "amount_text": "见订单详情",
    "at_text": "见订单详情",
    "caregiver_name": "陪护人员",
    "code": "请在订单详情中查看",
    "deadline_text": "见邀约详情",
    "hospital_name": "见订单详情",
    "patient_name": "患者",
    "reason": "未说明",
    "result_text": "请在应用内查看",
    "score": "见评价详情",
    "service_name": "陪诊服务",
    "start_text": "见订单详情",
    "text": "请在应用内查看",
}


class BadTemplate(ValueError):
    """A text that cannot be used: an unknown template or variable, or an impossible length."""


class MissingVariable(ValueError):
    """A notice without a value for a variable of its text."""


@dataclass(frozen=True, slots=True)
class Template:
    """One notice: `{names}` in the content are variables; critical ones also go out by WeChat or SMS."""

    name: str
    title: str
    content: str
    critical: bool = False

    @property
    def variables(self) -> frozenset[str]:
        return frozenset(_VARIABLE.findall(self.content))


@dataclass(frozen=True, slots=True)
class Rendered:
    """A notice as a person reads it."""

    title: str
    content: str
    critical: bool


# contract.md §8 lists the first nine; the others tell what a person would otherwise learn too late.
NOTICES: tuple[Template, ...] = (
    Template(
        "booking_succeeded",
        "预约成功",
        "您为{patient_name}预约的{service_name}已支付成功。服务时间：{start_text}。正在为您确认陪护人员，请留意后续通知。",
        critical=True,
    ),
    Template(
        "caregiver_accepted",
        "陪护人员已接单",
        "{caregiver_name}已接受为{patient_name}预约的{service_name}。服务时间：{start_text}。",
        critical=True,
    ),
    Template(
        "service_started",
        "服务已开始",
        "{caregiver_name}已开始为{patient_name}提供{service_name}。开始时间：{at_text}。",
        critical=True,
    ),
    Template(
        "service_finished",
        "服务已结束",
        "{caregiver_name}已结束为{patient_name}提供的{service_name}。结束时间：{at_text}。请查看服务记录并确认。",
        critical=True,
    ),
    Template("order_completed", "订单已完成", "{service_name}订单已完成。服务时间：{start_text}。感谢您的信任。"),
    Template(
        "order_cancelled",
        "订单已取消",
        "{service_name}订单已取消。服务时间：{start_text}。取消原因：{reason}。",
        critical=True,
    ),
    Template(
        "refund_succeeded",
        "退款成功",
        "{service_name}订单的退款已原路退回。退款金额：{amount_text}。",
        critical=True,
    ),
    Template("review_received", "收到新评价", "您完成的{service_name}收到了新评价。评分：{score}。"),
    Template(
        "qualification_reviewed",
        "资质审核结果",
        "您提交的资质已审核。审核结果：{result_text}。说明：{reason}。",
        critical=True,
    ),
    Template(
        "caregiver_withdrew",
        "正在重新安排陪护人员",
        "{service_name}原陪护人员因故无法服务，正在为您重新安排。服务时间：{start_text}。您也可以免费取消。",
        critical=True,
    ),
    Template(
        "caregiver_changed",
        "陪护人员已更换",
        "为{patient_name}预约的{service_name}已改由{caregiver_name}服务，费用不变。服务时间：{start_text}。",
        critical=True,
    ),
    Template(
        "order_assigned",
        "平台为您安排了服务",
        "平台已安排您提供{service_name}。服务时间：{start_text}。医院：{hospital_name}。如不能前往，请尽快在订单中退单。",
        critical=True,
    ),
    Template(
        "order_taken_over",
        "服务安排已变更",
        "{service_name}订单已改由其他陪护人员服务，您无需前往。服务时间：{start_text}。如有疑问请联系客服。",
        critical=True,
    ),
    Template(
        "income_adjusted",
        "收入有调整",
        "{service_name}订单发生退款，您的收入减少{amount_text}。服务时间：{start_text}。明细见收入，如有疑问请联系客服。",
        critical=True,
    ),
    Template(
        "offer_received",
        "新的服务邀约",
        "您有新的{service_name}邀约。服务时间：{start_text}。医院：{hospital_name}。请在{deadline_text}前响应。",
    ),
    Template(
        "start_code_renewed",
        "开始服务码已更新",
        "新的开始服务码：{code}。请在陪护人员到达后告知对方，不要提前透露。",
    ),
    Template(
        "service_reminder",
        "服务即将开始",
        "{service_name}即将开始。服务时间：{start_text}。医院：{hospital_name}。",
    ),
    Template("account_warned", "账号提醒", "您的账号收到一次提醒。原因：{reason}。"),
    Template("account_banned", "账号已停用", "您的账号已被停用。原因：{reason}。如有异议请联系客服。", critical=True),
    Template("account_unbanned", "账号已恢复", "您的账号已恢复使用，请重新登录。说明：{reason}。", critical=True),
    Template("account_verified", "信息核实结果", "您的注册信息已核实。结果：{result_text}。说明：{reason}。"),
    Template("announcement", "系统通知", "{text}"),
)


class Templates:
    """The texts in use. Raises BadTemplate at once for a text that could not be filled later."""

    def __init__(self, templates: Iterable[Template] = NOTICES) -> None:
        self._by_name: dict[str, Template] = {}
        for template in templates:
            _require_usable(template)
            if template.name in self._by_name:
                raise BadTemplate(f"{template.name} stands here twice")
            self._by_name[template.name] = template

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._by_name)

    @property
    def critical_names(self) -> tuple[str, ...]:
        """Those that leave the app."""
        return tuple(name for name, template in self._by_name.items() if template.critical)

    def of(self, name: str) -> Template:
        """Raises KeyError."""
        return self._by_name[name]

    def variables_of(self, name: str) -> frozenset[str]:
        """What every sender of this notice gives. Raises KeyError."""
        return self._by_name[name].variables

    def with_texts(self, texts: Mapping[str, tuple[str, str]]) -> "Templates":
        """These templates with other (title, content) by name; only the variables of the old text are there.

        Raises BadTemplate.
        """
        changed = dict(self._by_name)
        for name, (title, content) in texts.items():
            if name not in changed:
                raise BadTemplate(f"{name} is no template")
            new = replace(changed[name], title=title, content=content)
            if surplus := new.variables - changed[name].variables:
                raise BadTemplate(f"{name} has no variable {min(surplus)}")
            changed[name] = new
        return Templates(changed.values())

    def render(self, name: str, params: Mapping[str, str | int]) -> Rendered:
        """Raises MissingVariable, and KeyError for an unknown template: both are bugs of the caller."""
        template = self._by_name[name]
        if missing := template.variables - params.keys():
            raise MissingVariable(f"{name} needs {min(missing)}")
        content = _VARIABLE.sub(lambda found: str(params[found[1]]), template.content)
        return Rendered(template.title, content, template.critical)

    def render_leniently(self, name: str, params: Mapping[str, str | int]) -> Rendered:
        """As `render`, for callers outside: what is left out is said in general words, never refused."""
        return self.render(name, {**FALLBACKS, **params})


def _require_usable(template: Template) -> None:
    if not 0 < len(template.title) <= _TITLE_LENGTH or not template.content.strip():
        raise BadTemplate(f"{template.name}: a title of 1-{_TITLE_LENGTH} characters and a content are needed")
    if unknown := template.variables - FALLBACKS.keys():
        raise BadTemplate(f"{template.name}: {min(unknown)} is no variable")
    if set("{}") & set(_VARIABLE.sub("", template.title + template.content)) or _VARIABLE.search(template.title):
        raise BadTemplate(f"{template.name}: braces stand around variables of the content only")
