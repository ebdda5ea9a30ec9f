"""What is photographed of the app: every page, and its states that people meet."""

import re
from urllib.parse import urlencode

from tests.browser.window import Window
from tests.screens.camera import Shot
from tests.screens.day import Day, Order


def at(path: str, **query: str) -> str:
    return f"/m/#/{path}/index" + (f"?{urlencode(query)}" if query else "")


def _of(order: Order) -> dict[str, str]:
    return {"order_id": order["order_id"]}


def before_login(day: Day) -> list[Shot]:
    return [
        Shot("login", "登录: by password; in the sandbox the demo's people as cards", at("pages/login"), "演示身份，一键进入"),
        Shot("login-by-code", "登录: by text message", at("pages/login"), "验证码登录", _by_code, whole=False),
        Shot("register", "注册", at("pages/register"), "注册"),
        Shot("reset", "找回密码", at("pages/reset"), "找回密码"),
        Shot("bind", "绑定手机号: after a first login through WeChat", at("pages/bind", token="x"), "绑定手机号"),
        Shot("privacy", "服务条款与隐私", at("pages/privacy"), "服务条款与隐私"),
        Shot("home-guest", "首页 of a guest", at("pages/start"), "选择服务"),
        Shot("orders-guest", "订单 without a login", at("pages/plan"), "登录后查看"),
        Shot("me-guest", "我的 of a guest", at("pages/me"), "登录或注册"),
    ]


def _by_code(window: Window) -> None:
    window.page.get_by_role("tab", name="验证码登录").click()
    window.sees("获取验证码")


def of_the_family(day: Day) -> list[Shot]:
    carer = {"caregiver_id": day.carer.caregiver_id}
    father = {"patient_id": day.live["patient_id"]}
    return [
        Shot("home", "首页: the visit that runs, services, caregivers", at("pages/start"), "好评陪护人员"),
        Shot("service", "服务详情", at("pages-family/service", code="escort_half_day"), "半天陪诊"),
        Shot("search", "找陪护人员", at("pages-family/search"), "周丽华"),
        Shot("search-filters", "找陪护人员: all filters", at("pages-family/search"), "周丽华", _filters, whole=False),
        Shot("search-nothing", "找陪护人员: nobody fits", at("pages-family/search"), "周丽华", _nobody, whole=False),
        Shot("caregiver", "陪护人员: profile, certificates, reviews, cases", at("pages-family/caregiver", **carer), "周丽华"),
        Shot("booking-empty", "预约: opened from a service", at("pages-family/booking", code="escort_half_day"), "就能看到每一项费用"),
        Shot("booking", "预约: itemised price before paying", at("pages-family/booking", code="escort_half_day"), "就能看到每一项费用", _fill_in),
        Shot("pay", "支付 in the sandbox", at("pages-family/pay", **_of(day.unpaid)), re.compile("到时没有支付")),
        Shot("paid", "支付: done", at("pages-family/pay", **_of(day.searching)), "支付成功"),
        Shot("orders", "订单: by state", at("pages/plan"), "服务中"),
        Shot("orders-none", "订单: none of that state", at("pages/plan"), "服务中", _none_paid_back, whole=False),
        Shot("order-unpaid", "订单, 待支付", at("pages-family/order", **_of(day.unpaid)), "待支付"),
        Shot("order-searching", "订单, 已支付: the platform looks for a caregiver", at("pages-family/order", **_of(day.searching)), "取消订单"),
        Shot("order-tomorrow", "订单, 待服务: start code", at("pages-family/order", **_of(day.tomorrow)), "开始码"),
        Shot("order-live", "订单, 服务中: vital signs and the live timeline", at("pages-family/order", **_of(day.live)), "生命体征"),
        Shot("order-completed", "订单, 已完成 and reviewed", at("pages-family/order", **_of(day.reviewed)), re.compile("^我的评价")),
        Shot("order-cancelled", "订单, 已取消 and refunded", at("pages-family/order", **_of(day.cancelled)), "已取消"),
        Shot("chat", "聊天: text and pictures, read marks", at("pages/chat", **_of(day.live)), "放心多了", whole=False),
        Shot("cancel", "取消订单: the fee before the tap", at("pages-family/cancel", **_of(day.tomorrow)), "取消订单"),
        Shot("notices", "消息", at("pages/notices"), "消息"),
        Shot("me", "我的", at("pages/me"), "就诊人"),
        Shot("patients", "就诊人", at("pages-family/patients"), "张德明"),
        Shot("patient", "就诊人资料", at("pages-family/patient", **father), "病情"),
        Shot("patient-new", "就诊人资料: a new one, with the consent for health data", at("pages-family/patient"), "姓名"),
        Shot("viewers", "家属管理: who else may look on", at("pages-family/viewers", name="张德明", **father), "张浩", _invite),
        Shot("join", "加入家人", at("pages-family/join", code=day.invite_code), "加入"),
    ]


def _filters(window: Window) -> None:
    window.button("筛选").click()
    window.sees("擅长")


def _nobody(window: Window) -> None:
    window.page.get_by_role("textbox", name="搜索陪护人员").or_(window.page.get_by_label("搜索陪护人员").locator("input")).first.fill("没有这个人")
    window.sees("没有找到合适的陪护人员")


def _fill_in(window: Window) -> None:
    """Where and when, for the first patient, with two wishes."""
    page = window.page
    page.get_by_role("button", name=re.compile("^医院")).or_(page.get_by_text("请选择医院")).first.click()
    page.get_by_role("dialog").get_by_text("人民医院").first.click()
    page.get_by_role("radio", name=re.compile(r"^09:00")).or_(page.get_by_text("09:00", exact=True)).first.click()
    window.sees("合计")


