"""Opens WeChat and SMS, as settings say.

Each app and each way is opened for itself: what has credentials is real, in the sandbox too; what has none is
the sandbox's stand-in, or in production missing, and said so at start.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from config.settings import Settings, WechatTemplate
from server.core.breaker import Breaker
from server.identity.wechat import NoWeChat, SandboxWeChat, WeChatLogin
from server.identity.wechat_apps import WeChatApps
from server.outside import CannotOpen
from server.push.senders.aliyun import AliyunSms
from server.push.senders.port import Sender
from server.push.senders.posting import HttpPost
from server.push.senders.sandbox import SandboxSender
from server.push.senders.wechat import MiniProgramMessages, OfficialAccountMessages
from server.push.senders.wording import Wording, read_wordings
from server.push.templates import BadTemplate, Templates
from server.storage.redis.link import RedisLink
from server.storage.shared_tokens import RedisTokenShelf
from server.storage.sql import Database
from server.wechat.app import WeChatApp
from server.wechat.letters import WeChatLetterbox
from server.wechat.tokens import InProcessShelf, TokenShelf

SMS_CODES = ("sms_code_register", "sms_code_login", "sms_code_reset", "sms_code_bind")
_NO_TEMPLATE = "no template for {}; it is not sent this way"


@dataclass(slots=True, kw_only=True)
class Carriers:
    """The ways out of the app, and who knows what a WeChat code stands for."""

    login: WeChatLogin
    senders: Mapping[str, Sender]
    letterbox: WeChatLetterbox | None
    sms_report_key: str
    missing: list[str]
    apps: list[WeChatApp] = field(default_factory=list)
    posts: list[HttpPost] = field(default_factory=list)

    async def close(self) -> None:
        for opened in (*self.apps, *self.posts):
            opened.close()


def open_shelf(*, database: Database, redis: RedisLink | None) -> RedisTokenShelf | InProcessShelf:
    """Where the instances keep WeChat's tokens: in Redis if there is one, else each for itself."""
    beside = InProcessShelf()
    if redis is None:
        return beside
    return RedisTokenShelf(desk=redis.desk("tokens"), keys=database.keys, beside=beside)


def open_carriers(
    settings: Settings, *, database: Database, templates: Templates, redis: RedisLink | None = None
) -> Carriers:
    """Nothing is connected yet. Raises CannotOpen for half a credential or a wording that could not be filled."""
    wechat, sms = settings.wechat, settings.sms
    _require_whole("wechat", mini_app_id=wechat.mini_app_id, mini_secret=wechat.mini_secret)
    _require_whole("wechat", oa_app_id=wechat.oa_app_id, oa_secret=wechat.oa_secret)
    _require_whole("sms", provider=sms.provider, access_key=sms.access_key, secret=sms.secret, sign_name=sms.sign_name)
    _require_known_templates(sms.templates, templates)
    shelf = open_shelf(database=database, redis=redis)
    mini = _app(settings, wechat.mini_app_id, wechat.mini_secret, shelf)
    oa = _app(settings, wechat.oa_app_id, wechat.oa_secret, shelf)
    post = HttpPost()
    senders: dict[str, Sender] = {}
    if settings.is_sandbox:
        senders = {way: SandboxSender(database=database, channel=way.partition("_")[0]) for way in _WAYS}
    if mini is not None:
        wordings = _wordings(wechat.mini_templates, templates, "wechat.mini_templates")
        senders["wechat_mini"] = MiniProgramMessages(app=mini, wordings=wordings, version=wechat.mini_version)
    if oa is not None:
        wordings = _wordings(wechat.oa_templates, templates, "wechat.oa_templates")
        senders["wechat_oa"] = OfficialAccountMessages(app=oa, wordings=wordings)
    if sms.provider:
        senders["sms"] = AliyunSms(
            base_url=sms.api_url.rstrip("/"),
            access_key=sms.access_key,
            secret=sms.secret,
            sign_name=sms.sign_name,
            templates=sms.templates,
            post=post,
            breaker=Breaker(),
        )
    return Carriers(
        login=_login(settings, mini, oa),
        senders=senders,
        letterbox=_letterbox(settings),
        sms_report_key=sms.report_key,
        missing=list(_missing(settings, templates)),
        apps=[app for app in (mini, oa) if app is not None],
        posts=[post],
    )


_WAYS = ("sms", "wechat_mini", "wechat_oa")


def _app(settings: Settings, app_id: str, secret: str, shelf: TokenShelf) -> WeChatApp | None:
    if not app_id:
        return None
    api_url, pages_url = (url.rstrip("/") + "/" for url in (settings.wechat.api_url, settings.wechat.pages_url))
    return WeChatApp(app_id, secret, base_url=api_url, pages_url=pages_url, shelf=shelf)


def _login(settings: Settings, mini: WeChatApp | None, oa: WeChatApp | None) -> WeChatLogin:
    stand_in = SandboxWeChat() if settings.is_sandbox else NoWeChat()
    if mini is None and oa is None:
        return stand_in
    return WeChatApps(mini=mini, oa=oa, return_url=settings.wechat.oa_return_url, stand_in=stand_in)


def _letterbox(settings: Settings) -> WeChatLetterbox | None:
    wechat = settings.wechat
    if not wechat.oa_app_id or not wechat.oa_push_token:
        return None
    return WeChatLetterbox(app_id=wechat.oa_app_id, token=wechat.oa_push_token, aes_key=wechat.oa_push_aes_key)


def _wordings(given: Mapping[str, WechatTemplate], templates: Templates, where: str) -> dict[str, Wording]:
    wordings = {name: Wording(one.id, one.fields, one.page) for name, one in given.items()}
    try:
        return read_wordings(wordings, templates=templates, where=where)
    except BadTemplate as problem:
        raise CannotOpen(str(problem)) from None


def _require_whole(section: str, **parts: str) -> None:
    """All of a credential or nothing of it."""
    empty = [name for name, value in parts.items() if not value]
    if 0 < len(empty) < len(parts):
        raise CannotOpen(f"{section}.{empty[0]} is empty, although {section} has other parts of the same credential")


def _require_known_templates(given: Mapping[str, str], templates: Templates) -> None:
    for name in given:
        if name not in templates and name not in SMS_CODES:
            known = ", ".join((*SMS_CODES, *templates.critical_names))
            raise CannotOpen(f"sms.templates.{name}: there is no such notice or code; what is sent: {known}")


def _missing(settings: Settings, templates: Templates) -> list[str]:
    """What cannot be done for want of a credential or of an approved template, as lines for the log."""
    wechat, sms = settings.wechat, settings.sms
    lines = []
    for name, app_id, worded in (
        ("WeChat mini program", wechat.mini_app_id, wechat.mini_templates),
        ("WeChat official account", wechat.oa_app_id, wechat.oa_templates),
        ("SMS", sms.provider, sms.templates),
    ):
        if not app_id:
            lines += [] if settings.is_sandbox else [f"{name}: no credentials"]
            continue
        wanted = (*SMS_CODES, *templates.critical_names) if name == "SMS" else templates.critical_names
        lines += [f"{name}: {_NO_TEMPLATE.format(one)}" for one in wanted if one not in worded]
    if wechat.oa_app_id and not wechat.oa_return_url:
        lines.append("WeChat official account: no wechat.oa_return_url, so nobody logs in through it")
    return lines
