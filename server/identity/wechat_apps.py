"""Logging in through WeChat's real servers."""

import logging
import re
from collections.abc import Mapping
from typing import Any

from server.core.errors import Refused, Unavailable
from server.core.phone import mobile_number
from server.identity.wechat import WeChatLogin
from server.wechat.app import WeChatApp
from server.wechat.client import WeChatRefused

_log = logging.getLogger(__name__)
_CODE = re.compile(r"[\x21-\x7e]{1,128}")  # theirs have 32 letters and digits, of the phone 64; reliability.md E60
# invalid; used already; missing; the user is blocked as a risk
_USELESS_CODES = frozenset({40029, 40163, 41008, 40226})
_EXCHANGES = {"mini": ("sns/jscode2session", "js_code"), "oa": ("sns/oauth2/access_token", "code")}
_OPENID_CHARACTERS = 128
_CHINA = "86"
_ONLY_CHINA = "目前仅支持中国大陆手机号"


class WeChatApps:
    """Implements `WeChatLogin` with the apps that have credentials; for the others there is a stand-in."""

    def __init__(
        self, *, mini: WeChatApp | None, oa: WeChatApp | None, stand_in: WeChatLogin, return_url: str = ""
    ) -> None:
        self._mini = mini
        self._oa = oa
        self._stand_in = stand_in
        self._return_url = return_url
        self.requires_state = stand_in.requires_state if oa is None else True

    async def exchange(self, code: str, app: str) -> str:
        asked_app = self._mini if app == "mini" else self._oa
        if asked_app is None:
            return await self._stand_in.exchange(code, app)
        _require_code(code)
        path, name = _EXCHANGES[app]
        try:
            answer = await asked_app.with_secret(path, {name: code, "grant_type": "authorization_code"})
        except WeChatRefused as refused:
            raise _translated(refused) from None
        openid = answer.get("openid")
        if not isinstance(openid, str) or not 0 < len(openid) <= _OPENID_CHARACTERS:
            raise Unavailable()
        return openid  # session_key and the page's token stay behind: nothing here needs them

    async def phone_of(self, phone_code: str) -> str:
        if self._mini is None:
            return await self._stand_in.phone_of(phone_code)
        _require_code(phone_code)
        try:
            answer = await self._mini.as_app("wxa/business/getuserphonenumber", {"code": phone_code})
        except WeChatRefused as refused:
            raise _translated(refused) from None
        told = answer.get("phone_info")
        if not isinstance(told, dict) or _app_of(told) != self._mini.app_id:
            raise Unavailable()
        phone = mobile_number(str(told.get("purePhoneNumber", "")))
        if phone is None or str(told.get("countryCode")) != _CHINA:
            raise Refused("login_failed", _ONLY_CHINA)
        return phone

    def authorize_url(self, state: str) -> str:
        if self._oa is None:
            return self._stand_in.authorize_url(state)
        if not self._return_url:
            raise Unavailable()
        return self._oa.authorize_url(self._return_url, state)


def _require_code(code: str) -> None:
    if not _CODE.fullmatch(code):
        raise Refused("login_failed")


def _translated(refused: WeChatRefused) -> Refused | Unavailable:
    if refused.code in _USELESS_CODES:
        return Refused("login_failed")
    # A wrong secret, an address that is not on WeChat's list, a quota: the operator's, never the person's.
    _log.error("wechat refuses logins", extra={"code": refused.code})
    return Unavailable()


def _app_of(told: Mapping[str, Any]) -> Any:
    watermark = told.get("watermark")
    return watermark.get("appid") if isinstance(watermark, dict) else None