def _none_paid_back(window: Window) -> None:
    window.page.get_by_role("tab", name="待支付").click()
    window.sees_no_more("半天陪诊")


def _invite(window: Window) -> None:
    window.tap("生成邀请码")
    window.sees("复制邀请")


def of_the_son(day: Day) -> list[Shot]:
    return [Shot("order-confirm", "订单: the service has ended, the family confirms", at("pages-family/order", **_of(day.unconfirmed)), "确认服务完成")]


def of_the_brother(day: Day) -> list[Shot]:
    return [
        Shot("order-relative", "订单 as a relative sees it: no money, no code", at("pages-family/order", **_of(day.live)), "生命体征"),
        Shot("order-case", "订单, 已完成: may the case be told?", at("pages-family/order", **_of(day.unreviewed)), "评价这次服务"),
        Shot("review", "评价", at("pages-family/review", **_of(day.unreviewed)), "提交评价", _praise),
    ]


def _praise(window: Window) -> None:
    window.page.get_by_role("radio", name="5 星").click()


def of_the_elders(day: Day) -> list[Shot]:
    """With the large type switched on."""
    return [
        Shot("elder-home", "首页 in the large type", at("pages/start"), "好评陪护人员"),
        Shot("elder-booking", "预约 in the large type", at("pages-family/booking", code="escort_half_day"), "就能看到每一项费用"),
        Shot("elder-orders", "订单 in the large type", at("pages/plan"), "服务中"),
        Shot("elder-order-live", "订单, 服务中 in the large type", at("pages-family/order", **_of(day.live)), "生命体征"),
        Shot("elder-chat", "聊天 in the large type", at("pages/chat", **_of(day.live)), "放心多了", whole=False),
        Shot("elder-me", "我的 in the large type", at("pages/me"), "就诊人"),
    ]


def of_the_caregiver(day: Day) -> list[Shot]:
    return [
        Shot("hall", "接单: offers with countdown and income", at("pages/start"), "预计收入"),
        Shot("hall-accept", "接单: asked once more", at("pages/start"), "预计收入", _would_accept, whole=False),
        Shot("schedule", "日程", at("pages/plan"), "日程"),
        Shot("visit-tomorrow", "订单, 待服务: begin with the family's code", at("pages-caregiver/order", **_of(day.tomorrow)), "开始服务"),
        Shot("visit-live", "订单, 服务中: one tap a step", at("pages-caregiver/order", **_of(day.live)), "记录进度"),
        Shot("visit-vitals", "订单: vital signs", at("pages-caregiver/order", **_of(day.live)), "记录进度", _vitals, whole=False),
        Shot("visit-note", "订单: what was done", at("pages-caregiver/order", **_of(day.live)), "记录进度", _measure, whole=False),
        Shot("visit-end", "订单: the end, with a summary", at("pages-caregiver/order", **_of(day.live)), "记录进度", _end, whole=False),
        Shot("chat", "聊天 as the caregiver sees it", at("pages/chat", **_of(day.live)), "放心多了", whole=False),
        Shot("notices", "消息", at("pages/notices"), "消息"),
        Shot("me", "我的", at("pages/me"), "我的收入"),
        Shot("income", "我的收入", at("pages-caregiver/income"), "收入"),
        Shot("reviews", "收到的评价", at("pages-caregiver/reviews"), "收到的评价"),
        Shot("settings", "时间与价格", at("pages-caregiver/settings"), "时间与价格"),
        Shot("profile", "个人资料", at("pages-caregiver/profile"), "个人资料"),
        Shot("qualification", "资质材料: approved", at("pages-caregiver/qualification"), "已通过"),
    ]


def _would_accept(window: Window) -> None:
    window.button("接单").first.click()
    window.sees("确认接单")


def _vitals(window: Window) -> None:
    window.tap("体征")
    window.says("36.6", into="体温（℃）")
    window.says("128", into="收缩压（mmHg）")


def _measure(window: Window) -> None:
    window.tap("护理")
    window.says("协助如厕，喂水 100 毫升", into="护理措施")


def _end(window: Window) -> None:
    window.tap("结束服务")
    window.says("检查都做完了，药已取", into="小结")


def of_the_newcomer(day: Day) -> list[Shot]:
    return [
        Shot("newcomer-hall", "接单 before the papers are approved", at("pages/start"), "审核"),
        Shot("newcomer-qualification", "资质材料: in review", at("pages-caregiver/qualification"), "审核中"),
        Shot("newcomer-income", "我的收入: nothing yet", at("pages-caregiver/income"), "收入"),
    ]


def of_the_elder_caregiver(day: Day) -> list[Shot]:
    return [
        Shot("elder-hall", "接单 in the large type", at("pages/start"), "预计收入"),
        Shot("elder-visit-live", "订单, 服务中 in the large type", at("pages-caregiver/order", **_of(day.live)), "记录进度"),
    ]


def on_a_tablet(day: Day) -> list[Shot]:
    return [
        Shot("home", "首页", at("pages/start"), "好评陪护人员"),
        Shot("order-live", "订单, 服务中", at("pages-family/order", **_of(day.live)), "生命体征"),
        Shot("chat", "聊天", at("pages/chat", **_of(day.live)), "放心多了", whole=False),
    ]


def on_a_desktop(day: Day) -> list[Shot]:
    return [
        Shot("home", "首页", at("pages/start"), "好评陪护人员"),
        Shot("order-live", "订单, 服务中", at("pages-family/order", **_of(day.live)), "生命体征"),
    ]
