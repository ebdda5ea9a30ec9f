"""Real adapters against the fakes, with deadlines that a test can wait for."""
from server.core.breaker import Breaker
from server.push.senders.aliyun import AliyunSms
from server.push.senders.posting import HttpPost
from server.push.senders.wechat import MiniProgramMessages, OfficialAccountMessages
from server.push.senders.wording import Wording
from server.wechat.app import WeChatApp
from server.wechat.tokens import InProcessShelf
from tests.fakes.sms import ACCESS_KEY, SECRET, SIGN_NAME
from tests.fakes.wechat import MINI, MINI_SECRET, OA, OA_SECRET

ACCEPTED = Wording(
    "tmplAccepted",
    {"thing1": "service_name", "name2": "caregiver_name", "time3": "period"},
    "pages/order?id={order_id}",
)
WORDINGS = {"caregiver_accepted": ACCEPTED}
PARAMS = {
    "service_name": "小时陪诊",
    "caregiver_name": "王芳",
    "patient_name": "李奶奶",
    "start_text": "10月2日(周五)09:00至11:00",
    "period": "2026年10月2日 09:00~2026年10月2日 11:00",
    "order_id": "01jb2mzn0c3w6v4c5k7h8q9r0s",
}


# Patient, because a machine that builds may stand still for seconds; hurried is for who wants to see a deadline pass.
PATIENT = {"connect_s": 15.0, "read_s": 15.0, "within_s": 30.0}
HURRIED = {"connect_s": 0.3, "read_s": 0.3, "within_s": 1.0}


def wechat_app(fake, app_id=MINI, *, shelf=None, new_breaker=lambda: Breaker(failures=1_000), **limits):
    deadlines = PATIENT | limits
    return WeChatApp(
        app_id,
        {MINI: MINI_SECRET, OA: OA_SECRET}[app_id],
        base_url=fake.url + "/",
        pages_url=fake.url + "/connect/",
        shelf=shelf or InProcessShelf(),
        new_breaker=new_breaker,
        **deadlines,
    )


def mini_messages(app):
    return MiniProgramMessages(app=app, wordings=WORDINGS, version="formal")


def oa_messages(app):
    return OfficialAccountMessages(app=app, wordings=WORDINGS)


def aliyun_sms(fake, post, *, breaker=None, **changes):
    given = {"access_key": ACCESS_KEY, "secret": SECRET, "sign_name": SIGN_NAME}
    given["templates"] = {"caregiver_accepted": "SMS_1", "sms_code_login": "SMS_2"}
    return AliyunSms(base_url=fake.url, post=post, breaker=breaker or Breaker(failures=1_000), **given | changes)


def http_post(deadlines=PATIENT):
    return HttpPost(connect_s=deadlines["connect_s"], within_s=deadlines["within_s"])


def equip_wechat(fake, openid="oA"):
    """Somebody with both apps who agreed and follows; the templates are approved."""
    for app_id in (MINI, OA):
        fake.template(app_id, ACCEPTED.template_id, *ACCEPTED.fields)
        fake.person(app_id, openid)
    fake.grants[openid, ACCEPTED.template_id] = 1_000
    fake.followers.add(openid)


def equip_sms(fake):
    fake.templates |= {"SMS_1": ("caregiver_name", "service_name", "start_text"), "SMS_2": ("code",)}


def a_message(*, template="caregiver_accepted", once_key="k1", params=None, code=None):
    message = {"template": template, "text": "【陪护】王芳已接受。", "code": code, "once_key": once_key}
    return message | {"params": PARAMS | (params or {})}
