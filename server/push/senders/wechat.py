"""Notices as messages of the mini program or the account.

A mini program may send one message for each time that its user agreed to the template (else 43101); an
official account may send to whoever follows it (else 43004). Whatever WeChat says no to is final here and
goes out as a text message; only a silence is asked again.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from server.push.senders.port import Rejected
from server.push.senders.wording import Wording
from server.wechat.app import WeChatApp
from server.wechat.client import WeChatRefused


class MiniProgramMessages:
    """Implements `Sender` with 订阅消息; `recipient` is an openid of the mini program."""

    knows_once_key = False  # WeChat has no key for these

    def __init__(self, *, app: WeChatApp, wordings: Mapping[str, Wording], version: str) -> None:
        self._app = app
        self._wordings = wordings
        self._version = version  # "formal", "trial", "developer": what a tap opens

    async def send(
        self,
        recipient: str,
        *,
        template: str,
        text: str,
        params: Mapping[str, str],
        code: str | None,
        once_key: str,
    ) -> str | None:
        wording = _wording(self._wordings, template)
        message = {
            "touser": recipient,
            "template_id": wording.template_id,
            "data": wording.filled(params),
            "miniprogram_state": self._version,
            "lang": "zh_CN",
        }
        if wording.page:
            message["page"] = wording.address(params)
        return await _sent(self._app, "cgi-bin/message/subscribe/send", message)


class OfficialAccountMessages:
    """Implements `Sender` with 模板消息; `recipient` is an openid of the official account."""

    knows_once_key = False  # for ten minutes it does, which is shorter than we may ask again

    def __init__(self, *, app: WeChatApp, wordings: Mapping[str, Wording]) -> None:
        self._app = app
        self._wordings = wordings

    async def send(
        self,
        recipient: str,
        *,
        template: str,
        text: str,
        params: Mapping[str, str],
        code: str | None,
        once_key: str,
    ) -> str | None:
        wording = _wording(self._wordings, template)
        message = {
            "touser": recipient,
            "template_id": wording.template_id,
            "data": wording.filled(params),
            "client_msg_id": hashlib.sha256(once_key.encode()).hexdigest()[:32],
        }
        if wording.page:
            message["url"] = wording.address(params)
        return await _sent(self._app, "cgi-bin/message/template/send", message)


def _wording(wordings: Mapping[str, Wording], template: str) -> Wording:
    wording = wordings.get(template)
    if wording is None:
        raise Rejected("no_template")
    return wording


async def _sent(app: WeChatApp, path: str, message: dict[str, Any]) -> str | None:
    try:
        answer = await app.as_app(path, message)
    except WeChatRefused as refused:
        raise Rejected(str(refused.code)) from None
    msgid = answer.get("msgid")
    return str(msgid)[:64] if type(msgid) in (int, str) else None
